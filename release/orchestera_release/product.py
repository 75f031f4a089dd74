"""What is published, and where: the version, the artefacts, the buckets and keys. The one place for each."""

import base64
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import tomllib

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
# Of the function that is published. A function for glibc, which LIBC=gnu builds, is not released.
PUBLISHED_TARGET = "x86_64-unknown-linux-musl"
# The regions that the platform serves, as in the Rule ServedRegion of template.yaml; a test compares them. A function's
# code must lie in a bucket of the function's own region: one bucket for each.
REGIONS = ("us-east-1",)
# Of the buckets of the releases. A stack has no say in it: whoever could choose the bucket by a link could choose the
# code.
BUCKET_PREFIX = "orchestera-access"


@dataclass(frozen=True)
class Function:
    """A function that is built, and published as a zip."""

    # The package of the workspace, and its binary.
    package: str
    # The environment variable that names another file than the one that `make build` left.
    variable: str
    # The crates that it is built of, and their features.
    features: Path

    @property
    def code(self):
        return f"{self.package}.zip"

    @property
    def sbom(self):
        return f"{self.package}.cdx.json"


ACCESS_FUNCTION = Function("orchestera-access", "ORCHESTERA_BOOTSTRAP", ROOT / "release/features.txt")
ORGANIZATION_FUNCTION = Function(
    "orchestera-organization", "ORCHESTERA_ORGANIZATION_BOOTSTRAP", ROOT / "release/features-organization.txt"
)
FUNCTIONS = (ACCESS_FUNCTION, ORGANIZATION_FUNCTION)

CODE, ORGANIZATION_CODE = CODES = tuple(function.code for function in FUNCTIONS)


@dataclass(frozen=True)
class CommandLine:
    """The program `orchestera` for one kind of machine, published as an archive."""

    # As `uname -m` says it, and the first word of the target.
    machine: str

    @property
    def archive(self):
        return f"{PROGRAM}-{self.machine}-linux.tar.gz"

    @property
    def sbom(self):
        return f"{PROGRAM}-{self.machine}-linux.cdx.json"

    @property
    def variable(self):
        """The environment variable that names another file than the one that `make cli` left."""
        return f"ORCHESTERA_CLI_{self.machine.upper()}"

    def target(self, target=PUBLISHED_TARGET):
        """Of the program that is published beside functions for `target`: the same C library."""
        return f"{self.machine}-{target.partition('-')[2]}"


PROGRAM = "orchestera"
CLI_PACKAGE = "orchestera-cli"
# The profile of Cargo.toml, and so the folder below the target's.
CLI_PROFILE = "cli"
COMMAND_LINES = (CommandLine("x86_64"), CommandLine("aarch64"))
ARCHIVES = tuple(one.archive for one in COMMAND_LINES)

SBOM, *_ = SBOMS = tuple(one.sbom for one in (*FUNCTIONS, *COMMAND_LINES))
FLAT = "orchestera-access.yaml"
NATIVE = "orchestera-access-native.yaml"
STACK_SET = "orchestera-access-stack-set.yaml"
ORGANIZATION = "orchestera-organization.yaml"
# Of the platform's access to an account, and with the one for the management account.
ACCESS_TEMPLATES = (FLAT, NATIVE, STACK_SET)
TEMPLATES = (*ACCESS_TEMPLATES, ORGANIZATION)
PROVENANCE = "provenance.json"
SUMS = "SHA256SUMS"
SIGNATURE = f"{SUMS}.sig"
PUBLIC_KEY = "orchestera-access.pub"
# What SHA256SUMS names; it is itself signed.
SUMMED = (*CODES, *ARCHIVES, *TEMPLATES, *SBOMS, PROVENANCE)

# What S3 takes for a bucket, with room for the region behind it.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{1,40}[a-z0-9]")


class Refused(SystemExit):
    """What a release engineer asked for cannot be done; the text says why and what to do. Nothing was changed."""


def folder(version=VERSION):
    """Where `make dist` leaves the artefacts of a version. The tests have a place of their own."""
    return Path(os.environ.get("ORCHESTERA_DIST") or ROOT / "dist") / version


def bootstrap(function=ACCESS_FUNCTION):
    """The file of the function that `make build` made. The tests deploy a copy. Raises `Refused` if it is not there."""
    path = Path(os.environ.get(function.variable) or _built() / "lambda" / function.package / "bootstrap")
    if not path.is_file():
        raise Refused(f"{path} does not exist. Run `make build` first.")
    return path


def program(command_line, target=PUBLISHED_TARGET):
    """The file of the command line that `make cli` made. It may not be there."""
    built = _built() / command_line.target(target) / CLI_PROFILE / PROGRAM
    return Path(os.environ.get(command_line.variable) or built)


def _built():
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")


def add_bucket_prefix(parser):
    """Adds the option `--bucket-prefix` to a command."""
    parser.add_argument(
        "--bucket-prefix",
        metavar="PREFIX",
        default=BUCKET_PREFIX,
        help="prefix of the buckets <PREFIX>-<region>, 3 to 42 of a-z, 0-9 and - (%(default)s: those of the releases)",
    )


def check_prefix(prefix):
    """Raises `Refused` unless `<prefix>-<region>` can be a bucket's name."""
    if not PREFIX.fullmatch(prefix):
        raise Refused(
            f"The bucket prefix is {prefix!r}; it must be 3 to 42 of a-z, 0-9 and -, without - at either end."
        )


def bucket(prefix, region):
    return f"{prefix}-{region}"


def key(name, version=VERSION):
    """Of an artefact in every bucket. Never written twice with other content."""
    return f"{version}/{name}"


def pinned_name(name, content):
    """The name of a template that another one nests: with the SHA-256 of its content.

    CloudFormation cannot be told the hash of a nested template. By this whoever reads the outer one can compare it.
    """
    return f"{sha256(content)}/{name}"


def url(prefix, region, name, version=VERSION):
    """By which CloudFormation fetches a template: https, and the regional name of S3.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html#API_CreateStack_RequestParameters
    """
    return f"https://{bucket(prefix, region)}.s3.{region}.amazonaws.com/{key(name, version)}"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def code_sha256(content):
    """In the form in which Lambda gives it: base64 instead of hex."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
