"""`make publish` on the S3 of the embedded AWS."""

import itertools
import os
import shutil
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from orchestera_release import product, publish
from orchestera_release.product import ROOT, Refused

REGIONS = ("us-east-1", "eu-west-1")
_numbers = itertools.count(1)


class Interrupted(Exception):
    """As a connection that breaks."""


class Publisher:
    """Buckets of an account, and what may go wrong on the way to them."""

    def __init__(self, account, prefix):
        self.prefix, self.writes_left = prefix, None
        self.clients = {region: account.client("s3", region) for region in REGIONS}

    def __call__(self, region):
        """The S3 client, as `plan` and `publish` take it."""
        self.region = region
        return self

    def get_object(self, **request):
        return self.clients[self.region].get_object(**request)

    def put_object(self, **request):
        if self.writes_left == 0:
            raise Interrupted
        if self.writes_left is not None:
            self.writes_left -= 1
        return self.clients[self.region].put_object(**request)

    def run(self):
        missing, latest = publish.plan(self, product.VERSION, self.prefix, REGIONS)
        publish.publish(self, missing, latest, say=lambda line: None)
        return len(missing), len(latest)

    def holds(self, region):
        listed = self.clients[region].list_objects_v2(Bucket=product.bucket(self.prefix, region)).get("Contents", [])
        return {one["Key"]: self.content(region, one["Key"]) for one in listed}

    def content(self, region, key):
        return self.clients[region].get_object(Bucket=product.bucket(self.prefix, region), Key=key)["Body"].read()


@pytest.fixture
def made(dist, tmp_path, monkeypatch):
    """Artefacts of this test's own, for buckets of its own: their prefix, and their folder."""
    prefix = f"prefix-{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}-{next(_numbers)}"
    folder = shutil.copytree(dist, tmp_path / "dist" / product.VERSION)
    provenance = (folder / product.PROVENANCE).read_text().replace(product.BUCKET_PREFIX, prefix)
    sum_ = product.sha256((folder / product.PROVENANCE).read_bytes())
    (folder / product.PROVENANCE).write_text(provenance)
    sums = (folder / product.SUMS).read_text().replace(sum_, product.sha256(provenance.encode()))
    (folder / product.SUMS).write_text(sums)
    monkeypatch.setenv("ORCHESTERA_DIST", str(folder.parent))
    return prefix, folder


@pytest.fixture
def publisher(account, made):
    publisher = Publisher(account, made[0])
    for region, s3 in publisher.clients.items():
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=product.bucket(made[0], region), **where)
    return publisher


def expected(folder):
    contents = {f"{product.VERSION}/{path.name}": path.read_bytes() for path in folder.iterdir()}
    flat = (folder / product.FLAT).read_bytes()
    # As the template of the management account names it.
    contents[f"{product.VERSION}/{product.sha256(flat)}/{product.FLAT}"] = flat
    return contents | {f"latest/{name}": (folder / name).read_bytes() for name in product.TEMPLATES}


def test_every_artefact_is_in_the_bucket_of_every_region_and_the_second_time_there_is_nothing_to_do(publisher, made):
    assert publisher.run() == (2 * 17, 2 * 4)
    for region in REGIONS:
        assert publisher.holds(region) == expected(made[1])
    assert publisher.run() == (0, 0)


def test_a_key_with_other_content_is_refused_before_anything_is_written(publisher, made):
    key, bucket = product.key(product.CODE), product.bucket(made[0], "eu-west-1")
    publisher.clients["eu-west-1"].put_object(Bucket=bucket, Key=key, Body=b"other code")
    with pytest.raises(Refused, match=f"Raise the version.*\n  s3://{bucket}/{key}"):
        publisher.run()
    assert (publisher.holds("us-east-1"), publisher.holds("eu-west-1")) == ({}, {key: b"other code"})


@pytest.mark.parametrize("writes", range(0, 42, 5))
def test_an_upload_that_was_interrupted_is_completed_by_the_next_and_nothing_points_at_half_a_version(
    publisher, made, writes
):
    publisher.writes_left = writes
    with pytest.raises(Interrupted):
        publisher.run()
    if writes < 34:
        assert not [key for region in REGIONS for key in publisher.holds(region) if key.startswith("latest/")]
    publisher.writes_left = None
    missing, latest = publisher.run()
    assert missing + latest == 42 - writes
    for region in REGIONS:
        assert publisher.holds(region) == expected(made[1])


def test_what_somebody_writes_in_between_is_not_overwritten(publisher, made):
    missing, latest = publish.plan(publisher, product.VERSION, made[0], REGIONS)
    last = missing[-1]
    publisher.clients[last.region].put_object(Bucket=last.bucket, Key=last.key, Body=b"theirs")
    with pytest.raises(Refused, match="Somebody else has just written"):
        publish.publish(publisher, missing, latest, say=lambda line: None)
    assert publisher.content(last.region, last.key) == b"theirs"
    assert not [key for key in publisher.holds(last.region) if key.startswith("latest/")]


