"""Credentials come from where the AWS CLI has them, and what is wrong with them is said once, with what to do."""

import json
import re
import sys

import pytest
from forwarding import Forwarding
from identities import NO_KEYS, allow, ann_arn, keys, role, who

from orchestera_local import iam_user
from orchestera_local.aws import Account


@pytest.fixture
def folder(home):
    """`~/.aws`."""
    (home / ".aws").mkdir()
    return home / ".aws"


@pytest.fixture
def config(folder):
    """Writes `~/.aws/config`."""
    return (folder / "config").write_text


def test_the_first_line_says_account_alias_and_identity(orchestera, account):
    assert who(orchestera(account, "verify")) == f"Account {account.id}, arn:aws:iam::{account.id}:root"
    account.client("iam").create_account_alias(AccountAlias=f"spark-{account.id}")
    ann = iam_user.user(account, "ann")
    allow(account, "user", "ann")
    said = f"Account {account.id} (spark-{account.id}), arn:aws:iam::{account.id}:user/ann"
    assert who(orchestera(ann, "verify")) == said
    assert orchestera(ann, "verify", "--quiet").stderr == ""


def test_a_profile_of_the_option_counts_more_than_the_environment(orchestera, config, new_account):
    of_keys, named, other = new_account(), new_account(), new_account()
    config(keys(named.id, "profile named") + keys(other.id, "profile other"))
    said = who(orchestera(of_keys, "verify", "--profile", "named", AWS_PROFILE="other"))
    assert said.startswith(f"Account {named.id},")


def test_the_keys_of_the_environment_count_more_than_its_profile(orchestera, config, new_account):
    """As in the AWS CLI: only the option leaves the keys aside."""
    of_keys, other = new_account(), new_account()
    config(keys(other.id, "profile other"))
    assert who(orchestera(of_keys, "verify", AWS_PROFILE="other")).startswith(f"Account {of_keys.id},")
    said = who(orchestera(of_keys, "verify", **NO_KEYS, AWS_PROFILE="other"))
    assert said.startswith(f"Account {other.id},")


def test_without_a_profile_the_default_one_counts(orchestera, config, account):
    config(keys(account.id, "default"))
    assert who(orchestera(account, "verify", **NO_KEYS)).startswith(f"Account {account.id},")


def test_a_profile_that_does_not_exist_is_refused_with_those_that_do(orchestera, config, account):
    config(keys(account.id, "profile spark"))
    for ran in (
        orchestera(account, "verify", "--profile", "sparc"),
        orchestera(account, "verify", AWS_PROFILE="sparc", **NO_KEYS),
    ):
        assert ran.returncode == 2
        assert ran.stderr == (
            "orchestera: The profile sparc does not exist in your AWS configuration. There are: spark. Check the name, "
            "or run: aws configure sso\n"
        )


def test_without_any_credentials_it_says_how_to_get_some(orchestera, account):
    ran = orchestera(account, "verify", **NO_KEYS)
    assert ran.returncode == 2
    assert ran.stderr == (
        "orchestera: There are no AWS credentials. Open AWS CloudShell, where they are already there. Or run: aws "
        "configure sso. Then name the profile with --profile.\n"
    )


def test_the_files_of_the_configuration_can_be_elsewhere(orchestera, account, tmp_path):
    (tmp_path / "config").write_text("[profile there]\nregion = eu-west-1\n")
    (tmp_path / "credentials").write_text(keys(account.id, "there"))
    files = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    ran = orchestera(account, "plan", "--delete", "--profile", "there", **NO_KEYS, **files)
    assert ran.stderr.startswith(f"Account {account.id},")
    assert "The Region is eu-west-1, " in ran.stderr


