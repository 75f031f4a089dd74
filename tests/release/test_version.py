"""`make -C release version` and `make -C release check`, in a repository of the test's own."""

import os
import platform
import shutil
import subprocess
import sys

import pytest

from orchestera_release import command_line_archive, product, signature
from orchestera_release.product import ROOT

NEXT = "99.0.0"


class Repository:
    """What would be committed here, as a repository with one commit in which this version was released."""

    def __init__(self, folder):
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in listed.stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / ".gitignore").write_text("/dist\n/target\n__pycache__\n")
        self.git("init", "--quiet")
        self.git("config", "user.name", "Dummy")
        self.git("config", "user.email", "dummy@example.com")
        self.commit()
        self.git("tag", f"v{product.VERSION}")

    def git(self, *arguments):
        return subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")

    def change(self, file, *change):
        path = self.folder / file
        path.write_text(path.read_text().replace(*change) if len(change) == 2 else path.read_text() + change[0])

    def run(self, program, *options, **environment):
        command = [sys.executable, "-m", f"orchestera_release.{program}", *options]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ORCHESTERA_")}
        # The packages of this repository, and not those of the one from which it was copied.
        environment = inherited | {"PYTHONPATH": str(self.folder / "release")} | environment
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)

    def prepare(self):
        self.change("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- Something.\n")
        prepared = self.run("version", NEXT)
        assert prepared.returncode == 0, prepared.stderr
        self.commit()

    def make_dist(self, key, programs, *options):
        """`programs` are the files of the command lines, by command line."""
        (self.folder / "bootstrap-for-the-test").write_bytes(b"\x7fELF, not really")
        self.change(".gitignore", "/bootstrap-for-the-test\n")
        self.commit()
        bootstrap = self.folder / "bootstrap-for-the-test"
        made = self.run(
            "dist",
            f"--signing-key={key}",
            *options,
            ORCHESTERA_BOOTSTRAP=str(bootstrap),
            ORCHESTERA_ORGANIZATION_BOOTSTRAP=str(bootstrap),
            **{one.variable: str(path) for one, path in programs.items()},
        )
        assert made.returncode == 0, made.stderr

    def refusals(self):
        ran = self.run("check")
        assert "Traceback" not in ran.stderr, ran.stderr
        assert (ran.returncode == 0) == (not ran.stderr)
        return ran.stderr.removeprefix("NOT to be released:\n- ").strip().split("\n- ") if ran.returncode else []


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "repository").mkdir()
    return Repository(tmp_path / "repository")


@pytest.fixture
def releasable(prepared, tmp_path):
    """A copy of one that was prepared, committed, built and signed by the key of releases."""
    copied = Repository.__new__(Repository)
    copied.folder = shutil.copytree(prepared.folder, tmp_path / "releasable", symlinks=True)
    # Other times of the same files, which git would take for changes until it looks.
    copied.git("status")
    return copied


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    key = tmp_path_factory.mktemp("key") / "dummy.pem"
    signature.make_key(key)
    return key


