"""Who runs `make prove-aws`, on the AWS on loopback."""

import pytest
from proving import Person


@pytest.fixture
def person(account, tmp_path, dist):
    return Person(account, tmp_path, dist)
