"""`make -C release version VERSION=1.2.3`: prepares a release.

It writes the version to every file that has it, and keeps a copy of the templates.

Cargo.toml has the version. template.yaml and organization.yaml have it too, because SAM deploys these files as they
are. So do the manifests of the organization function and of the command line, the lock files, and the command that
installs the command line. The templates of every release stay in tests/stack/releases/, because the tests upgrade
stacks from every release.
"""

import datetime
import re
import subprocess
import sys

from orchestera_release import product
from orchestera_release.command_line import parser
from orchestera_release.product import ROOT, Refused

RELEASES = ROOT / "tests/stack/releases"
UNRELEASED = "## [Unreleased]\n"
# Where the number stands, in which line, and how often.
PLACES = [
    ("Cargo.toml", 'version = "{}"\n', 1),
    ("crates/organization/Cargo.toml", 'version = "{}"\n', 1),
    ("crates/cli/Cargo.toml", 'version = "{}"\n', 1),
    # Of both functions, whose core it has.
    ("crates/cli/Cargo.toml", 'version = "={}" }}', 2),
    ("docs/cli.md", "VERSION={}\n", 1),
    ("template.yaml", "      Release: {}\n", 1),
    # The output, by which the command line knows the release of a stack.
    ("template.yaml", "    Value: {}\n", 1),
    # Of each custom resource.
    ("organization.yaml", "      Release: {}\n", 17),
]


def number(version):
    """To compare by. Raises `Refused` if it is none."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise Refused(f"The version is {version!r}; it must be three numbers, such as 1.2.3. https://semver.org")
    return tuple(map(int, version.split(".")))


def kept(version):
    """Where the templates of a release stay, by their names."""
    return {
        "template.yaml": RELEASES / f"{version}.yaml",
        "organization.yaml": RELEASES / "organization" / f"{version}.yaml",
    }


def section(changelog, heading):
    """What stands under a heading of CHANGELOG.md, or None."""
    _, is_there, behind = changelog.partition(f"## [{heading}]")
    return behind.partition("\n")[2].partition("\n## [")[0].strip() if is_there else None


def prepare(old, new):
    """Raises `Refused` before anything is written if the version does not go up or nothing is new."""
    if number(new) <= number(old):
        raise Refused(f"The version is {new!r}; this is {old}, so it must be higher.")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    if not section(changelog, "Unreleased"):
        raise Refused("CHANGELOG.md has no entry under Unreleased. Add what this release changes.")
    today = datetime.date.today().isoformat()
    texts = {"CHANGELOG.md": changelog.replace(UNRELEASED, f"{UNRELEASED}\n## [{new}] - {today}\n", 1)}
    for file, line, times in PLACES:
        text = texts.get(file) or (ROOT / file).read_text()
        if text.count(line.format(old)) != times:
            how_often = "once" if times == 1 else f"{times} times"
            raise Refused(f"{file} must have {line.format(old).strip()} {how_often}, and does not.")
        texts[file] = text.replace(line.format(old), line.format(new))
    texts |= {copy: texts[name] for name, copy in kept(new).items()}
    for file, text in texts.items():
        (ROOT / file).parent.mkdir(exist_ok=True)
        (ROOT / file).write_text(text)
    for manifest in ("Cargo.toml", "fuzz/Cargo.toml"):
        subprocess.run(["cargo", "update", "--quiet", "--workspace", "--manifest-path", ROOT / manifest], check=True)


def main(arguments=None):
    options = parser("orchestera_release.version", __doc__, "1.2.3")
    options.add_argument("version", help="the version of the next release, three numbers")
    new = options.parse_args(arguments).version
    number(new)
    prepare(product.VERSION, new)
    print(f"{product.VERSION} → {new}. Read the changes, commit them, and continue with step 2 of docs/releasing.md.")


if __name__ == "__main__":
    sys.exit(main())
