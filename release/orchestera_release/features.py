"""Compares the crates of each function, and their features, with release/features.txt and features-organization.txt.

The functions are built together, so one function can enable a feature of a crate that the other one uses. Another crate
of the workspace or an update can do the same. The files show every change in review. --write writes them.
"""

import subprocess
import sys

from orchestera_release.command_line import parser
from orchestera_release.product import FUNCTIONS, PUBLISHED_TARGET, ROOT, Refused


def features(function):
    """A line for each crate that is compiled into the function: its name, and its features in order."""
    crates = {crate for crate, _ in _tree(function)}
    # As `make build` builds: all functions at once.
    return sorted(f"{crate.split()[0]} {listed}".strip() for crate, listed in _tree(*FUNCTIONS) if crate in crates)


def _tree(*functions):
    """Pairs of a crate with its version, and its features, when these are built together."""
    command = ["cargo", "tree", "--locked", "--target", PUBLISHED_TARGET]
    command += [option for function in functions for option in ("--package", function.package)]
    command += ["--edges", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe", "--format", "{p}|{f}"]
    tree = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {(crate, listed) for crate, _, listed in (line.partition("|") for line in tree.splitlines() if line)}


def difference(recorded, present):
    """Lines as in a diff, without context."""
    gone, new = set(recorded) - set(present), set(present) - set(recorded)
    return sorted([f"- {line}" for line in gone] + [f"+ {line}" for line in new], key=lambda line: line[2:])


def main(arguments=None):
    options = parser("orchestera_release.features", __doc__, "--write")
    options.add_argument("--write", action="store_true", help="write the files instead of comparing with them")
    is_writing, wrong = options.parse_args(arguments).write, []
    for function in FUNCTIONS:
        present = features(function)
        if is_writing:
            function.features.write_text("\n".join(present) + "\n")
        elif lines := difference(function.features.read_text().splitlines(), present):
            wrong += [*lines, f"The crates or features differ from {function.features.relative_to(ROOT)}."]
    if wrong:
        command = "  .venv/bin/python -m orchestera_release.features --write"
        raise Refused("\n".join([*wrong, "If you want these changes:", command]))


if __name__ == "__main__":
    sys.exit(main())