def test_another_signature_by_the_same_key_is_left_alone_and_one_that_signs_nothing_is_refused(publisher, made):
    publisher.run()
    # This copy's checksums are not those that were signed, so that no signature over them is good.
    (made[1] / product.SIGNATURE).write_bytes(b"another signature")
    with pytest.raises(Refused, match=product.SIGNATURE):
        publisher.run()


def test_a_newer_version_takes_over_latest_and_leaves_the_older_one(publisher, made, monkeypatch):
    publisher.run()
    before = publisher.holds("us-east-1")
    newer = made[1].parent / "99.0.0"
    shutil.copytree(made[1], newer)
    native = newer / product.NATIVE
    sums = (newer / product.SUMS).read_text().replace(product.sha256(native.read_bytes()), product.sha256(b"newer"))
    (newer / product.SUMS).write_text(sums)
    native.write_bytes(b"newer")
    missing, latest = publish.plan(publisher, "99.0.0", made[0], REGIONS)
    publish.publish(publisher, missing, latest, say=lambda line: None)
    after = publisher.holds("us-east-1")
    assert after[f"latest/{product.NATIVE}"] == b"newer"
    assert {key: after[key] for key in before if not key.startswith("latest/")} == {
        key: content for key, content in before.items() if not key.startswith("latest/")
    }


def test_what_is_not_whole_is_refused(publisher, made):
    (made[1] / product.NATIVE).write_text("changed by hand")
    with pytest.raises(Refused, match=f"{product.NATIVE} does not match SHA256SUMS"):
        publisher.run()
    (made[1] / product.SIGNATURE).unlink()
    (made[1] / product.SUMS).write_text("")
    with pytest.raises(Refused, match=f"has no {product.SIGNATURE}"):
        publisher.run()
    shutil.rmtree(made[1])
    with pytest.raises(Refused, match="Run `make dist` first"):
        publisher.run()
    assert publisher.holds("us-east-1") == {}


def test_artefacts_that_were_made_for_other_buckets_are_refused(publisher, made):
    with pytest.raises(Refused, match="make dist BUCKET_PREFIX=another"):
        publish.plan(publisher, product.VERSION, "another", REGIONS)


def test_a_bucket_that_is_not_there_and_one_that_may_not_be_written_are_told(aws, account, publisher, made):
    publisher.clients["eu-west-1"].delete_bucket(Bucket=product.bucket(made[0], "eu-west-1"))
    with pytest.raises(Refused, match=f"There is no bucket {made[0]}-eu-west-1. Create it in eu-west-1"):
        publisher.run()
    publisher.clients = {region: aws.account("999988887777").client("s3", region) for region in REGIONS}
    with pytest.raises(Refused, match="S3 refuses GetObject of .*AccessDenied"):
        publisher.run()


def run(account, prefix, *options, **more):
    environment = os.environ | {
        "AWS_ENDPOINT_URL": account.endpoint,
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": "dummy-secret-key",
    }
    command = [sys.executable, "-m", "orchestera_release.publish", f"--bucket-prefix={prefix}", *options]
    return subprocess.run(command, cwd=ROOT, env=environment | more, capture_output=True, text=True)


def test_the_command_says_what_it_would_do_then_does_it_and_prints_the_templates_address(account, publisher, made):
    dry = run(account, made[0], "--dry-run")
    assert (dry.returncode, dry.stdout.count("would write"), dry.stdout.count("would move")) == (0, 17, 4), dry.stderr
    assert "Nothing was written." in dry.stdout and publisher.holds("us-east-1") == {}
    wet = run(account, made[0])
    assert (wet.returncode, wet.stdout.count("wrote  s3://"), wet.stdout.count("moved  s3://")) == (0, 17, 4), (
        wet.stderr
    )
    address = product.url(made[0], "us-east-1", product.FLAT)
    assert wet.stdout.splitlines()[-1] == address and "is already published" in run(account, made[0]).stdout
    with pytest.raises(ClientError):
        publisher.content("us-east-1", "nothing")


def test_the_command_without_credentials_says_so_in_one_line(account, made):
    ran = run(account, made[0], AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_EC2_METADATA_DISABLED="true")
    assert ran.returncode == 1 and ran.stderr.startswith("AWS cannot be called. ") and "Traceback" not in ran.stderr


def test_what_may_not_be_released_is_not_put_into_the_buckets_of_the_releases(account, dist):
    ran = run(account, product.BUCKET_PREFIX)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("These are the buckets of the releases, and this version may not be released:\n- ")
    assert "release/orchestera-access.pub" in ran.stderr
