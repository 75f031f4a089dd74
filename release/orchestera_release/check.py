"""`make -C release check`: checks whether dist/<version>/ may be published. Exits with 0, or lists every problem."""

import json
import subprocess
import sys

from orchestera_release import command_line_archive, pins, product
from orchestera_release.command_line import parser
from orchestera_release.product import ROOT, Refused
from orchestera_release.signature import RELEASE_KEY, is_valid
from orchestera_release.version import kept, number, section

RAISE = "Raise the version: make -C release version VERSION=..."
MAKE = "Build the artifacts with the release key: make dist SIGNING_KEY=..."
KEY = RELEASE_KEY.relative_to(ROOT)


def reasons():
    """Why not, a sentence for each."""
    yield from _of_the_tree()
    yield from _of_the_version()
    yield from _of_the_artefacts()


def _of_the_tree():
    if changed := _git("status", "--porcelain"):
        yield f"There are uncommitted changes. Commit or revert them:\n{changed}"


def _of_the_version():
    version, tag = product.VERSION, f"v{product.VERSION}"
    released = sorted((name[1:] for name in _git("tag", "--list", "v*").split() if name[1:2].isdigit()), key=number)
    if tag in _git("tag", "--list", tag).split():
        if _git("rev-parse", f"{tag}^{{commit}}") != _git("rev-parse", "HEAD"):
            yield f"The version is unchanged: {version} is released, by the tag {tag}. {RAISE}"
    elif released and number(version) < number(released[-1]):
        yield f"The version is {version}, and {released[-1]} is released. {RAISE}"
    for name, copy in kept(version).items():
        if not copy.is_file():
            yield f"{version} is not prepared: {copy.relative_to(ROOT)} is missing. {RAISE}"
        elif copy.read_text() != (ROOT / name).read_text():
            yield f"{name} has changed since {version} was prepared. {RAISE}"
    changelog = (ROOT / "CHANGELOG.md").read_text()
    if not section(changelog, version):
        yield f"CHANGELOG.md has no entry under {version}."
    if section(changelog, "Unreleased"):
        yield f"CHANGELOG.md has entries under Unreleased, which do not belong to {version}. {RAISE}"


def _of_the_artefacts():
    folder = product.folder()
    try:
        contents = {name: (folder / name).read_bytes() for name in (*product.SUMMED, product.SUMS)}
        signature = (folder / product.SIGNATURE).read_bytes()
    except OSError as error:
        yield f"{error.filename} is missing. {MAKE}"
        return
    sums = "".join(f"{product.sha256(contents[name])}  {name}\n" for name in product.SUMMED).encode()
    if sums != contents[product.SUMS]:
        yield f"{folder / product.SUMS} does not match the files in its folder. {MAKE}"
    else:
        for problem in (*pins.problems(contents), *command_line_archive.problems(contents)):
            yield f"{problem} {MAKE}"
    definition = json.loads(contents[product.PROVENANCE])["predicate"]["buildDefinition"]
    built = definition["resolvedDependencies"][0]
    commit, head = built["digest"]["gitCommit"], _git("rev-parse", "HEAD")
    if commit != head or built["annotations"]["uncommittedChanges"]:
        changed = " with uncommitted changes" if built["annotations"]["uncommittedChanges"] else ""
        yield f"The artifacts were built from {commit[:12]}{changed}; this is {head[:12]}. {MAKE}"
    if definition["externalParameters"]["isForTests"]:
        yield f"The artifacts were built for the tests, and a command line may be missing. {MAKE}"
    if (target := definition["externalParameters"]["target"]) != product.PUBLISHED_TARGET:
        yield f"The functions are for {target}, not for {product.PUBLISHED_TARGET}. {MAKE}"
    if not RELEASE_KEY.is_file():
        yield f"There is no {KEY} to check a signature with. See docs/releasing.md, The key."
    elif not is_valid(contents[product.SUMS], signature, RELEASE_KEY.read_bytes()):
        yield f"The signature does not match {KEY}. {MAKE}"


def _git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.rstrip()


def main(arguments=None):
    parser("orchestera_release.check", __doc__, "").parse_args(arguments)
    if wrong := list(reasons()):
        raise Refused("NOT to be released:\n- " + "\n- ".join(wrong))
    print(f"{product.VERSION} may be released: make publish, then: git tag v{product.VERSION}")


if __name__ == "__main__":
    sys.exit(main())
