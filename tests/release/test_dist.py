"""What `make dist` leaves, looked at as a customer would."""

import base64
import io
import json
import re
import shutil
import struct
import subprocess
import zipfile

import pytest
import tomllib
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from needs import need
from samcli.yamlhelper import yaml_parse

from orchestera_release import archive, pins, product, sbom, signature, template_text
from orchestera_release import dist as making
from orchestera_release.product import ROOT

BOOTSTRAP = b"#!/bin/sh\nexit 0\n" * 100
BOOTSTRAPS = dict.fromkeys(product.FUNCTIONS, BOOTSTRAP)
PROGRAM = b'#!/bin/sh\nif [ "$1" = man ]; then echo "$1" > "$2/orchestera.1"; else echo "$2"; fi\n'
PROGRAMS = dict.fromkeys(product.COMMAND_LINES, PROGRAM)
# Whose crates the documents list, and for which kind of machine.
PACKAGES = [(function.package, function.sbom, None) for function in product.FUNCTIONS]
PACKAGES += [(product.CLI_PACKAGE, one.sbom, one) for one in product.COMMAND_LINES]


@pytest.fixture
def downloaded(dist, tmp_path):
    return shutil.copytree(dist, tmp_path / "downloaded")


def checked(folder):
    """Whether what the documents tell to type says that all is well."""
    document = (ROOT / "docs/releasing.md").read_text()
    (commands,) = re.findall(r"```sh\n(openssl dgst -sha256 -verify .*?)```", document, re.S)
    said = []
    for command in commands.splitlines():
        ran = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
        if ran.returncode:
            return False
        said.append(ran.stdout.strip())
    return said[0] == "Verified OK"


def test_the_checks_that_the_documents_give_accept_what_was_published(downloaded):
    need("openssl")
    assert checked(downloaded)


