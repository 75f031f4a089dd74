"""What a program is made of, as a CycloneDX document: its crates, with hashes, and what is below them."""

import importlib.util
import json
import re
import subprocess
from importlib.metadata import version as installed
from pathlib import Path

import tomllib
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from orchestera_release.product import ROOT


def document(package, target):
    """The SBOM of the program of that package as built for `target`, as JSON text.

    What runs only while it is built (build scripts, and macros of the compiler) is listed with the scope `excluded`. No
    time and no random number, so that the same source gives the same text. Raises `ValueError` if the schema refuses.
    """
    metadata = json.loads(_cargo("metadata", "--format-version=1", f"--filter-platform={target}"))
    # cargo metadata has the features that only tests turn on, too; cargo tree has what is built.
    built, linked = (_crates(package, target, edges) for edges in ("no-dev", "normal,no-proc-macro"))
    packages = {one["id"]: one for one in metadata["packages"] if (one["name"], one["version"]) in built}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    members = set(metadata["workspace_members"])
    (root,) = (one["id"] for one in metadata["packages"] if one["id"] in members and one["name"] == package)
    hashes = {
        (one["name"], one["version"]): one.get("checksum")
        for one in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    }
    components = {id_: _crate(one, hashes, linked) for id_, one in packages.items()}
    bom, below = Bom(), _below_the_crates(target)
    components[root].type = ComponentType.APPLICATION
    bom.metadata.component = components[root]
    bom.components = {component for id_, component in components.items() if id_ != root} | set(below)
    for id_, component in components.items():
        dependencies = sorted(dependency["pkg"] for dependency in nodes[id_]["deps"] if _is_built(dependency))
        on = [components[other] for other in dependencies if other in components]
        bom.register_dependency(component, on + below if id_ == root else on)
    value = json.loads(JsonV1Dot6(bom).output_as_string())
    value.pop("serialNumber")
    value["metadata"].pop("timestamp")
    text = json.dumps(value, indent=1) + "\n"
    if error := JsonStrictValidator(JsonV1Dot6(bom).schema_version).validate_str(text):
        raise ValueError(f"not a CycloneDX document: {error}")
    return text


def _below_the_crates(target):
    """What no lock file names: Rust's standard library, and what zig links from its own sources.

    That is what the compiler's output calls (`compiler_rt`), the unwinder of LLVM, and for musl the C library: musl's,
    of which zig has written some parts anew, malloc among them.
    """
    (rust,) = re.findall(r"^release: (.*)$", _said("rustc", "-vV"), re.MULTILINE)
    zig = Path(importlib.util.find_spec("ziglang").origin).parent
    (llvm,) = re.findall(r"^clang version (\S+)", _said(zig / "zig", "cc", "--version"), re.MULTILINE)
    found = [
        _library("generic", "rust-std", rust, "MIT OR Apache-2.0"),
        _library("generic", "zig", installed("ziglang"), "MIT"),
        _library("generic", "llvm-libunwind", llvm, "Apache-2.0 WITH LLVM-exception"),
    ]
    if target.endswith("-musl"):
        (musl,) = re.findall(r'VERSION "(.*)"', (zig / "lib/libc/musl/src/internal/version.h").read_text())
        found.append(_library("generic", "musl", musl, "MIT"))
    return found


def _is_built(dependency):
    return any(one["kind"] != "dev" for one in dependency["dep_kinds"])


def _crates(package, target, edges):
    """Name and version of each crate that these kinds of dependencies reach."""
    tree = _cargo(
        "tree", f"--package={package}", "--prefix=none", "--format={p}", f"--edges={edges}", f"--target={target}"
    )
    return {(name, version[1:]) for name, version, *_ in (line.split() for line in tree.splitlines() if line)}


def _cargo(command, *arguments):
    return _said("cargo", command, "--locked", *arguments)


def _said(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _crate(package, checksums, linked):
    crate = package["name"], package["version"]
    scope = ComponentScope.REQUIRED if crate in linked else ComponentScope.EXCLUDED
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=checksums[crate])] if checksums[crate] else []
    # Old manifests separate alternatives by a slash.
    license_ = (package["license"] or "").replace("/", " OR ")
    return _library("cargo", *crate, license_, scope, hashes)


def _library(kind, name, version, license_, scope=ComponentScope.REQUIRED, hashes=()):
    """A component; `kind` is the type of its package URL."""
    purl = PackageURL(kind, name=name, version=version)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        bom_ref=BomRef(str(purl)),
        purl=purl,
        scope=scope,
        hashes=hashes,
        licenses=[LicenseExpression(license_)] if license_ else [],
    )
