"""The command line as it is published: what is in the archives, and that the programs run where nothing else is."""

import json
import platform
import re
import shutil
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from needs import need

from orchestera_local import publisher
from orchestera_local.aws import SECRET_KEY
from orchestera_release import archive, command_line_archive, product
from orchestera_release import dist as making
from orchestera_release.product import ROOT

X86_64, AARCH64 = product.COMMAND_LINES
HERE = next(one for one in product.COMMAND_LINES if one.machine == platform.machine())
# As clap says them with `--help`; `help` has no page.
COMMANDS = re.compile(r"^  ([a-z-]+)  ", re.MULTILINE)
AWSCLI = ROOT / ".tools/awscli/bin"


@pytest.fixture
def unpacked(tmp_path):
    """Unpacks an archive as a customer does, and gives the folder that is `~/.local` then."""

    def unpacked(path):
        folder = tmp_path / "local"
        folder.mkdir()
        command = ["tar", "-xzf", path, "-C", folder, "--strip-components=1"]
        ran = subprocess.run(command, capture_output=True, text=True)
        assert (ran.returncode, ran.stderr) == (0, "")
        return folder

    return unpacked


def said(*command, **environment):
    """What a program says in an environment that holds nothing else."""
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def program(dist, command_line):
    """The program of an archive. Skips the test where it was not built."""
    content, mode = archive.unpacked((dist / command_line.archive).read_bytes())[command_line_archive.PROGRAM]
    assert mode == 0o755
    if content == command_line_archive.STAND_IN:
        pytest.skip(f"The command line for {command_line.machine} was not built: `make test` says why at its end.")
    return content


@pytest.mark.parametrize("command_line", product.COMMAND_LINES, ids=lambda one: one.machine)
def test_an_archive_has_the_program_its_manual_the_completions_and_the_license(dist, command_line):
    files = archive.unpacked((dist / command_line.archive).read_bytes())
    names = {name.removeprefix(f"{command_line_archive.TOP}/") for name in files}
    pages = {name for name in names if name.startswith("share/man/man1/")}
    assert names - pages == {
        *("bin/orchestera", "share/doc/orchestera/LICENSE", "share/bash-completion/completions/orchestera"),
        *("share/zsh/site-functions/_orchestera", "share/fish/vendor_completions.d/orchestera.fish"),
    }
    assert {f"share/man/man1/{page}.1" for page in ("orchestera", "orchestera-plan", "orchestera-status")} <= pages
    assert files[f"{command_line_archive.TOP}/share/doc/orchestera/LICENSE"] == (
        (ROOT / "LICENSE").read_bytes(),
        0o644,
    )
    assert all(content for content, _ in files.values())


def test_both_archives_have_the_same_documents(dist):
    one, other = (
        {name: file for name, file in archive.unpacked((dist / it).read_bytes()).items() if "/bin/" not in name}
        for it in product.ARCHIVES
    )
    assert one == other and len(one) > 8


@pytest.mark.parametrize("command_line", product.COMMAND_LINES, ids=lambda one: one.machine)
def test_the_program_is_for_its_machine_loads_no_library_and_names_no_path_of_the_builder(dist, command_line):
    content = program(dist, command_line)
    kind, machine = struct.unpack_from("<HH", content, 16)
    first, size, count = *struct.unpack_from("<Q", content, 32), *struct.unpack_from("<HH", content, 54)
    headers = {struct.unpack_from("<I", content, first + number * size)[0] for number in range(count)}
    shared_object, interpreter = 3, 3
    assert (kind, machine) == (shared_object, {"x86_64": 62, "aarch64": 183}[command_line.machine])
    built_for = json.loads((dist / product.PROVENANCE).read_text())["predicate"]["buildDefinition"][
        "externalParameters"
    ]
    # The one for arm64 is for musl in any case.
    is_musl = built_for["target"].endswith("-musl") or command_line != HERE
    assert (interpreter in headers) == (not is_musl)
    assert not re.findall(rb"/(?:home|root|work|tmp|Users)/[\w./-]*\.(?:rs|c|cpp|zig)\b|site-packages", content)


def test_the_program_runs_where_nothing_else_is(dist, unpacked):
    program(dist, HERE)
    local = unpacked(dist / HERE.archive)
    assert said(local / "bin/orchestera", "--version") == f"orchestera {product.VERSION}\n"
    listed = set(COMMANDS.findall(said(local / "bin/orchestera", "--help"))) - {"help"}
    assert {"preflight", "plan", "verify", "status"} <= listed
    pages = {path.name for path in (local / "share/man/man1").iterdir()}
    assert {f"orchestera-{name}.1" for name in listed} <= pages


def test_the_program_for_arm64_runs_under_qemu_and_says_the_same(dist, tmp_path):
    if HERE == AARCH64:
        pytest.skip("This machine is one for arm64: other tests have run the program.")
    paths = {}
    for one in product.COMMAND_LINES:
        # Of one name, because the help says it.
        paths[one] = tmp_path / one.machine / product.PROGRAM
        paths[one].parent.mkdir()
        paths[one].write_bytes(program(dist, one))
        paths[one].chmod(0o755)
    emulator = shutil.which("qemu-aarch64-static") or "qemu-aarch64"
    need(emulator)
    for arguments in (["--version"], ["permissions", "status"], ["completions", "zsh"], ["status", "--help"]):
        emulated = said(shutil.which(emulator), paths[AARCH64], *arguments)
        assert emulated and emulated == said(paths[X86_64], *arguments)


