"""`make publish`: uploads dist/<version>/ to the bucket of every region. An object under <version>/ never changes.

Objects that exist with the same content stay, so you can repeat an upload that was interrupted. If an object exists
with other content, the command reports an error before it writes anything. It changes `latest/` last, when the version
is complete in every region.
"""

import json
import os
import sys
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from orchestera_release import check, product
from orchestera_release.command_line import parser
from orchestera_release.product import Refused
from orchestera_release.signature import is_valid

LATEST = "latest"
TYPES = {
    ".yaml": "application/yaml",
    ".json": "application/json",
    ".zip": "application/zip",
    ".gz": "application/gzip",
}


@dataclass(frozen=True)
class Upload:
    """One object to be written: a content under a key of a bucket."""

    region: str
    bucket: str
    key: str
    content: bytes

    def __str__(self):
        return f"s3://{self.bucket}/{self.key} ({len(self.content)} bytes)"


def whole(folder):
    """The files that `make dist` made, by name. Raises `Refused` if the folder is not there or not whole."""
    if not folder.is_dir():
        raise Refused(f"There is no {folder}. Run `make dist` first.")
    contents = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for line in contents.get(product.SUMS, b"").decode().splitlines():
        sum_, name = line.split("  ")
        if product.sha256(contents.get(name, b"")) != sum_:
            raise Refused(f"{name} does not match {product.SUMS}. Run `make dist` again.")
    missing = {*product.SUMMED, product.SUMS, product.SIGNATURE, product.PUBLIC_KEY} - contents.keys()
    if missing:
        raise Refused(f"{folder} has no {', '.join(sorted(missing))}. Run `make dist` again.")
    return contents


def artefacts(version, prefix):
    """What `make dist` made, by name. Raises `Refused` if it is not there, not whole, or made for other buckets."""
    contents = whole(product.folder(version))
    made_for = json.loads(contents[product.PROVENANCE])["predicate"]["buildDefinition"]["externalParameters"]
    if made_for["bucketPrefix"] != prefix:
        raise Refused(
            f"dist/{version} was built for buckets {made_for['bucketPrefix']}-<region>, which its templates name. "
            f"Run `make dist BUCKET_PREFIX={prefix}` first."
        )
    return contents


def keys(contents):
    """What is written under a version: the artefacts, and once more what a template nests, under its hash."""
    flat = contents[product.FLAT]
    return contents | {product.pinned_name(product.FLAT, flat): flat}


def plan(s3_of, version, prefix, regions):
    """The uploads of a version that are missing, and those that move `latest/`, in this order.

    Raises `Refused` if a key holds anything else, or a bucket is not there; nothing was written then.
    """
    contents = artefacts(version, prefix)
    missing, latest, different = [], [], []
    for region in regions:
        s3, bucket = s3_of(region), product.bucket(prefix, region)
        for name, content in sorted(keys(contents).items()):
            upload = Upload(region, bucket, product.key(name, version), content)
            there = _content(s3, upload)
            if there is None:
                missing.append(upload)
            elif there != content and not (name == product.SIGNATURE and _also_signs(there, contents)):
                different.append(str(upload))
        # The template last: it is what a link opens.
        for name in (product.NATIVE, product.STACK_SET, product.ORGANIZATION, product.FLAT):
            upload = Upload(region, bucket, f"{LATEST}/{name}", contents[name])
            if _content(s3, upload) != upload.content:
                latest.append(upload)
    if different:
        raise Refused(
            "These objects exist with other content, and published objects never change. Raise the version instead:\n  "
            + "\n  ".join(different)
        )
    return missing, latest


def _also_signs(signature, contents):
    """Whether another signature is as good: no two that one key makes are the same."""
    return is_valid(contents[product.SUMS], signature, contents[product.PUBLIC_KEY])


def publish(s3_of, missing, latest, say=print):
    """Writes what `plan` found, in its order. A key that somebody wrote meanwhile is an error, not overwritten."""
    for upload in missing:
        # S3 itself refuses to replace an object.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        _put(s3_of(upload.region), upload, "public, max-age=31536000, immutable", IfNoneMatch="*")
        say(f"wrote  {upload}")
    for upload in latest:
        _put(s3_of(upload.region), upload, "no-cache")
        say(f"moved  {upload}")


def _put(s3, upload, cache, **condition):
    type_ = TYPES.get(os.path.splitext(upload.key)[1], "text/plain; charset=utf-8")
    try:
        s3.put_object(
            Bucket=upload.bucket,
            Key=upload.key,
            Body=upload.content,
            ContentType=type_,
            CacheControl=cache,
            ChecksumAlgorithm="SHA256",
            **condition,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
            raise Refused(f"Somebody else has just written {upload}. Run `make publish` again to compare.") from error
        raise _refused(error, upload) from error


def _content(s3, upload):
    """What the key holds, or None."""
    try:
        return s3.get_object(Bucket=upload.bucket, Key=upload.key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise _refused(error, upload) from error


def _refused(error, upload):
    code = error.response["Error"]["Code"]
    if code == "NoSuchBucket":
        return Refused(f"There is no bucket {upload.bucket}. Create it in {upload.region} as docs/releasing.md says.")
    return Refused(
        f"S3 refuses {error.operation_name} of {upload}: {code}. docs/releasing.md lists the permissions that you need."
    )


def main(arguments=None):
    options = parser("orchestera_release.publish", __doc__, "--bucket-prefix my-company-orchestera --dry-run")
    product.add_bucket_prefix(options)
    options.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")
    given = options.parse_args(arguments)
    prefix, dry, version = given.bucket_prefix, given.dry_run, product.VERSION
    product.check_prefix(prefix)
    if prefix == product.BUCKET_PREFIX and not dry and (wrong := list(check.reasons())):
        refusal = "These are the buckets of the releases, and this version may not be released:\n- "
        raise Refused(refusal + "\n- ".join(wrong))

    def s3_of(region):
        # An endpoint of one's own has no name for each bucket.
        style = "path" if os.environ.get("AWS_ENDPOINT_URL") else "virtual"
        return boto3.client("s3", region_name=region, config=Config(s3={"addressing_style": style}))

    try:
        missing, latest = plan(s3_of, version, prefix, product.REGIONS)
        if dry:
            for upload in missing:
                print(f"would write  {upload}")
            for upload in latest:
                print(f"would move   {upload}")
            print("Nothing was written.")
            return
        publish(s3_of, missing, latest)
    except BotoCoreError as error:
        raise Refused(f"AWS cannot be called. A dry run needs it too: {error}") from error
    if not missing and not latest:
        print(f"{version} is already published, with the same content in every bucket.")
    for region in product.REGIONS:
        for name in (product.ORGANIZATION, product.FLAT):
            print(product.url(prefix, region, name))


if __name__ == "__main__":
    sys.exit(main())
