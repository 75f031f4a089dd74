"""`make -C release reproduce`: builds one commit in two clean clones, and compares the files.

Exits with 0 if the files are the same.

The folders of the clones have different names. The second clone has its own cargo home, so cargo downloads every crate
again. It also has its own zig cache, so zig compiles the C library again. So the files differ if a path gets into a
function. Both builds use this machine and its Rust.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from orchestera_release import product
from orchestera_release.command_line import parser
from orchestera_release.dist import source
from orchestera_release.product import ROOT, Refused


def built(commit, folder, prefix, environment):
    """SHA256SUMS as `make dist` writes it in a clean clone in that folder."""
    print(f"make dist in {folder}", flush=True)
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    subprocess.run(["git", "checkout", "--quiet", "--detach", commit], cwd=folder, check=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ORCHESTERA_", "CARGO_TAR"))}
    with open(f"{folder}.log", "wb") as log:
        made = subprocess.run(
            ["make", "dist", f"BUCKET_PREFIX={prefix}"], cwd=folder, env=inherited | environment, stdout=log, stderr=log
        )
    if made.returncode:
        raise Refused(f"make dist failed:\n{Path(f'{folder}.log').read_text()[-4000:]}")
    return (folder / "dist" / product.VERSION / product.SUMS).read_text()


def main(arguments=None):
    options = parser("orchestera_release.reproduce", __doc__, "")
    product.add_bucket_prefix(options)
    prefix = options.parse_args(arguments).bucket_prefix
    commit, is_dirty = source()
    if is_dirty:
        raise Refused("There are uncommitted changes, which a clone does not have. Commit or stash them first.")
    with tempfile.TemporaryDirectory(prefix="orchestera-access-") as folder:
        one, other = Path(folder) / "one", Path(folder) / "a-longer-name" / "another"
        other.parent.mkdir()
        sums = [
            built(commit, one, prefix, {}),
            built(commit, other, prefix, {"CARGO_HOME": f"{folder}/cargo", "XDG_CACHE_HOME": f"{folder}/cache"}),
        ]
    print(*sums, sep="\n")
    if sums[0] != sums[1]:
        raise Refused("The files of the two builds differ.")
    print("Both builds gave the same files.")
    if (product.folder() / product.SUMS).is_file() and (product.folder() / product.SUMS).read_text() != sums[0]:
        raise Refused(f"But {product.folder()} has other files. Run `make dist` again.")


if __name__ == "__main__":
    sys.exit(main())
