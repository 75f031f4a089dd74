"""`make dist`: writes all files of a version that are published to dist/<version>/. Exits with 0 if it is complete.

The same commit gives the same files on every machine, except for the signature. No file has a time or a random number.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version as installed
from pathlib import Path

from orchestera_release import command_line_archive, pins, product, sbom, templates
from orchestera_release.archive import zipped
from orchestera_release.command_line import parser
from orchestera_release.product import ROOT, Refused
from orchestera_release.signature import sign

# With it a build trusts another account, see src/account.rs.
PLATFORM_OF_A_TEST_BUILD = "ORCHESTERA_PLATFORM_ACCOUNT_ID"


def provenance(contents, bootstraps, programs, prefix, target, is_for_tests=False):
    """What was built from what and how: an in-toto statement with a predicate of SLSA.

    `contents` are the artefacts that it speaks of, `bootstraps` and `programs` what is in them. It claims no level of
    SLSA; that anybody can repeat the build is shown by `make -C release reproduce`. https://slsa.dev/spec/v1.0/provenance
    """
    commit, is_dirty = source()
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": product.sha256(it)}} for name, it in contents.items()]
        + [
            {"name": f"{function.package}/bootstrap", "digest": {"sha256": product.sha256(bootstraps[function])}}
            for function in product.FUNCTIONS
        ]
        + [
            {"name": f"{one.archive}/{command_line_archive.PROGRAM}", "digest": {"sha256": product.sha256(program)}}
            for one, program in programs.items()
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:orchestera-access:make-dist:1",
                "externalParameters": {
                    "version": product.VERSION,
                    "bucketPrefix": prefix,
                    "target": target,
                    "isForTests": is_for_tests,
                },
                "internalParameters": {
                    "command": "cargo lambda build --release --locked "
                    + "".join(f"--package {function.package} " for function in product.FUNCTIONS)
                    + f"--target {target}",
                    "rustflags": "--remap-path-prefix=$CARGO_HOME/registry/src=/crates"
                    + (" -C link-arg=-pie" if target.endswith("-musl") else ""),
                    "profile": "release, as in Cargo.toml",
                    "commandLines": [
                        f"cargo lambda build --profile {product.CLI_PROFILE} --locked --package {product.CLI_PACKAGE} "
                        f"--target {one.target(target)}"
                        for one in programs
                    ],
                    "rustc": _said("rustc", "-vV").splitlines(),
                    "cargo-lambda": installed("cargo-lambda"),
                    "zig": installed("ziglang"),
                    "zopfli": installed("zopfli"),
                },
                "resolvedDependencies": [
                    {
                        "name": "source",
                        "digest": {"gitCommit": commit},
                        "annotations": {"uncommittedChanges": is_dirty},
                    },
                    {"name": "Cargo.lock", "digest": {"sha256": product.sha256((ROOT / "Cargo.lock").read_bytes())}},
                ],
            },
            "runDetails": {"builder": {"id": "urn:orchestera-access:make-dist"}},
        },
    }


def source():
    """The commit, and whether anything was changed since. Raises `Refused` outside a clone."""
    try:
        return _said("git", "rev-parse", "HEAD"), bool(_said("git", "status", "--porcelain"))
    except subprocess.CalledProcessError as error:
        message = "This is not a clone of the repository. Run `make dist` in a clone: the provenance has its commit."
        raise Refused(message) from error


def make(bootstraps, programs, prefix, folder, target=product.PUBLISHED_TARGET, signing_key=None, is_for_tests=False):
    """All artefacts, into a folder that need not exist. One that is there is replaced as a whole, or not at all.

    `bootstraps` are the contents of the functions, by function; `programs` those of the command lines.
    """
    product.check_prefix(prefix)
    # One thread for each, because zopfli takes half a minute for one and releases the lock of the interpreter.
    with ThreadPoolExecutor() as pool:
        zips = pool.map(zipped, (bootstraps[function] for function in product.FUNCTIONS))
        contents = {function.code: it for function, it in zip(product.FUNCTIONS, zips, strict=True)}
    contents |= command_line_archive.archives(programs, is_fast=is_for_tests)
    for name, template in templates.published(prefix, contents).items():
        contents[name] = templates.content(name, template).encode()
    if wrong := list(pins.problems(contents)):
        raise Refused("\n".join(wrong))
    for function in product.FUNCTIONS:
        contents[function.sbom] = sbom.document(function.package, target).encode()
    for one in product.COMMAND_LINES:
        contents[one.sbom] = sbom.document(product.CLI_PACKAGE, one.target(target)).encode()
    contents[product.PROVENANCE] = (
        json.dumps(provenance(contents, bootstraps, programs, prefix, target, is_for_tests), indent=1) + "\n"
    ).encode()
    sums = "".join(f"{product.sha256(contents[name])}  {name}\n" for name in product.SUMMED).encode()
    contents[product.SUMS] = sums
    contents[product.SIGNATURE], contents[product.PUBLIC_KEY] = sign(sums, signing_key)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as making:
        made = Path(making) / folder.name
        made.mkdir()
        for name, content in contents.items():
            (made / name).write_bytes(content)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return contents


def _programs(target, is_for_tests):
    """The command lines that were built. Raises `Refused` if one is missing."""
    programs = {}
    for one in product.COMMAND_LINES:
        path = product.program(one, target)
        if path.is_file():
            programs[one] = path.read_bytes()
        elif is_for_tests:
            programs[one] = command_line_archive.STAND_IN
        else:
            raise Refused(f"{path} does not exist. `make dist` builds it, and so does `make cli` for one machine.")
    return programs


def _said(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def main(arguments=None):
    options = parser("orchestera_release.dist", __doc__, '--signing-key "$HOME/orchestera-release.pem"')
    product.add_bucket_prefix(options)
    options.add_argument("--signing-key", type=Path, metavar="FILE", help="a private key, ECDSA on P-256, in PEM")
    options.add_argument("--target", default=product.PUBLISHED_TARGET, help="the target of `make build` (%(default)s)")
    options.add_argument(
        "--for-tests",
        action="store_true",
        help="put a text in the place of a command line that was not built, and pack in a second. "
        "`make -C release check` refuses the result",
    )
    given, folder = options.parse_args(arguments), product.folder()
    if os.environ.get(PLATFORM_OF_A_TEST_BUILD):
        raise Refused(
            f"{PLATFORM_OF_A_TEST_BUILD} is set: the function that was just built trusts a test platform. Only one "
            "that trusts Orchestera's own account can be published. Unset the variable and run `make dist` again."
        )
    bootstraps = {function: product.bootstrap(function).read_bytes() for function in product.FUNCTIONS}
    programs = _programs(given.target, given.for_tests)
    contents = make(bootstraps, programs, given.bucket_prefix, folder, given.target, given.signing_key, given.for_tests)
    for name in sorted(contents):
        print(f"{len(contents[name]):>9}  {folder}/{name}")
    commit, is_dirty = source()
    print(f"\n{product.VERSION} of {commit[:12]}{', WITH UNCOMMITTED CHANGES' if is_dirty else ''}, ", end="")
    print(f"for {given.target} and buckets {given.bucket_prefix}-<region>")
    print(*contents[product.SUMS].decode().splitlines()[: len(product.CODES + product.ARCHIVES)], sep="\n")


if __name__ == "__main__":
    sys.exit(main())
