"""Compares the crates of the function, and their features, with release/features.txt.

Features add up: another crate of the workspace, or an update, can switch one on for the function too. The build takes
the function's package alone, and this shows every change in review. With --write it writes the file.
"""

import subprocess
import sys

from orchestera_release.command_line import parser
from orchestera_release.product import PUBLISHED_TARGET, ROOT, Refused

FILE = ROOT / "release/features.txt"


def features():
    """A line for each crate that is compiled into the function: its name, and its features in order."""
    command = ["cargo", "tree", "--locked", "--package", "orchestera-access", "--target", PUBLISHED_TARGET]
    command += ["--edges", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe", "--format", "{p}|{f}"]
    tree = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    crates = (line.partition("|") for line in set(tree.splitlines()) if line)
    return sorted(f"{crate.split()[0]} {listed}".strip() for crate, _, listed in crates)


def difference(recorded, present):
    """Lines as in a diff, without context."""
    gone, new = set(recorded) - set(present), set(present) - set(recorded)
    return sorted([f"- {line}" for line in gone] + [f"+ {line}" for line in new], key=lambda line: line[2:])


def main(arguments=None):
    options = parser("orchestera_release.features", __doc__, "--write")
    options.add_argument("--write", action="store_true", help="write the file instead of comparing with it")
    present = features()
    if options.parse_args(arguments).write:
        FILE.write_text("\n".join(present) + "\n")
    elif lines := difference(FILE.read_text().splitlines(), present):
        why = f"Other crates or features than in {FILE.relative_to(ROOT)}. If they are meant:"
        raise Refused("\n".join([*lines, why, "  .venv/bin/python -m orchestera_release.features --write"]))


if __name__ == "__main__":
    sys.exit(main())
