"""Every command has a command line: `--help` says what it does, its options, and an example."""

import ast
import subprocess
import sys

import pytest

from orchestera_release.product import ROOT

# What the benchmark measures, and what it measures with. Nobody types them, and a help would be measured, too.
MEASURED = ("bench/status-boto3/status.py", "bench/orchestera_bench/many_accounts/stopwatch.py")
PACKAGES = [ROOT / name for name in ("local", "release", "site", "bench")]


def commands():
    """What can be run, each as arguments of Python, with the file that it is."""
    for folder in PACKAGES:
        for file in sorted(folder.rglob("*.py")):
            is_command = 'if __name__ == "__main__"' in file.read_text()
            if is_command and str(file.relative_to(ROOT)) not in MEASURED:
                module = file.relative_to(folder).with_suffix("")
                yield ["-m", ".".join(module.parts).removesuffix(".__main__")], file
    for name in ("events/listen.py", "tests/size.py"):
        yield [name], ROOT / name


@pytest.mark.parametrize(
    "command, file", commands(), ids=lambda given: " ".join(given) if isinstance(given, list) else ""
)
def test_help_says_what_a_command_does_with_an_example_and_does_nothing_else(command, file):
    ran = subprocess.run([sys.executable, *command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert (ran.returncode, ran.stderr) == (0, "")
    told = " ".join(ran.stdout.split())
    assert " ".join(ast.get_docstring(ast.parse(file.read_text())).split()) in told
    assert ran.stdout.startswith("usage: ") and command[-1].removesuffix(".__main__") in told.partition("Example")[2]
