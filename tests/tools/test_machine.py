"""What has to come from outside the folder: told at once, before anything is compiled, on machines that lack it.

A machine is a folder of programs that is all of the PATH. Those that matter are stubs.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestera_release.product import ROOT

# What every machine has, and a shell. Not env, on which nothing here depends.
PLAIN = ("sh", "sed", "id", "dirname", "timeout", "cat", "mkdir", "ls", "grep", "awk", "bash")
STUBS = ("cargo", "python3", "git", "cc", "c++", "node", "npm", "valgrind", "zsh", "openssl", "unshare")
STUBS += ("qemu-aarch64",)
# What the tests do without.
WITHOUT = ("valgrind", "zsh", "openssl", "qemu-aarch64", "unshare")
RUSTC = """
case "$1 $2" in
  '--version ') echo "rustc {version} (0123456789 2026-01-01)" ;;
  '--print target-libdir') echo "{home}/rust/$4" ;;
esac
"""


ARM64 = "aarch64-unknown-linux-musl"


class Machine:
    """`lacking` are the stubs that are left out."""

    def __init__(self, folder, *lacking):
        self.home, self.programs = folder / "home", folder / "programs"
        self.programs.mkdir(parents=True)
        for target in ("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", ARM64):
            (self.home / "rust" / target).mkdir(parents=True)
        for name in (*PLAIN, "make"):
            os.symlink(shutil.which(name), self.programs / name)
        self.stub("rustc", RUSTC.format(version="1.95.0", home=self.home))
        for name in (*STUBS, "apt-get"):
            self.stub(name, "exit 0")
        for name in lacking:
            (self.programs / name).unlink()

    def stub(self, name, script):
        (self.programs / name).write_text(f"#!/bin/sh\necho {name} >> '{self.home}/ran'\n{script}\n")
        (self.programs / name).chmod(0o755)

    def without_musl(self):
        (self.home / "rust/x86_64-unknown-linux-musl").rmdir()

    def run(self, *command, **environment):
        return subprocess.run(
            [self.programs / command[0], *command[1:]],
            cwd=ROOT,
            env={"PATH": str(self.programs), "HOME": str(self.home)} | environment,
            capture_output=True,
            text=True,
        )

    def check(self, *kinds, shell="sh", **environment):
        return self.run(shell, "local/machine.sh", "check", *kinds, **environment)

    def ran(self):
        """The stubs that were run, each once."""
        file = self.home / "ran"
        return set(file.read_text().split()) if file.exists() else set()


def listed(ran):
    """What is named as missing, in order."""
    return [line.removeprefix("  - ") for line in ran.stderr.splitlines() if line.startswith("  - ")]


@pytest.fixture
def machine(tmp_path):
    return lambda *lacking: Machine(tmp_path / "machine", *lacking)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_everything_that_is_missing_is_told_at_once_and_rust_first(machine, shell):
    bare = machine("rustc", "cargo", "python3", "git", "cc", *WITHOUT)
    ran = bare.check("build", "test", shell=shell)
    assert (ran.returncode, ran.stdout) == (2, "")
    names = [line.split(":")[0].split(",")[0] for line in listed(ran)]
    assert names == [
        *("Rust 1.95 or newer", "a C compiler", "Python 3.11 or newer with venv", "git"),
        *("valgrind", "zsh", "openssl", "qemu-aarch64", "unshare"),
    ]
    (line,) = [line.strip() for line in ran.stderr.splitlines() if "apt-get install" in line]
    packages = line.partition("&& curl")[0].split("--no-install-recommends ")[1].split()
    assert {"gcc", "libc6-dev", "python3", "python3-venv", "git", "curl"} <= {*packages}
    assert {"valgrind", "zsh", "openssl", "qemu-user", "util-linux"} <= {*packages}
    assert line.endswith("https://sh.rustup.rs | sh -s -- -y") and "`make setup` runs it" in ran.stderr
    assert ran.stderr.endswith("Nothing was compiled or downloaded.\n")


@pytest.mark.parametrize("goal", ["run", "test", "build", "up", "dist", "check"])
def test_make_ends_with_2_before_it_compiles_anything_and_without_rust_it_is_about_rust(machine, goal):
    without_rust = machine("rustc", "cargo")
    ran = without_rust.run("make", goal)
    assert ran.returncode == 2 and ran.stdout == ""
    assert listed(ran)[0].startswith("Rust 1.95 or newer: rustc and cargo were not found")
    assert not without_rust.ran() & {"cargo", "git", "valgrind", "apt-get"}


def test_make_help_needs_nothing_and_make_link_no_rust(machine):
    bare = machine("rustc", "cargo", "python3", "git", "cc")
    assert bare.run("make", "help", ARCH="mips").returncode == 0
    ran = bare.run("make", "link")
    assert ran.returncode == 2 and [line.split(":")[0] for line in listed(ran)] == ["Python 3.11 or newer with venv"]


@pytest.mark.parametrize("has_rustup, line", [(True, "rustup update stable"), (False, "sh.rustup.rs")])
def test_rust_that_is_too_old_is_told_with_its_version(machine, has_rustup, line):
    old = machine()
    old.stub("rustc", RUSTC.format(version="1.94.1", home=old.home))
    if has_rustup:
        old.stub("rustup", "exit 0")
    ran = old.check("build")
    assert ran.returncode == 2 and listed(ran) == ["Rust 1.95 or newer: this is 1.94.1"] and line in ran.stderr
    assert "apt-get" not in ran.stderr
    for version in ("1.95.0", "1.100.0", "1.96.0-nightly", "2.0.0"):
        old.stub("rustc", RUSTC.format(version=version, home=old.home))
        assert old.check("build").returncode == 0


def test_the_rust_that_rustup_installed_comes_before_an_older_one_of_the_system(machine):
    both = machine()
    installed = both.home / ".cargo/bin"
    installed.mkdir(parents=True)
    for name in ("rustc", "cargo"):
        shutil.copy(both.programs / name, installed)
    both.stub("rustc", RUSTC.format(version="1.63.0", home=both.home))
    ran = both.check("build")
    assert (ran.returncode, ran.stdout.strip()) == (0, "musl"), ran.stderr


def test_rustup_without_a_toolchain_is_asked_for_one(machine):
    bare = machine("rustc", "cargo")
    bare.stub("rustup", "exit 0")
    ran = bare.check("build")
    assert ran.returncode == 2 and "rustup default stable" in ran.stderr


def test_a_cdpath_of_the_user_puts_nothing_into_the_answers(machine):
    ran = machine().run("sh", "local/machine.sh", "check", "build", CDPATH=f".:{ROOT}")
    assert ran.stdout == "musl\n", ran.stdout


def test_python_that_is_too_old_or_has_no_venv_is_told_and_another_one_is_found(machine):
    old = machine()
    old.stub("python3", 'case "$*" in --version) echo Python 3.10.2 ;; *) exit 1 ;; esac')
    ran = old.check("build")
    assert listed(ran) == ["Python 3.11 or newer with venv: this is Python 3.10.2"] and "python3.11-venv" in ran.stderr
    # On Debian, it is there without what makes environments.
    old.stub("python3", 'case "$*" in *ensurepip*) exit 1 ;; esac')
    ran = old.check("build")
    assert ran.returncode == 2 and "python3-venv" in ran.stderr and "venv and ensurepip" in listed(ran)[0]
    old.stub("python3.12", "exit 0")
    assert old.check("build").returncode == 0
    assert old.run("sh", "local/machine.sh", "python").stdout == "python3.12\n"


def test_a_compiler_that_cannot_link_is_told(machine):
    headers = machine()
    headers.stub("cc", "exit 1")
    ran = headers.check("build")
    assert (ran.returncode, listed(ran)) == (2, ["a C compiler that can link a program: cc cannot"])


def test_without_musl_it_is_built_for_glibc_and_said_at_the_beginning_and_at_the_end(machine):
    glibc = machine()
    assert glibc.check("build").stdout == "musl\n"
    glibc.without_musl()
    for rustup in (None, "echo 'could not download' >&2; exit 1"):
        if rustup:
            glibc.stub("rustup", rustup)
        ran = glibc.check("build")
        assert (ran.returncode, ran.stdout) == (0, "gnu\n")
        assert "NOT AS PUBLISHED: the function is built for glibc" in ran.stderr
    end = glibc.run("sh", "local/machine.sh", "left-out", "build", LIBC="gnu")
    assert end.stderr.startswith("NOT AS PUBLISHED: the function is built for glibc")
    assert glibc.run("sh", "local/machine.sh", "left-out", "build", LIBC="musl").stderr == ""


def test_musl_is_taken_where_rustup_gets_it(machine):
    connected = machine()
    connected.without_musl()
    connected.stub("rustup", f'[ "$*" = "target add x86_64-unknown-linux-musl" ] && mkdir "{connected.home}/rust/$3"')
    ran = connected.check("build")
    assert (ran.returncode, ran.stdout) == (0, "musl\n") and "NOT AS PUBLISHED" not in ran.stderr


def test_a_library_that_was_asked_for_is_obeyed_or_refused(machine):
    glibc = machine()
    assert glibc.check("build", LIBC="gnu").stdout == "gnu\n"
    glibc.without_musl()
    ran = glibc.check("build", LIBC="musl")
    assert (ran.returncode, ran.stdout) == (2, "") and "LIBC=musl needs" in ran.stderr
    for variable in ({"LIBC": "glibc"}, {"ARCH": "mips"}):
        ran = glibc.check("build", **variable)
        assert (ran.returncode, ran.stdout) == (2, "") and "it must be" in ran.stderr


def test_make_builds_for_the_library_that_was_chosen_in_every_makefile_that_it_calls(machine):
    glibc = machine()
    glibc.without_musl()
    for goals in (["build"], ["test"], ["cost"], ["-C", "tests", "deep"]):
        ran = glibc.run("make", "--dry-run", *goals)
        assert ran.returncode == 0, ran.stderr
        assert "--target x86_64-unknown-linux-gnu" in ran.stdout and "linux-musl" not in ran.stdout
        # Once for all of them.
        assert ran.stderr.count("NOT AS PUBLISHED") == 1


@pytest.mark.parametrize(
    "program, said",
    [
        ("valgrind", "NOT MEASURED: the instructions"),
        ("zsh", "NOT TRIED in zsh"),
        ("openssl", "NOT TRIED with openssl"),
        ("qemu-aarch64", "NOT TRIED: the command line for arm64, because qemu-aarch64 is missing"),
    ],
)
def test_what_the_tests_do_without_is_said_at_the_end_and_required_where_ci_is_set(machine, program, said):
    without = machine(program)
    assert without.check("build", "test").returncode == 0
    end = without.run("sh", "local/machine.sh", "left-out", "build", "test")
    assert end.returncode == 0 and end.stderr.startswith(said) and "`make setup` installs it" in end.stderr
    ran = without.check("build", "test", CI="true")
    assert (ran.returncode, [line.split(",")[0] for line in listed(ran)]) == (2, [program])


def test_the_command_line_for_arm64_is_tried_where_qemu_and_rusts_library_for_it_can_be_had(machine):
    complete = machine()
    assert complete.run("sh", "local/machine.sh", "arm64").returncode == 0
    # Debian's other package has it under another name.
    (complete.programs / "qemu-aarch64").rename(complete.programs / "qemu-aarch64-static")
    assert complete.run("sh", "local/machine.sh", "arm64").returncode == 0
    # On a machine for arm64, `make cli` builds it; for glibc, QEMU would need that, too.
    for other in ({"ARCH": "arm64"}, {"LIBC": "gnu"}):
        assert complete.run("sh", "local/machine.sh", "arm64", **other).returncode
    assert complete.run("sh", "local/machine.sh", "left-out", "test").stderr == ""
    (complete.home / "rust" / ARM64).rmdir()
    assert complete.run("sh", "local/machine.sh", "arm64").returncode
    end = complete.run("sh", "local/machine.sh", "left-out", "test")
    assert end.stderr.startswith(f"NOT TRIED: the command line for arm64, because Rust's standard library for {ARM64}")
    # rustup may not reach its server. That is no reason to fail, even where CI is set, as for the functions and musl.
    assert complete.check("build", "test", CI="true").returncode == 0
    complete.stub("rustup", f'[ "$*" = "target add {ARM64}" ] && /bin/mkdir "{complete.home}/rust/{ARM64}"')
    assert complete.run("sh", "local/machine.sh", "arm64").returncode == 0
    (complete.programs / "qemu-aarch64-static").unlink()
    assert complete.run("sh", "local/machine.sh", "arm64").returncode


@pytest.mark.parametrize("program", ["unshare", "the right to create network and mount namespaces (unshare)"])
def test_a_network_of_its_own_is_done_without_and_said_and_required_where_ci_is_set(machine, program):
    without = machine(*["unshare"] * (program == "unshare"))
    if program != "unshare":
        without.stub("unshare", "exit 1")
    assert without.check("build", "test").returncode == 0
    end = without.run("sh", "local/machine.sh", "left-out", "build", "test")
    assert end.returncode == 0 and end.stderr.startswith("NOT TRIED: the function with wrong DNS answers")
    ran = without.check("build", "test", CI="true")
    assert (ran.returncode, [line.split(",")[0] for line in listed(ran)]) == (2, [program])
    # A package cannot give a right.
    assert ("util-linux" in ran.stderr) == (program == "unshare")


def test_setup_runs_the_line_and_looks_again(machine):
    lacking = machine("zsh", "git")
    # Installs nothing.
    lacking.stub("apt-get", f'echo "$*" >> "{lacking.home}/apt-get"')
    ran = lacking.run("make", "setup")
    assert ran.returncode == 2 and "Missing on this machine, and required:\n  - git" in ran.stderr
    commands = (lacking.home / "apt-get").read_text().splitlines()
    assert commands == ["update", "install --yes --no-install-recommends git zsh"]
    # Installs what is asked for.
    for name in ("zsh", "git"):
        lacking.stub(f"{name}.package", "exit 0")
    lacking.stub(
        "apt-get",
        f"cd '{lacking.programs}'; for name in zsh git; do cat $name.package > $name; /bin/chmod 755 $name; done",
    )
    ran = lacking.run("make", "setup")
    assert ran.returncode == 0, ran.stderr
    assert "Everything that this project needs is installed." in ran.stderr


def test_where_no_package_manager_is_known_what_is_missing_is_told_all_the_same(machine):
    unknown = machine("apt-get", "git", "valgrind")
    ran = unknown.check("build", "test")
    assert ran.returncode == 2 and listed(ran)[0] == "git"
    assert "packages in Debian: git valgrind" in ran.stderr
    assert unknown.run("make", "setup").returncode == 2


@pytest.mark.parametrize(
    "kind, program, said",
    [("node", "npm", "Node 20 or newer with npm: node and npm were not found"), ("c++", "c++", "a C++ compiler")],
)
def test_what_only_one_command_needs_is_told_with_a_setup_of_its_own(machine, kind, program, said):
    ran = machine(program).check("build", kind)
    assert (ran.returncode, len(listed(ran))) == (2, 1) and listed(ran)[0].startswith(said)
    assert f"`sh local/machine.sh setup build {kind}` runs it" in ran.stderr


@pytest.mark.parametrize("manager, line", [("dnf", "dnf install --assumeyes git"), ("brew", "brew install git")])
def test_other_package_managers_have_their_own_line(machine, manager, line):
    other = machine("apt-get", "git")
    other.stub(manager, "exit 0")
    assert line in other.check("build").stderr


def test_the_version_of_rust_is_that_of_the_manifest(machine):
    assert (
        f'rust-version = "{listed(machine("rustc").check("build"))[0].split()[1]}"'
        in Path(ROOT / "Cargo.toml").read_text()
    )
