"""An embedded AWS for each worker, and in it an account of its own for each test."""

import itertools
import os
import shutil
import tempfile

import product
import publish
import pytest
from aws import EmbeddedAws
from organization import Organization
from stack import bootstrap

# The account of the buckets.
PUBLISHER = "017000000000"
_numbers = itertools.count(1)


def pytest_configure(config):
    """All workers deploy the function as it is now: `sam build`, which is tested too, writes it anew while they run."""
    if hasattr(config, "workerinput"):
        return
    config.function_folder = tempfile.mkdtemp(prefix="orchestera-access-function-")
    os.environ["ORCHESTERA_BOOTSTRAP"] = shutil.copy2(bootstrap(), config.function_folder)


def pytest_unconfigure(config):
    if hasattr(config, "function_folder"):
        shutil.rmtree(config.function_folder)


@pytest.fixture(scope="session")
def aws():
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture(scope="session")
def dist():
    """The folder of the artefacts, made of the function as it is now."""
    if not (product.folder() / product.SUMS).is_file():
        raise FileNotFoundError(f"{product.folder()} is not there. `make test` makes it, or make dist.")
    return product.folder()


def bucket_policy(bucket):
    """The one that the documents give, for every account."""
    text = (product.ROOT / "docs/releasing.md").read_text().split("```json\n")[1].split("```")[0]
    customer, named = '["arn:aws:iam::111122223333:root"]', "orchestera-access-us-east-1"
    assert customer in text and named in text
    return text.replace(customer, '"*"').replace(named, bucket)


@pytest.fixture(scope="session")
def published(aws, dist):
    """The same folder, when it is in the buckets from which every account may read."""
    s3 = aws.account(PUBLISHER).client("s3")
    for region in product.REGIONS:
        bucket = product.bucket(product.BUCKET_PREFIX, region)
        s3.create_bucket(Bucket=bucket)
        # New buckets block it.
        open_to_policies = {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=open_to_policies)
        s3.put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket))
    missing, latest = publish.plan(lambda _: s3, product.VERSION, product.BUCKET_PREFIX, product.REGIONS)
    publish.publish(lambda _: s3, missing, latest, say=lambda line: None)
    return dist


@pytest.fixture
def new_account(aws):
    return lambda: aws.account(f"1{next(_numbers):011}")


@pytest.fixture
def account(new_account):
    return new_account()


@pytest.fixture
def organization(account):
    return Organization(account)


@pytest.fixture
def unit(organization):
    return organization.unit("Workloads")


@pytest.fixture
def join(organization, new_account, unit):
    """Makes an account and lets it join a unit."""

    def join(into=unit):
        account = new_account()
        organization.join(account, into)
        return account

    return join
