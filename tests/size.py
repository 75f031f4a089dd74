"""What the function weighs: its zip, and how many crates are in it. Fails when either is over its limit."""

import argparse
import subprocess
import sys

from orchestera_release import product
from orchestera_release.archive import zipped

# In bytes, as `make dist` zips it: the target of docs/performance.md.
LARGEST_ZIP = 2_750_000
# Those that run while compiling included.
MOST_CRATES = 170


def crates(target):
    command = ["cargo", "tree", "--locked", "--edges", "normal,build", "--target", target, "--prefix", "none"]
    command += ["--package", "orchestera-access"]
    tree = subprocess.run(command, cwd=product.ROOT, check=True, capture_output=True, text=True).stdout
    # A mark on those that were listed before does not count, nor does the function itself.
    names = {line.removesuffix(" (*)") for line in tree.splitlines() if line}
    return [name for name in names if not name.startswith(("orchestera-access ", "custom-resource "))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: .venv/bin/python tests/size.py")
    parser.add_argument(
        "--target", default=product.PUBLISHED_TARGET, help="for which `make build` built the function (%(default)s)"
    )
    target = parser.parse_args().target
    bootstrap = product.bootstrap().read_bytes()
    failed = False
    for what, weighs, limit in [
        ("bytes of zip", len(zipped(bootstrap)), LARGEST_ZIP),
        ("crates", len(crates(target)), MOST_CRATES),
    ]:
        failed |= weighs > limit
        print(f"{weighs:,} {what}, of at most {limit:,}" + (": TOO MUCH" if weighs > limit else ""))
    return failed


if __name__ == "__main__":
    sys.exit(main())
