"""The bucket that holds the code and the template while the proof runs, as the release's bucket does for customers."""

import secrets

from botocore.exceptions import ClientError

from orchestera_release import product
from orchestera_release.proof import leftovers
from orchestera_release.proof.caller import code_of


class CodeBucket:
    """Private, and of the account that the proof runs in. Its name has something random: names are everybody's."""

    def __init__(self, caller, release):
        self.caller, self.release = caller, release
        self.prefix = f"{leftovers.bucket_prefix(caller.account)}{secrets.token_hex(4)}"
        self.name = product.bucket(self.prefix, caller.region)
        self.template = release.template(self.prefix)
        # Before it is asked for: an answer can be lost.
        self.is_begun = False

    def create(self):
        s3 = self.caller.client("s3")
        self.is_begun = True
        s3.create_bucket(Bucket=self.name)
        for name, content in self._contents().items():
            key = product.key(name, self.release.version)
            s3.put_object(Bucket=self.name, Key=key, Body=content, ChecksumAlgorithm="SHA256")

    def template_url(self):
        return product.url(self.prefix, self.caller.region, product.FLAT, self.release.version)

    def delete(self):
        """Whatever is in it, too. That it is not there is as good."""
        s3 = self.caller.client("s3")
        try:
            for name in self._contents():
                s3.delete_object(Bucket=self.name, Key=product.key(name, self.release.version))
            s3.delete_bucket(Bucket=self.name)
        except ClientError as error:
            if code_of(error) != "NoSuchBucket":
                raise

    def _contents(self):
        return {product.CODE: self.release.code, product.FLAT: self.template}
