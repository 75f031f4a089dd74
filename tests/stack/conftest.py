"""The stack under test, as fixtures."""

import pytest
from under_test import Access

from orchestera_local import stack as stacks


@pytest.fixture
def stack(account):
    return stacks.Stack(account)


@pytest.fixture
def template():
    return stacks.template()


@pytest.fixture
def iam(account):
    return account.client("iam")


@pytest.fixture
def access(account):
    return Access(account)
