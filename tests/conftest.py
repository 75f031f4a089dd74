"""An embedded AWS for each worker, and in it an account of its own for each test."""

import itertools
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from orchestera_local import publisher
from orchestera_local.aws import EmbeddedAws
from orchestera_local.organization import Organization
from orchestera_release import product

_numbers = itertools.count(1)


def pytest_configure(config):
    """All workers deploy the functions of now: `sam build`, which is tested too, writes them anew while they run."""
    if hasattr(config, "workerinput"):
        return
    if not Path(__file__).is_relative_to(product.ROOT):
        pytest.exit(f".venv belongs to {product.ROOT}. Run: rm .venv/installed && make tools", returncode=2)
    try:
        built = {function: product.bootstrap(function) for function in product.FUNCTIONS}
    except product.Refused as missing:
        pytest.exit(str(missing), returncode=2)
    config.function_folder = tempfile.mkdtemp(prefix="orchestera-access-function-")
    for function, path in built.items():
        os.environ[function.variable] = shutil.copy2(path, os.path.join(config.function_folder, function.package))


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


@pytest.fixture(scope="session")
def published(aws, dist):
    """The same folder, when it is in the buckets from which every account may read."""
    publisher.make_buckets(aws)
    publisher.publish_it(aws, say=lambda line: None)
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
