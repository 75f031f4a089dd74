"""The help, whose examples are run, and the completions, which the shells load."""

import re
import subprocess

import pytest
from command_line import binary, of_user
from identities import keys
from needs import need

from orchestera_local.organization import Organization
from orchestera_local.stack import Stack, template

# In the examples.
ACCOUNT, OTHER, UNIT = "111122223333", "444455556666", "ou-abcd-11112222"


def commands():
    """As `orchestera --help` lists them."""
    listed = subprocess.run([binary(), "--help"], capture_output=True, text=True).stdout
    section = listed.partition("Commands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z][a-z-]*) ", section, re.MULTILINE)


def help_of(*command):
    # Wide, so that no example is wrapped.
    ran = subprocess.run(
        [binary(), *command, "--help"], capture_output=True, text=True, env={"COLUMNS": "200"}, timeout=30
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    return ran.stdout


def examples(*command):
    """The lines that a person pastes. Those before them, which explain, are not indented."""
    section = help_of(*command).partition("\nExamples:\n")[2].partition("\n\n")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("  ")]


def all_examples():
    for command in [[], *([name] for name in commands() if name != "help")]:
        for example in examples(*command):
            yield pytest.param(example, id=f"{' '.join(command) or 'orchestera'}: {example}")


@pytest.fixture(scope="module")
def scene(aws):
    """The account and the other one of the examples, with a stack. Returns the account and the id of a unit."""
    account, other = aws.account(ACCOUNT), aws.account(OTHER)
    organization = Organization(account)
    unit = organization.unit("Workloads")
    account.settings(account_name="Management")
    other.settings(account_name="orchestera-spark")
    organization.join(other, unit)
    Stack(account).deploy(template())
    return account, unit


@pytest.fixture
def paste(scene, home, tmp_path):
    """Runs a line as it is pasted into bash, in a folder with the files of the examples."""
    account, unit = scene
    (home / ".aws").mkdir()
    profiles = "".join(keys(id, f"profile {name}") for id, name in [(ACCOUNT, "orchestera-spark"), (ACCOUNT, "audit")])
    (home / ".aws/config").write_text(profiles)
    (tmp_path / "accounts.txt").write_text(f"{ACCOUNT}\n{OTHER}\n")
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs/orchestera").symlink_to(binary())
    environment = of_user(account, home)
    environment["PATH"] = f"{tmp_path / 'programs'}:{environment['PATH']}"

    def paste(line, shell=("bash", "--noprofile", "--norc", "-c")):
        return subprocess.run(
            [*shell, line.replace(UNIT, unit)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )

    return paste


ZSH = ("zsh", "-f", "-c")
# What the account does not have: the command says so.
MISSING = {
    "orchestera status --stack-set orchestera-access --call-as DELEGATED_ADMIN": "Check --call-as",
    "orchestera console": "There is no stack orchestera-organization",
    "orchestera aws-config --check": "has no profiles orchestera-* of this command",
}


@pytest.mark.parametrize("example", all_examples())
def test_an_example_of_the_help_can_be_pasted(paste, example):
    if "zsh" in example:
        need("zsh")
        ran = paste(f"autoload -U compinit; compinit -u -D; {example}", shell=ZSH)
    else:
        ran = paste(example)
    said = MISSING.get(example)
    if not said and example.startswith("orchestera aws-config"):
        said = MISSING["orchestera console"]
    assert "Usage: " not in ran.stderr and "command not found" not in ran.stderr, ran.stderr
    if said:
        assert ran.returncode == 2 and said in ran.stderr
    else:
        assert ran.returncode in (0, 1), ran.stderr
        assert "panicked" not in ran.stderr


def test_every_command_has_an_example():
    assert [name for name in commands() if name != "help" and not examples(name)] == []
    assert len(examples()) >= 4


def test_what_is_missing_is_of_an_example():
    assert set(MISSING) <= {parameter.values[0] for parameter in all_examples()}


def test_a_help_fits_100_columns():
    for command in [[], *([name] for name in commands() if name != "help")]:
        for example in examples(*command):
            assert len(example) <= 98, example


def test_somebody_with_only_the_help_gets_a_spreadsheet_of_all_accounts(paste):
    (line,) = [line for line in examples() if "csv" in line]
    assert paste(line).returncode == 1
    written = paste("cat accounts.csv").stdout
    assert [row.partition(",")[0] for row in written.splitlines()] == ["account_id", ACCOUNT, OTHER]


def test_the_completion_of_bash_loads_and_completes(paste):
    script = (
        "source <(orchestera completions bash); COMP_WORDS=(orchestera sta); COMP_CWORD=1; COMP_LINE='orchestera sta'; "
        'COMP_POINT=${#COMP_LINE}; _orchestera orchestera sta orchestera; printf "%s\\n" "${COMPREPLY[@]}"; '
        "complete -p orchestera"
    )
    ran = paste(script)
    assert (ran.returncode, ran.stderr) == (0, "")
    completed, registered = ran.stdout.splitlines()
    assert completed == "status"
    assert "-F _orchestera" in registered and registered.endswith(" orchestera")


def test_the_completion_of_zsh_loads(paste):
    need("zsh")
    script = "autoload -U compinit; compinit -u -D; source <(orchestera completions zsh); print ${_comps[orchestera]}"
    ran = paste(script, shell=ZSH)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "_orchestera\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_knows_every_command(shell):
    script = subprocess.run([binary(), "completions", shell], capture_output=True, text=True).stdout
    assert [name for name in commands() if name not in script] == []