@pytest.mark.parametrize(
    "shell, command",
    [
        ("bash", 'source "$0/share/bash-completion/completions/orchestera" && complete -p orchestera'),
        (
            "zsh",
            'fpath=("$0/share/zsh/site-functions" $fpath); autoload -U compinit; compinit -u -D; '
            "echo $_comps[orchestera]",
        ),
    ],
)
def test_a_shell_takes_the_completions_from_where_they_are(dist, unpacked, shell, command):
    need(shell)
    local = unpacked(dist / HERE.archive)
    assert "_orchestera" in said(shutil.which(shell), *["-f"] * (shell == "zsh"), "-c", command, str(local))


def test_an_archive_is_the_same_bytes_for_the_same_files_with_no_time_and_no_owner(tmp_path):
    files = {"top/bin/program": (b"program" * 1000, 0o755), "top/share/text": (b"text", 0o644)}
    content = archive.packed(files)
    assert content == archive.packed(dict(reversed(files.items()))) and archive.unpacked(content) == files
    (tmp_path / "a.tar.gz").write_bytes(content)
    with tarfile.open(tmp_path / "a.tar.gz") as opened:
        assert {(one.mtime, one.uid, one.gid, one.uname, one.gname) for one in opened} == {(315532800, 0, 0, "", "")}
    # Neither in what surrounds it.
    assert content[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"


def test_a_program_for_another_machine_than_the_archive_says_and_one_that_was_not_built_are_told():
    def with_machine(number):
        return b"\x7fELF" + bytes(14) + number.to_bytes(2, "little") + bytes(44)

    def contents(*programs):
        return {
            one.archive: archive.packed({command_line_archive.PROGRAM: (content, 0o755)})
            for one, content in zip(product.COMMAND_LINES, programs, strict=True)
        }

    assert list(command_line_archive.problems(contents(with_machine(62), with_machine(183)))) == []
    wrong = [f"orchestera-{machine}-linux.tar.gz has no program for {machine}." for machine in ("x86_64", "aarch64")]
    assert list(command_line_archive.problems(contents(with_machine(183), with_machine(62)))) == wrong
    stand_in = contents(with_machine(62), command_line_archive.STAND_IN)
    assert list(command_line_archive.problems(stand_in)) == wrong[1:]


@pytest.mark.parametrize("missing", product.COMMAND_LINES, ids=lambda one: one.machine)
def test_without_one_of_the_programs_nothing_is_published(missing, tmp_path, monkeypatch):
    monkeypatch.setenv("ORCHESTERA_DIST", str(tmp_path / "dist"))
    for one in product.COMMAND_LINES:
        (tmp_path / one.machine).write_bytes(b"program")
        monkeypatch.setenv(one.variable, str(tmp_path / one.machine))
    (tmp_path / missing.machine).unlink()
    with pytest.raises(product.Refused, match=f"{missing.machine} does not exist. `make dist` builds it"):
        making.main([])
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    "script, reason",
    [
        ("exit 0", "did not write its manual"),
        ("echo broken >&2; exit 1", "orchestera man failed:\nbroken"),
    ],
)
def test_a_program_that_does_not_document_itself_is_refused(script, reason):
    with pytest.raises(product.Refused, match=reason):
        command_line_archive.archives({HERE: f"#!/bin/sh\n{script}\n".encode()})


def blocks():
    """The shell blocks of the section on CloudShell."""
    section = (ROOT / "docs/cli.md").read_text().partition("### AWS CloudShell\n")[2].partition("\n### ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def install(aws, account, home):
    """As a customer does in an empty home folder, with the AWS CLI and the credentials of an account."""
    (home / "downloads").mkdir(parents=True)
    command, *_ = blocks()
    environment = {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": account.id,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }
    path = f"{AWSCLI}:{Path(sys.executable).parent}:/usr/bin:/bin"
    return subprocess.run(
        ["bash", "-uc", command],
        cwd=home / "downloads",
        env={"HOME": str(home), "PATH": path} | environment,
        capture_output=True,
        text=True,
    )


def test_the_command_for_cloudshell_installs_what_was_published(aws, account, published, tmp_path):
    ran = install(aws, account, tmp_path / "home")
    assert ran.returncode == 0 and f"{HERE.archive}: OK" in ran.stdout, ran.stdout + ran.stderr
    _, trial = blocks()
    path = f"{tmp_path}/home/.local/bin:/usr/bin"
    assert said("/bin/bash", "-c", trial, PATH=path) == f"orchestera {product.VERSION}\n"


def test_the_command_for_cloudshell_unpacks_nothing_that_is_not_what_the_checksums_name(
    aws, account, published, tmp_path
):
    s3, bucket = aws.account(publisher.ACCOUNT).client("s3"), product.bucket(product.BUCKET_PREFIX, "us-east-1")
    key, content = product.key(HERE.archive), (published / HERE.archive).read_bytes()
    s3.put_object(Bucket=bucket, Key=key, Body=archive.packed({command_line_archive.PROGRAM: (b"another", 0o755)}))
    try:
        ran = install(aws, account, tmp_path / "changed")
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    assert ran.returncode != 0 and f"{HERE.archive}: FAILED" in ran.stdout
    assert list((tmp_path / "changed/.local").iterdir()) == []
