"""Who takes part, and how each is started and shipped."""

import io
import signal
import site
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from orchestera_bench.stage.world import ROOT

BENCH = ROOT / "bench"
# With the runtime client that AWS's managed runtime has.
PYTHON = (sys.executable, "-m", "awslambdaric", "handler.handler")


@dataclass(frozen=True)
class Program:
    """What is started."""

    name: str
    command: tuple
    folder: Path
    end_by: int = signal.SIGKILL


@dataclass(frozen=True)
class Contender:
    """One way to write the same function. `package` is what goes to Lambda: names in the zip, and files or folders."""

    name: str
    title: str
    command: tuple
    package: dict
    folder: Path = ROOT
    # Overwritten in a copy, see stage/certificates.py.
    roots_compiled_in: bool = False
    # A machine's program, whose instructions can be counted.
    native: bool = False

    def started_by(self, command, end_by=signal.SIGKILL):
        return Program(self.name, command, self.folder, end_by)

    def zip_size(self):
        """Bytes of the zip that is uploaded. What Lambda's own runtime has (an interpreter, boto3) is not in it."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, path in self.package.items():
                if path.is_dir():
                    for file in sorted(file for file in path.rglob("*") if file.suffix in (".py", ".json")):
                        archive.write(file, Path(name) / file.relative_to(path))
                else:
                    archive.write(path, name)
        return len(buffer.getvalue())


def function(name, title, bootstrap):
    """This product, as one build made it."""
    return Contender(name, title, (str(bootstrap),), {"bootstrap": bootstrap}, roots_compiled_in=True, native=True)


def all_of_them(built, bootstrap):
    """Each contender. `built` is the folder of those that make builds, `bootstrap` this product's function."""
    packages = Path(site.getsitepackages()[0])
    return [
        function("product", "this product", bootstrap),
        Contender(
            "python-crhelper",
            "Python, crhelper + boto3",
            PYTHON,
            {"": built / "python-crhelper", "crhelper": packages / "crhelper"},
            built / "python-crhelper",
        ),
        Contender(
            "python-boto3",
            "Python, boto3 + urllib",
            PYTHON,
            {"": built / "python-boto3"},
            built / "python-boto3",
        ),
        Contender(
            "node-sdk-v3",
            "Node, SDK v3, bundled",
            ("node", str(BENCH / "node-sdk-v3/runtime.mjs"), str(built / "node-sdk-v3/index.cjs")),
            {"index.cjs": built / "node-sdk-v3/index.cjs"},
        ),
        Contender(
            "rust-defaults",
            "Rust, every default",
            (str(built / "release/rust-defaults"),),
            {"bootstrap": built / "release/rust-defaults"},
            native=True,
        ),
        Contender(
            "floor",
            "floor: no SDK, raw sockets",
            (str(built / "lambda/floor/bootstrap"),),
            {"bootstrap": built / "lambda/floor/bootstrap"},
            roots_compiled_in=True,
            native=True,
        ),
    ]
