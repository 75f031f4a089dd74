"""`--output-file` writes the file whole or not at all."""

import json
import os
import re
import resource
import shutil
import stat
import subprocess

import pytest
from command_line import binary, of_user


@pytest.fixture
def file(tmp_path):
    """That an earlier run has written, in a folder of its own."""
    (tmp_path / "out").mkdir()
    path = tmp_path / "out/accounts.csv"
    path.write_text("as it was")
    return path


def status_into(path, account):
    """The arguments of a command that writes csv there."""
    return ("status", "--accounts", account.id, "--output", "csv", "--output-file", str(path))


def test_a_file_that_is_replaced_keeps_its_mode_and_a_new_one_has_the_usual(orchestera, account, file):
    file.chmod(0o640)
    orchestera(account, "permissions", "plan", "--output-file", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640 and json.loads(file.read_text())
    new, usual = file.with_name("new"), file.with_name("usual")
    usual.touch()
    orchestera(account, "permissions", "plan", "--output-file", str(new))
    assert new.stat().st_mode == usual.stat().st_mode


def test_a_link_stays_and_what_it_names_is_written(orchestera, account, file):
    link = file.with_name("link")
    link.symlink_to(file)
    assert orchestera(account, "permissions", "plan", "--output-file", str(link)).returncode == 0
    assert link.is_symlink() and json.loads(file.read_text())


def test_a_pipe_is_written_to_and_stays(orchestera, account, tmp_path):
    """As in `--output-file >(gzip)`."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        ran = orchestera(account, "permissions", "plan", "--output-file", str(pipe))
        assert ran.returncode == 0 and stat.S_ISFIFO(pipe.stat().st_mode)
        assert json.loads(reader.communicate(timeout=10)[0])


@pytest.mark.parametrize(
    "name, cause",
    [
        ("accounts.csv/accounts.csv", "Not a directory"),
        ("", "is a directory"),
        ("/proc/accounts.csv", "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_aws_is_asked(orchestera, account, file, name, cause):
    path = file.parent / name
    ran = orchestera(account, *status_into(path, account), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (ran.returncode, ran.stdout) == (2, "")
    begin, _, end = ran.stderr.partition(f"{path} cannot be written: {cause}")
    assert begin == "orchestera: "
    now, _, to_do = re.sub(r" \(os error [0-9]+\)", "", end).removeprefix(". ").partition(". ")
    assert now in ("It was not changed", "Nothing was written")
    assert to_do == "Give a path in a folder that you may write to.\n"
    assert file.read_text() == "as it was" and list(file.parent.iterdir()) == [file]


def test_a_folder_that_does_not_exist_is_named(orchestera, account, file):
    ran = orchestera(account, *status_into(file.parent / "none/accounts.csv", account))
    assert (ran.returncode, ran.stdout) == (2, "")
    folder = file.parent / "none"
    assert f"The folder {folder} does not exist, so nothing was written. Create it, or give another path." in ran.stderr


def test_a_folder_that_is_read_only_is_refused(account, home, file):
    file.parent.chmod(0o555)
    # root may write everywhere, unless it has given that up.
    without = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    ran = subprocess.run(
        [*without, binary(), *status_into(file, account)], env=of_user(account, home), capture_output=True, text=True
    )
    file.parent.chmod(0o755)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"{file} cannot be written: Permission denied (os error 13)" in ran.stderr
    assert file.read_text() == "as it was" and list(file.parent.iterdir()) == [file]


def test_a_disk_that_is_full_leaves_the_file_as_it_was(account, home, file):
    ran = subprocess.run(
        [binary(), *status_into(file, account)],
        env=of_user(account, home),
        capture_output=True,
        text=True,
        # Python ignores the signal of that limit, and the command inherits it: it gets an error, as of a full disk.
        restore_signals=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20)),
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"orchestera: {file} cannot be written: File too large (os error 27)" in ran.stderr
    assert file.read_text() == "as it was" and list(file.parent.iterdir()) == [file]


def test_setpriv_is_there_for_root():
    """Otherwise the test of a read-only folder says nothing."""
    assert os.geteuid() != 0 or shutil.which("setpriv")
