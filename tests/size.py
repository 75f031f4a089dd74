"""What the functions weigh: their zips, and how many crates are in them. Fails when one is over its limit."""

import argparse
import subprocess
import sys

from orchestera_release import product
from orchestera_release.archive import zipped

# The zip in bytes, as `make dist` zips it, and the crates, those that run while compiling included. Those of the access
# function are the targets of docs/performance.md.
LIMITS = {
    product.ACCESS_FUNCTION: (2_750_000, 170),
    product.ORGANIZATION_FUNCTION: (3_150_000, 170),
}


def crates(function, target):
    command = ["cargo", "tree", "--locked", "--edges", "normal,build", "--target", target, "--prefix", "none"]
    command += ["--package", function.package]
    tree = subprocess.run(command, cwd=product.ROOT, check=True, capture_output=True, text=True).stdout
    # A mark on those that were listed before does not count, nor does the function itself.
    names = {line.removesuffix(" (*)") for line in tree.splitlines() if line}
    return [name for name in names if not name.startswith((f"{function.package} ", "custom-resource "))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: .venv/bin/python tests/size.py")
    parser.add_argument(
        "--target", default=product.PUBLISHED_TARGET, help="for which `make build` built the functions (%(default)s)"
    )
    target = parser.parse_args().target
    failed = False
    for function, (largest_zip, most_crates) in LIMITS.items():
        zip_ = zipped(product.bootstrap(function).read_bytes())
        for what, weighs, limit in [
            ("bytes of zip", len(zip_), largest_zip),
            ("crates", len(crates(function, target)), most_crates),
        ]:
            failed |= weighs > limit
            says = ": TOO MUCH" if weighs > limit else ""
            print(f"{function.package}: {weighs:,} {what}, of at most {limit:,}{says}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
