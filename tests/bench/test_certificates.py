"""Who trusts the benchmark's certificate: a copy of the function, and never the function."""

import pytest

from orchestera_bench.stage.certificates import Certificates, NotFound, content, key_of, public_roots
from orchestera_local import stack


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


def test_a_copy_of_the_built_function_differs_by_the_name_and_the_key_of_one_root(certificates):
    original = stack.bootstrap()
    before = original.read_bytes()
    copy = certificates.trusted_by(original).read_bytes()
    assert original.read_bytes() == before
    ours = content(certificates.root.subject.public_bytes()), key_of(certificates.root.public_key())
    assert [part in before for part in ours] == [False, False]
    assert [copy.count(part) for part in ours] == [1, 1]
    changed = sum(one != other for one, other in zip(before, copy, strict=True))
    assert 0 < changed <= sum(map(len, ours))


def test_a_program_without_that_root_is_not_measured(certificates, tmp_path):
    program = tmp_path / "program"
    program.write_bytes(b"no root")
    with pytest.raises(NotFound, match="0 times"):
        certificates.trusted_by(program)


def test_the_bundle_has_as_many_roots_as_there_are_and_ours_for_one_of_them(certificates):
    bundle = certificates.bundle.read_bytes()
    assert bundle.count(b"BEGIN CERTIFICATE") == len(public_roots())
    assert certificates.alone.read_bytes() in bundle