def test_the_region_is_that_of_the_option_then_the_environment_then_the_profile(orchestera, config, account):
    config(keys(account.id, "default") + "region = eu-west-1\n")

    def region(*arguments, **environment):
        ran = orchestera(account, "plan", "--delete", *arguments, **environment)
        assert ran.returncode == 2
        # The platform serves one only. There, it does not find the stack.
        return re.search(r"(?:The Region is|and Region) ([a-z0-9-]+)[.,]", ran.stderr)[1]

    assert region("--region", "ap-south-1", AWS_REGION="sa-east-1") == "ap-south-1"
    assert region(AWS_REGION="sa-east-1", AWS_DEFAULT_REGION="ca-west-1") == "sa-east-1"
    assert region(AWS_DEFAULT_REGION="ca-west-1") == "ca-west-1"
    assert region() == "eu-west-1"
    config(keys(account.id, "default"))
    assert region() == "us-east-1"


ENDPOINTS = {
    "the variable of all services": ({"AWS_ENDPOINT_URL": "{there}"}, ""),
    "the variable of one service": ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_IAM": "{there}"}, ""),
    "the profile": ({"AWS_ENDPOINT_URL": None}, "endpoint_url = {there}\n"),
    "a service of the profile": (
        {"AWS_ENDPOINT_URL": None},
        "services = here\n[services here]\niam =\n  endpoint_url = {there}\nsts =\n  endpoint_url = {there}\n"
        "cloudformation =\n  endpoint_url = {there}\n",
    ),
}


@pytest.mark.parametrize("given", ENDPOINTS.values(), ids=ENDPOINTS)
def test_an_endpoint_comes_from(orchestera, config, account, given):
    variables, of_profile = given
    with Forwarding(account.endpoint) as forwarding:
        variables = {name: value and value.format(there=forwarding.endpoint) for name, value in variables.items()}
        # What is not said is where it was.
        if "AWS_ENDPOINT_URL_IAM" in variables:
            variables |= {f"AWS_ENDPOINT_URL_{service}": account.endpoint for service in ("STS", "CLOUDFORMATION")}
        config(keys(account.id, "default") + of_profile.format(there=forwarding.endpoint))
        who(orchestera(account, "verify", **variables))
        assert "GetRole" in forwarding.actions()
        assert ("GetCallerIdentity" in forwarding.actions()) == ("AWS_ENDPOINT_URL_IAM" not in variables)


@pytest.fixture
def chain(account, new_account):
    """Profiles of ann, of a role that she assumes, and of a role in another account that this role assumes."""
    ann, other = iam_user.user(account, "ann"), new_account()
    allow(account, "user", "ann")
    first = role(account, "first", ann_arn(account))
    second = role(other, "second", first, StringEquals={"sts:ExternalId": "secret-of-two"})
    text = "[profile ann]\n" + "".join(f"{name} = {value}\n" for name, value in ann.credentials.items())
    text += f"[profile first]\nrole_arn = {first}\nsource_profile = ann\nrole_session_name = by-ann\n"
    text += f"[profile second]\nrole_arn = {second}\nsource_profile = first\nexternal_id = secret-of-two\n"
    return text, other


def test_a_chain_of_roles_two_deep_ends_in_the_last_account(orchestera, config, account, chain):
    text, other = chain
    config(text)
    said = who(orchestera(account, "verify", "--profile", "first"))
    assert said == f"Account {account.id}, arn:aws:sts::{account.id}:assumed-role/first/by-ann"
    # The keys of the environment are not those of the chain.
    for environment in ({}, NO_KEYS):
        said = who(orchestera(account, "verify", "--profile", "second", **environment))
        assert said.startswith(f"Account {other.id}, arn:aws:sts::{other.id}:assumed-role/second/")


def test_a_role_of_a_profile_that_cannot_be_assumed_is_named_with_the_code(orchestera, config, account, chain):
    config(chain[0].replace("external_id = secret-of-two", "external_id = another"))
    ran = orchestera(account, "verify", "--profile", "second", **NO_KEYS)
    assert ran.returncode == 2
    first, second = re.findall("role_arn = (.*)", chain[0])
    assert ran.stderr == (
        f"orchestera: Profile second assumes {first}, then {second}, and AWS refused that (AccessDenied). Check "
        "role_arn and external_id of the profile, and the trust policy of the role.\n"
    )


def process(home, answer):
    """A program that gives credentials, and notes that it was run."""
    program = home / "process.py"
    program.write_text(f"import sys\nopen({str(home / 'ran')!r}, 'a').write('x')\n{answer}\n")
    return f"credential_process = {sys.executable} {program} --password hunter2\n"


