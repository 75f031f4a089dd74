"""The archive of the command line: the program, its manual pages, completions for three shells, and the license.

The files have the places that they have below /usr/local or ~/.local. There the shells and `man` find them.
"""

import platform
import subprocess
import tempfile
from pathlib import Path

from orchestera_release import archive, product
from orchestera_release.product import ROOT, Refused

# Where each shell looks, and under which name.
COMPLETIONS = {
    "bash": "share/bash-completion/completions/orchestera",
    "zsh": "share/zsh/site-functions/_orchestera",
    "fish": "share/fish/vendor_completions.d/orchestera.fish",
}
TOP = f"{product.PROGRAM}-{product.VERSION}"
PROGRAM = f"{TOP}/bin/{product.PROGRAM}"
# In the place of a program that was not built, for tests alone.
STAND_IN = b"A program that was not built.\n"
# The two bytes of an ELF file that say for which machine it is. https://refspecs.linuxfoundation.org/elf/
MACHINES = {"x86_64": 62, "aarch64": 183}


def archives(programs, is_fast=False):
    """The archives by their names. `programs` are the contents of the programs, by command line.

    Raises `Refused` if none of them runs here, or if it does not document itself.
    """
    documents = _documents(programs)
    return {
        one.archive: archive.packed({PROGRAM: (program, 0o755)} | documents, is_fast)
        for one, program in programs.items()
    }


def problems(contents):
    """Which archive has another program than its name says, a sentence for each. `contents` are by name."""
    for one in product.COMMAND_LINES:
        program, _ = archive.unpacked(contents[one.archive]).get(PROGRAM, (b"", 0))
        kind = int.from_bytes(program[18:20], "little")
        if not program.startswith(b"\x7fELF") or kind != MACHINES[one.machine]:
            yield f"{one.archive} has no program for {one.machine}."


def _documents(programs):
    """All but the program. They are the same for every machine."""
    program = next((content for one, content in programs.items() if one.machine == platform.machine()), STAND_IN)
    if program == STAND_IN:
        raise Refused(
            f"There is no command line for {platform.machine()}, which could write the manual. Run `make cli`."
        )
    files = {f"{TOP}/share/doc/{product.PROGRAM}/LICENSE": (ROOT / "LICENSE").read_bytes()}
    with tempfile.TemporaryDirectory() as folder:
        path, manual = Path(folder) / product.PROGRAM, Path(folder) / "man1"
        path.write_bytes(program)
        path.chmod(0o755)
        manual.mkdir()
        _said(path, "man", manual)
        for page in manual.iterdir():
            files[f"{TOP}/share/man/man1/{page.name}"] = page.read_bytes()
        if f"{TOP}/share/man/man1/{product.PROGRAM}.1" not in files:
            raise Refused("The command line did not write its manual.")
        for shell, place in COMPLETIONS.items():
            files[f"{TOP}/{place}"] = _said(path, "completions", shell)
    return {name: (content, 0o644) for name, content in files.items()}


def _said(program, *arguments):
    # Nothing of this machine may reach what is published.
    ran = subprocess.run([program, *arguments], env={}, capture_output=True)
    if ran.returncode:
        raise Refused(f"orchestera {arguments[0]} failed:\n{ran.stderr.decode(errors='replace')}")
    return ran.stdout