# It documents itself, as `make dist` asks of the command line.
DOCUMENTED = r"""
#include <stdio.h>
int main(int count, char **arguments) {
  char path[4096];
  snprintf(path, sizeof path, "%s/orchestera.1", arguments[2]);
  if (arguments[1][0] == 'm') fputs("manual", fopen(path, "w"));
  puts(arguments[1]);
}
"""


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Small programs in the place of the command lines: one for this machine, the beginning of one for the other."""
    folder = tmp_path_factory.mktemp("programs")
    paths = {one: folder / one.machine for one in product.COMMAND_LINES}
    for one, path in paths.items():
        if one.machine == platform.machine():
            subprocess.run(["cc", "-x", "c", "-", "-o", path], check=True, input=DOCUMENTED, text=True)
        else:
            number = command_line_archive.MACHINES[one.machine]
            path.write_bytes(b"\x7fELF" + bytes(14) + number.to_bytes(2, "little"))
    return paths


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, key, programs):
    repository = Repository(tmp_path_factory.mktemp("repository"))
    _, public = signature.sign(b"", key)
    (repository.folder / "release/orchestera-access.pub").write_bytes(public)
    repository.prepare()
    repository.make_dist(key, programs)
    return repository


def test_a_version_goes_into_every_file_that_has_it_and_its_template_is_kept(repository):
    repository.prepare()
    changed = repository.git("diff", "--name-only", "HEAD~").split()
    released = f"tests/stack/releases/{NEXT}.yaml"
    of_organization = f"tests/stack/releases/organization/{NEXT}.yaml"
    everywhere = ["CHANGELOG.md", "Cargo.lock", "Cargo.toml", "crates/cli/Cargo.toml", "crates/organization/Cargo.toml"]
    everywhere += ["docs/cli.md", "fuzz/Cargo.lock"]
    assert changed == [*everywhere, "organization.yaml", "template.yaml", released, of_organization]
    for file in changed:
        assert NEXT in (repository.folder / file).read_text()
    organization = (repository.folder / "organization.yaml").read_text()
    # Of each custom resource.
    assert organization.count(f"Release: {NEXT}\n") == organization.count("Type: Custom::") > 2
    assert organization == (repository.folder / of_organization).read_text()
    template = (repository.folder / "template.yaml").read_text()
    assert f"Release: {NEXT}\n" in template and template == (repository.folder / released).read_text()
    locked = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version=1"]
    assert subprocess.run(locked, cwd=repository.folder, capture_output=True).returncode == 0


@pytest.mark.parametrize("version", ["", "1", "v1.2.3", "1.2.3-rc1", "0.0.1", product.VERSION])
def test_a_version_that_is_none_or_not_higher_is_refused_and_nothing_is_written(repository, version):
    refused = repository.run("version", version)
    assert refused.returncode == 1 and refused.stderr.startswith("The version is ")
    assert repository.git("status", "--porcelain") == ""


def test_a_version_with_nothing_new_in_it_is_refused(repository):
    changelog = repository.folder / "CHANGELOG.md"
    head, _, rest = changelog.read_text().partition("## [Unreleased]\n")
    changelog.write_text(f"{head}## [Unreleased]\n\n## [{rest.partition('## [')[2]}")
    repository.commit()
    refused = repository.run("version", NEXT)
    assert refused.returncode == 1 and "no entry under Unreleased" in refused.stderr
    assert repository.git("status", "--porcelain") == ""


def test_what_was_prepared_built_and_signed_may_be_released(releasable):
    assert releasable.refusals() == []
    releasable.git("tag", f"v{NEXT}")
    assert releasable.refusals() == []


def test_a_dirty_tree_is_refused(releasable):
    releasable.change("README.md", "more\n")
    (reason,) = releasable.refusals()
    assert "There are uncommitted changes" in reason and "README.md" in reason


def test_an_unchanged_version_is_refused(releasable):
    releasable.git("tag", f"v{NEXT}")
    releasable.change("src/lib.rs", "// more\n")
    releasable.commit()
    assert any(f"The version is unchanged: {NEXT} is released" in reason for reason in releasable.refusals())


def test_a_version_below_one_that_is_released_is_refused(releasable):
    releasable.git("tag", "v99.0.1")
    (reason,) = releasable.refusals()
    assert f"The version is {NEXT}, and 99.0.1 is released" in reason


@pytest.mark.parametrize("name", ["template.yaml", "organization.yaml"])
def test_a_template_that_changed_without_the_version_is_refused(releasable, name):
    releasable.change(name, "# more\n")
    releasable.commit()
    assert any(f"{name} has changed since 99.0.0 was prepared" in reason for reason in releasable.refusals())


def test_artefacts_that_do_not_belong_together_are_refused(releasable):
    dist = releasable.folder / "dist" / NEXT
    content = (dist / product.FLAT).read_bytes()
    sums = (dist / product.SUMS).read_text()
    changed = content + b"# more\n"
    (dist / product.FLAT).write_bytes(changed)
    (dist / product.SUMS).write_text(sums.replace(product.sha256(content), product.sha256(changed)))
    reasons = releasable.refusals()
    assert any("AccessStack of orchestera-organization.yaml nests another" in reason for reason in reasons)


def test_changes_that_the_changelog_does_not_give_to_this_version_are_refused(releasable):
    releasable.change("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- More.\n")
    releasable.commit()
    assert any("entries under Unreleased" in reason for reason in releasable.refusals())


def test_artefacts_of_another_commit_and_those_that_were_changed_are_refused(releasable):
    dist = releasable.folder / "dist" / NEXT
    (dist / product.NATIVE).write_text("changed")
    (reason,) = releasable.refusals()
    assert "does not match the files in its folder" in reason
    releasable.commit()
    assert any("The artifacts were built from" in reason for reason in releasable.refusals())
    (dist / product.SIGNATURE).unlink()
    assert any("SHA256SUMS.sig is missing" in reason for reason in releasable.refusals())


def test_a_function_that_was_built_for_another_target_is_refused(releasable, key, programs):
    releasable.make_dist(key, programs, "--target=x86_64-unknown-linux-gnu")
    (reason,) = releasable.refusals()
    assert "The functions are for x86_64-unknown-linux-gnu, not for x86_64-unknown-linux-musl" in reason


def test_what_was_made_for_the_tests_is_refused_and_a_program_for_another_machine(releasable, key, programs):
    one, other = programs
    releasable.make_dist(key, programs | {other: programs[one].parent / "none"}, "--for-tests")
    wrong, for_tests = releasable.refusals()
    assert f"{other.archive} has no program for {other.machine}" in wrong
    assert "The artifacts were built for the tests, and a command line may be missing" in for_tests


def test_a_signature_that_is_not_by_the_key_of_releases_is_refused(releasable):
    signed = releasable.folder / "dist" / NEXT / product.SIGNATURE
    *signature, last = signed.read_bytes()
    signed.write_bytes(bytes([*signature, last ^ 1]))
    (reason,) = releasable.refusals()
    assert "The signature does not match release/orchestera-access.pub" in reason
    releasable.git("rm", "--quiet", "release/orchestera-access.pub")
    releasable.commit()
    assert any("There is no release/orchestera-access.pub" in reason for reason in releasable.refusals())