def test_a_process_gives_credentials(orchestera, config, home, account):
    keys = {"Version": 1, "AccessKeyId": account.id, "SecretAccessKey": "dummy-secret-key"}
    config("[profile process]\n" + process(home, f"print({json.dumps(json.dumps(keys))})"))
    said = who(orchestera(account, "verify", "--profile", "process", **NO_KEYS))
    assert said.startswith(f"Account {account.id},")


def test_a_process_that_fails_is_named_without_its_arguments(orchestera, config, home, account):
    config("[profile process]\n" + process(home, "sys.exit('not today')"))
    ran = orchestera(account, "status", "--profile", "process", "--debug", **NO_KEYS)
    assert ran.returncode == 2
    assert f"The credential_process of profile process, {sys.executable}, gave no credentials" in ran.stderr
    assert "not today" in ran.stderr
    assert "hunter2" not in ran.stderr
    assert (home / "ran").read_text() == "x"


def test_debug_shows_each_call_with_its_request_id_and_never_a_credential(orchestera, config, account, chain):
    text, other = chain
    config(text)
    with Forwarding(account.endpoint) as forwarding:
        ran = orchestera(
            account,
            *("status", "--debug", "--profile", "second", "--accounts", f"{other.id},{account.id}"),
            **NO_KEYS,
            AWS_ENDPOINT_URL=forwarding.endpoint,
        )
    assert ran.returncode == 1, ran.stderr
    lines = [line for line in ran.stderr.splitlines() if line.startswith("POST ")]
    assert len(lines) == len(forwarding.calls)
    assert {line.split(" ")[2] for line in lines if line.split(" ")[2]} <= {
        f"{action}:" for action in forwarding.actions()
    } | {f"{call['target']}:" for call in forwarding.calls}
    assert all(len(line.partition(", request ")[2]) > 10 for line in lines), lines
    secrets = [line.partition(" = ")[2] for line in text.splitlines() if line.startswith("aws_")]
    secrets += ["secret-of-two", "Authorization", "X-Amz-Security-Token", "Signature="]
    assert [secret for secret in secrets if secret.lower() in (ran.stdout + ran.stderr).lower()] == []


def test_external_id_and_session_name_of_status_reach_the_roles(orchestera, organization, account, new_account):
    other = new_account()
    organization.join(other)
    role(other, "audit", account.id, StringEquals={"sts:ExternalId": "of-the-audit"})
    arguments = (
        "status",
        "--accounts",
        other.id,
        "--role",
        "audit",
        "--output",
        "json",
        "--role-session-name",
        "by-eve",
    )
    with Forwarding(account.endpoint) as forwarding:
        there = {"AWS_ENDPOINT_URL": forwarding.endpoint}
        ran = orchestera(account, *arguments, "--external-id", "of-the-audit", **there)
        (row,) = json.loads(ran.stdout)["accounts"]
        assert row["state"] == "missing"
        (call,) = forwarding.of("AssumeRole")
        assert (call["ExternalId"], call["RoleSessionName"]) == ("of-the-audit", "by-eve")
    (row,) = json.loads(orchestera(account, *arguments).stdout)["accounts"]
    assert (row["state"], row["failed_call"]) == ("no way in", "AssumeRole: AccessDenied")


def test_credentials_that_aws_does_not_know_are_said_so(orchestera, account):
    nobody = Account(account.endpoint, account.id, {"aws_access_key_id": "AKIANOBODY", "aws_secret_access_key": "x"})
    ran = orchestera(nobody, "verify")
    assert ran.returncode == 2
    assert ran.stderr == (
        "orchestera: AWS does not accept the keys of the environment (InvalidClientTokenId). Get new ones, then "
        "retry.\n"
    )


def test_an_endpoint_that_cannot_be_reached_is_said_so_soon(orchestera, account):
    ran = orchestera(account, "verify", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert ran.returncode == 2
    assert ran.stderr.startswith("orchestera: AWS could not be reached: ")
    assert ran.stderr.endswith("Check your network, HTTPS_PROXY and AWS_CA_BUNDLE.\n")
