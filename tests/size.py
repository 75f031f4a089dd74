"""What the function weighs: its zip, and how many crates are in it. Fails when either is over its limit."""

import os
import subprocess
import sys
from pathlib import Path

import product
from archive import zipped

ROOT = Path(__file__).resolve().parent.parent
# In bytes, as `make dist` zips it: the target of docs/performance.md.
LARGEST_ZIP = 2_750_000
# Those that run while compiling included.
MOST_CRATES = 170


def crates():
    command = ["cargo", "tree", "--locked", "--edges", "normal,build", "--target", product.TARGET, "--prefix", "none"]
    tree = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    # A mark on those that were listed before does not count, nor does the function itself.
    names = {line.removesuffix(" (*)") for line in tree.splitlines() if line}
    return [name for name in names if not name.startswith(("orchestera-access ", "custom-resource "))]


def main():
    bootstrap = Path(os.environ["ORCHESTERA_BOOTSTRAP"]).read_bytes()
    failed = False
    for what, weighs, limit in [
        ("bytes of zip", len(zipped(bootstrap)), LARGEST_ZIP),
        ("crates", len(crates()), MOST_CRATES),
    ]:
        failed |= weighs > limit
        print(f"{weighs:,} {what}, of at most {limit:,}" + (": TOO MUCH" if weighs > limit else ""))
    return failed


if __name__ == "__main__":
    sys.exit(main())
