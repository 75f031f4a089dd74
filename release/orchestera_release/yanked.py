"""Refuses a crate of Cargo.lock whose version was yanked: its authors ask you not to use it.

cargo reports yanked versions only when packaging, and it does not package a workspace that may not be published. So the
command packages a copy of the manifests and the lock file that may be published, with empty sources.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from orchestera_release.command_line import parser
from orchestera_release.product import ROOT, Refused


def copy(folder):
    """The workspace in that folder: its manifests and its lock file."""
    for manifest in [ROOT / "Cargo.toml", *ROOT.glob("crates/*/Cargo.toml")]:
        place = folder / manifest.relative_to(ROOT).parent
        (place / "src").mkdir(parents=True)
        text = manifest.read_text().replace("\npublish = false\n", "\npublish = true\n")
        (place / "Cargo.toml").write_text(text)
        for name in ("lib.rs", "main.rs"):
            (place / "src" / name).touch()
    shutil.copy(ROOT / "Cargo.lock", folder)


def yanked(messages):
    """The lines of cargo that say so."""
    return [line for line in messages.splitlines() if "is yanked" in line]


def main(arguments=None):
    parser("orchestera_release.yanked", __doc__, "").parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        copy(Path(folder))
        command = ["cargo", "package", "--workspace", "--locked", "--no-verify", "--allow-dirty"]
        command += ["--target-dir", folder]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"cargo could not check whether a crate was yanked:\n{done.stderr}")
    if found := yanked(done.stderr):
        raise Refused("\n".join([*found, "Update them: cargo update --package NAME"]))


if __name__ == "__main__":
    sys.exit(main())
