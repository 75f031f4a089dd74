"""An embedded AWS for each worker, and in it an account of its own for each test."""

import itertools

import pytest
from aws import EmbeddedAws

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def aws():
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture
def account(aws):
    return aws.account(f"1{next(_numbers):011}")
