"""An embedded AWS for each worker, and in it an account of its own for each test."""

import itertools
import os
import shutil
import tempfile

import pytest
from aws import EmbeddedAws
from stack import bootstrap

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


@pytest.fixture
def account(aws):
    return aws.account(f"1{next(_numbers):011}")
