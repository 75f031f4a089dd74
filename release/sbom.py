"""What the function is made of, as a CycloneDX document: the crates that are linked into it, with hashes."""

import json
import subprocess

import tomllib
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from product import ROOT


def document(target):
    """The SBOM of the function as built for `target`, as JSON text.

    What runs only while it is built (build scripts, and macros of the compiler) is listed with the scope `excluded`. No
    time and no random number, so that the same source gives the same text. Raises `ValueError` if the schema refuses.
    """
    metadata = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target],
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
    )
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    linked = _reached(nodes, root, packages, while_building=False)
    needed = _reached(nodes, root, packages, while_building=True)
    hashes = {
        (package["name"], package["version"]): package.get("checksum")
        for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    }
    components = {id_: _component(packages[id_], hashes, id_ in linked) for id_ in needed}
    bom = Bom()
    components[root].type = ComponentType.APPLICATION
    bom.metadata.component = components[root]
    bom.components = {component for id_, component in components.items() if id_ != root}
    for id_, component in components.items():
        depends_on = [components[other] for other in sorted(_dependencies(nodes[id_], True)) if other in components]
        bom.register_dependency(component, depends_on)
    value = json.loads(JsonV1Dot6(bom).output_as_string())
    value.pop("serialNumber")
    value["metadata"].pop("timestamp")
    text = json.dumps(value, indent=1) + "\n"
    if error := JsonStrictValidator(JsonV1Dot6(bom).schema_version).validate_str(text):
        raise ValueError(f"not a CycloneDX document: {error}")
    return text


def _dependencies(node, while_building):
    kinds = {None, "build"} if while_building else {None}
    return {
        dependency["pkg"] for dependency in node["deps"] if any(one["kind"] in kinds for one in dependency["dep_kinds"])
    }


def _reached(nodes, root, packages, while_building):
    reached, open_ = set(), [root]
    while open_:
        id_ = open_.pop()
        if id_ in reached or (not while_building and _is_macro(packages[id_])):
            continue
        reached.add(id_)
        open_ += _dependencies(nodes[id_], while_building)
    return reached


def _is_macro(package):
    return any("proc-macro" in target["kind"] for target in package["targets"])


def _component(package, hashes, is_linked):
    name, version = package["name"], package["version"]
    checksum = hashes[name, version]
    purl = PackageURL("cargo", name=name, version=version)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        bom_ref=BomRef(str(purl)),
        purl=purl,
        scope=ComponentScope.REQUIRED if is_linked else ComponentScope.EXCLUDED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        # Old manifests separate alternatives by a slash.
        licenses=[LicenseExpression(package["license"].replace("/", " OR "))] if package["license"] else [],
    )