@pytest.mark.parametrize("name", [*product.SUMMED, product.SUMS, product.SIGNATURE])
def test_a_change_of_any_file_is_noticed_by_these_checks(downloaded, name):
    need("openssl")
    content = (downloaded / name).read_bytes()
    (downloaded / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert not checked(downloaded)


def test_the_checksums_name_every_file_but_their_own_and_the_signatures(dist):
    named = {line.split("  ")[1] for line in (dist / product.SUMS).read_text().splitlines()}
    assert {path.name for path in dist.iterdir()} - named == {product.SUMS, product.SIGNATURE, product.PUBLIC_KEY}


@pytest.mark.parametrize("function", product.FUNCTIONS, ids=lambda function: function.package)
def test_the_zip_holds_the_function_and_nothing_else_and_may_be_executed(dist, function):
    with zipfile.ZipFile(dist / function.code) as opened:
        (entry,) = opened.infolist()
        content = opened.read(entry)
    assert (entry.filename, entry.external_attr >> 16) == ("bootstrap", 0o100755)
    subjects = provenance(dist)["subject"]
    assert {"name": f"{function.package}/bootstrap", "digest": {"sha256": product.sha256(content)}} in subjects
    assert content.startswith(b"\x7fELF")


def test_a_zip_of_a_text_is_read_by_another_program(tmp_path):
    (tmp_path / "a.zip").write_bytes(archive.zipped(BOOTSTRAP))
    with zipfile.ZipFile(io.BytesIO((tmp_path / "a.zip").read_bytes())) as opened:
        assert opened.testzip() is None and opened.read("bootstrap") == BOOTSTRAP


def test_a_function_that_was_built_for_a_test_platform_is_not_published(tmp_path, monkeypatch):
    (tmp_path / "bootstrap").write_bytes(BOOTSTRAP)
    monkeypatch.setenv("ORCHESTERA_BOOTSTRAP", str(tmp_path / "bootstrap"))
    monkeypatch.setenv("ORCHESTERA_DIST", str(tmp_path / "dist"))
    monkeypatch.setenv("ORCHESTERA_PLATFORM_ACCOUNT_ID", "000000000001")
    with pytest.raises(product.Refused, match="trusts a test platform"):
        making.main()
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("name, sam", pins.FUNCTIONS.items())
def test_the_template_pins_the_code_that_lies_beside_it(dist, name, sam):
    resources = yaml_parse((dist / name).read_text())["Resources"]
    pinned = resources[sam.version_of_the_code]["Properties"]["CodeSha256"]
    assert base64.b64decode(pinned).hex() == product.sha256((dist / sam.code).read_bytes())
    code = resources[sam.function]["Properties"]["Code"]
    assert code["S3Bucket"] == {"Fn::Sub": f"{product.BUCKET_PREFIX}-${{AWS::Region}}"}
    assert code["S3Key"] == f"{product.VERSION}/{sam.code}"


def test_the_template_of_the_management_account_pins_the_template_that_it_nests(dist):
    resources = yaml_parse((dist / product.ORGANIZATION).read_text())["Resources"]
    sum_ = product.sha256((dist / product.FLAT).read_bytes())
    place = f"https://orchestera-access-us-east-1.s3.us-east-1.amazonaws.com/{product.VERSION}"
    for name in ("AccessStack", "DevelopmentAccessStack", "ProductionAccessStack"):
        assert resources[name]["Properties"]["TemplateURL"] == f"{place}/{sum_}/orchestera-access.yaml"


def test_artefacts_that_do_not_belong_together_are_refused(dist, tmp_path, monkeypatch):
    contents = {path.name: path.read_bytes() for path in dist.iterdir()}
    assert list(pins.problems(contents)) == []
    for name, words in [
        (product.CODE, ["orchestera-access.yaml pins another orchestera-access.zip"]),
        (product.ORGANIZATION_CODE, ["orchestera-organization.yaml pins another orchestera-organization.zip"]),
        (
            product.FLAT,
            [
                f"{name} of orchestera-organization.yaml nests another orchestera-access.yaml"
                for name in ("AccessStack", "DevelopmentAccessStack", "ProductionAccessStack")
            ],
        ),
    ]:
        wrong = list(pins.problems(contents | {name: contents[name] + b"\n"}))
        assert [problem.partition(" than the one")[0] for problem in wrong] == words
    # What `make dist` would write is refused as a whole.
    monkeypatch.setattr(pins, "pinned_name", lambda name, content: name)
    with pytest.raises(product.Refused, match="AccessStack of orchestera-organization.yaml nests another"):
        making.make(BOOTSTRAPS, PROGRAMS, "a-prefix", tmp_path / "made")
    assert not (tmp_path / "made").exists()


def provenance(dist):
    return json.loads((dist / product.PROVENANCE).read_text())


def target(dist, command_line=None):
    """For which the function or a command line was built: where musl cannot be had, not for the published one."""
    built_for = provenance(dist)["predicate"]["buildDefinition"]["externalParameters"]["target"]
    return command_line.target(built_for) if command_line else built_for


def test_the_provenance_names_every_artefact_the_commit_and_the_toolchain(dist):
    statement = provenance(dist)
    digests = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    for name in set(product.SUMMED) - {product.PROVENANCE}:
        assert digests[name] == product.sha256((dist / name).read_bytes())
    definition = statement["predicate"]["buildDefinition"]
    assert re.fullmatch(r"[0-9a-f]{40}", definition["resolvedDependencies"][0]["digest"]["gitCommit"])
    assert any(line.startswith("release: 1.") for line in definition["internalParameters"]["rustc"])
    # Flags and commands are those of the rules that build.
    build = subprocess.run(
        ["make", "--dry-run", "dist", "CRATES=$$CARGO_HOME/registry/src"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    how = definition["internalParameters"]
    assert len(how["commandLines"]) == 2
    for command in (how["command"], *how["commandLines"]):
        command = command.replace("cargo ", "cargo-lambda ", 1)
        assert f"RUSTFLAGS='{how['rustflags']}' {command} " in build.stdout


@pytest.mark.parametrize("code", product.CODES)
def test_the_function_brings_its_c_library_may_be_loaded_anywhere_and_runs_no_data(dist, code):
    with zipfile.ZipFile(dist / code) as opened:
        content = opened.read("bootstrap")
    # Of an ELF file of 64 bits: its type, and where its program headers are. <https://refspecs.linuxfoundation.org/elf/>
    (kind,) = struct.unpack_from("<H", content, 16)
    first, size, count = *struct.unpack_from("<Q", content, 32), *struct.unpack_from("<HH", content, 54)
    headers = dict(struct.unpack_from("<II", content, first + number * size) for number in range(count))
    shared_object, load, interpreter, stack, read_only_after_relocation = 3, 1, 3, 0x6474E551, 0x6474E552
    assert kind == shared_object and load in headers
    assert (interpreter in headers) == (not target(dist).endswith("-musl"))
    assert not headers[stack] & 1 and read_only_after_relocation in headers


@pytest.mark.parametrize("code", product.CODES)
def test_no_path_of_the_machine_that_built_it_is_in_the_function(dist, code):
    with zipfile.ZipFile(dist / code) as opened:
        content = opened.read("bootstrap")
    assert b"/crates/" in content
    assert not re.findall(rb"/(?:home|root|work|tmp|Users)/[\w./-]*\.(?:rs|c|cpp|zig)\b|site-packages", content)


def is_crate(component):
    return component["purl"].startswith("pkg:cargo/")


@pytest.mark.parametrize("package, sbom, command_line", PACKAGES, ids=[name for _, name, _ in PACKAGES])
def test_the_sbom_lists_what_is_linked_beside_the_crates(dist, package, sbom, command_line):
    listed = json.loads((dist / sbom).read_text())
    assert listed["metadata"]["component"]["name"] == package
    others = {one["name"]: one for one in listed["components"] if not is_crate(one)}
    assert others.keys() == (
        {"rust-std", "zig", "llvm-libunwind"} | ({"musl"} if target(dist, command_line).endswith("-musl") else set())
    )
    assert others["rust-std"]["version"] in subprocess.check_output(["rustc", "--version"], text=True)
    of_the_function = next(
        one for one in listed["dependencies"] if one["ref"] == listed["metadata"]["component"]["bom-ref"]
    )
    for component in others.values():
        assert component["licenses"] and component["version"] and component["bom-ref"] in of_the_function["dependsOn"]


@pytest.mark.parametrize(
    "package, sbom, command_line, of_it_alone, ours",
    [
        (*PACKAGES[0], "aws-sdk-sts", {"custom-resource"}),
        (*PACKAGES[1], "aws-sdk-organizations", {"custom-resource"}),
        *(
            (*one, "clap", {"custom-resource", *(function.package for function in product.FUNCTIONS)})
            for one in PACKAGES[2:]
        ),
    ],
    ids=[name for _, name, _ in PACKAGES],
)
def test_the_sbom_lists_the_crates_of_the_lock_file_that_cargo_links(
    dist, package, sbom, command_line, of_it_alone, ours
):
    listed = json.loads((dist / sbom).read_text())
    components = {(one["name"], one["version"]): one for one in listed["components"] if is_crate(one)}
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in lock}
    # crates.io gives the checksums; the crates of this repository have none.
    assert {name for name, version in components if checksums[name, version] is None} == ours
    for crate, component in components.items():
        hashes = [{"alg": "SHA-256", "content": checksums[crate]}] if checksums[crate] else []
        assert component.get("hashes", []) == hashes, crate
        assert component["licenses"], crate
    plan = [
        "cargo",
        "tree",
        "--locked",
        f"--package={package}",
        "--prefix=none",
        "--edges=no-dev",
        f"--target={target(dist, command_line)}",
        "--format={p}",
    ]
    lines = subprocess.run(plan, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    crates = {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in lines if line)}
    assert components.keys() == crates - {(package, product.VERSION)}
    required = {crate for crate, component in components.items() if component["scope"] == "required"}
    assert (of_it_alone, dict(crates)[of_it_alone]) in required
    assert not {name for name, _ in required} & {"cc", "proc-macro2", "syn", "proptest"}


def test_the_same_source_makes_the_same_files_but_for_the_signature(tmp_path):
    one, other = (making.make(BOOTSTRAPS, PROGRAMS, "a-prefix", tmp_path / name) for name in ("one", "other"))
    assert {name for name in one if one[name] != other[name]} <= {product.SIGNATURE}
    for function in product.FUNCTIONS:
        assert sbom.document(function.package, product.PUBLISHED_TARGET).encode() == one[function.sbom]


def test_what_was_made_before_stays_when_something_fails(tmp_path, monkeypatch):
    making.make(BOOTSTRAPS, PROGRAMS, "a-prefix", tmp_path / "made")
    before = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    monkeypatch.setattr(template_text, "LONGEST", 100)
    with pytest.raises(ValueError, match="CloudFormation takes 100"):
        making.make(BOOTSTRAPS, PROGRAMS, "another-prefix", tmp_path / "made")
    assert {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("prefix", ["", "a", "-ab", "ab-", "A-prefix", "a.b", "x" * 43, "a_b"])
def test_a_prefix_that_no_bucket_can_have_is_refused(tmp_path, prefix):
    with pytest.raises(product.Refused, match="The bucket prefix"):
        making.make(BOOTSTRAPS, PROGRAMS, prefix, tmp_path / "made")


def test_a_key_that_is_none_or_another_than_the_documents_say_is_refused_and_told(tmp_path):
    (tmp_path / "key").write_text("not a key")
    pem, pkcs8 = Encoding.PEM, PrivateFormat.PKCS8
    others = {"p384": ec.generate_private_key(ec.SECP384R1()), "ed25519": Ed25519PrivateKey.generate()}
    for name, key in others.items():
        (tmp_path / name).write_bytes(key.private_bytes(pem, pkcs8, NoEncryption()))
    locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(pem, pkcs8, BestAvailableEncryption(b"dummy"))
    (tmp_path / "locked").write_bytes(locked)
    for key, reason in [
        ("key", "holds no private key"),
        ("locked", "holds no private key in PEM without a password"),
        ("none", "cannot be read: No such file"),
        ("p384", "does not have an ECDSA key on P-256"),
        ("ed25519", "does not have an ECDSA key on P-256"),
    ]:
        with pytest.raises(product.Refused, match=reason):
            making.make(BOOTSTRAPS, PROGRAMS, "a-prefix", tmp_path / "made", signing_key=tmp_path / key)


def test_the_signature_is_the_keys_and_of_the_checksums_alone(tmp_path):
    signature.make_key(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    signed, public = signature.sign(b"content", tmp_path / "key.pem")
    assert signature.is_valid(b"content", signed, public)
    assert not signature.is_valid(b"another content", signed, public)
    assert not signature.is_valid(b"content", signed[:-1] + bytes([signed[-1] ^ 1]), public)
    assert not signature.is_valid(b"content", signed, signature.sign(b"content")[1])
    assert not signature.is_valid(b"content", b"no signature", public)
    assert not signature.is_valid(b"content", signed, b"no key")
