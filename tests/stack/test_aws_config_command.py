"""`orchestera aws-config`: what it writes beside a person's own profiles, and how the real AWS CLI reads it."""

import configparser
import os
import random
import subprocess
from pathlib import Path

import botocore.configloader
import pytest
from aws_cli import AwsCli
from botocore.exceptions import ConfigParseError
from management import Management
from sign_in import SignIn
from test_aws_config import moment
from test_organization_setup import CENTER, Center, sign_in

from orchestera_local.run_organization import user
from orchestera_local.stack import ROOT

COMMAND = Path(os.environ.get("ORCHESTERA_CLI") or ROOT / "target/debug/orchestera")
BOTH = pytest.mark.parametrize("version", [1, 2], ids="version {}".format)
MANAGEMENT, SPARK, DEVELOPMENT = (f"orchestera-{name}" for name in ("management", "spark", "development"))
# Everything that makes a file hard to edit, as far as the AWS CLI reads it.
MINE = """# Mine. Keep it.
[default]
region = eu-west-1
s3 =
    addressing_style = path
    ; indented

[profile "of the team"]
  output = json

[services local]
dynamodb =
  endpoint_url = http://127.0.0.1:9

[profile last]
role_arn: arn:aws:iam::999900001111:role/last
source_profile: default
"""
END = "# END orchestera aws-config, profiles orchestera-*\n"


class Orchestera:
    """The command, for a person with the keys of an account and a home directory."""

    def __init__(self, cli, account):
        keys = {name.upper(): value for name, value in account.credentials.items()}
        self.environment = cli.environment | keys | {"AWS_REGION": "us-east-1"}

    def run(self, *arguments, **environment):
        return subprocess.run(
            [COMMAND, "aws-config", *arguments],
            env=self.environment | environment,
            text=True,
            capture_output=True,
            timeout=60,
        )

    def said(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 2, done.stdout + done.stderr
        return done.stderr


def parsed(text):
    """The sections, as the AWS CLI parses them."""
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


@pytest.fixture
def management(aws, account):
    management = Management(aws, account)
    management.development = {"DevelopmentAccountEmail": f"dev-{account.id}@example.com"}
    management.production = {"ProductionAccountEmail": f"production-{account.id}@example.com"}
    return management


@pytest.fixture
def home(tmp_path, management):
    """Makes a home directory with a configuration file, and returns the AWS CLI and the command in it."""

    def home(text=MINE, version=2, **endpoints):
        cli = AwsCli(
            tmp_path / f"home{len(list(tmp_path.iterdir()))}", text, management.aws.endpoint, version, **endpoints
        )
        return cli, Orchestera(cli, management.account)

    return home


@pytest.fixture
def center(management):
    return Center(management)


@pytest.fixture
def users(management):
    """The outputs of a stack without Identity Center."""
    return management.created(
        AdminGroup="Make", AdminUserNames="ann", BootstrapRole="On", **management.development, **management.production
    ).outputs()


@pytest.fixture
def ann(management):
    return user(management.account, "ann")


def test_its_profiles_are_those_of_the_output_of_the_stack(management, center, home):
    outputs = management.created(**CENTER, **management.development).outputs()
    cli, orchestera = home()
    orchestera.said()
    assert cli.text().startswith(MINE)
    written = parsed(cli.text())
    assert written == parsed(MINE) | parsed(outputs["AwsConfig"])
    assert written["sso-session orchestera"]["sso_start_url"] == outputs["SignInUrl"]


def test_its_profiles_that_switch_are_those_of_the_output_of_the_stack(ann, users, home):
    cli, orchestera = home()
    orchestera.said()
    assert cli.text().startswith(MINE)
    written = parsed(cli.text())
    assert written == parsed(MINE) | parsed(users["AwsConfig"])
    assert "profile mgmt-org-admin" in written and "profile orchestera-production" in written


@BOTH
def test_the_aws_cli_signs_in_by_identity_center_with_what_was_written(management, center, home, version):
    outputs = management.created(**CENTER, **management.development).outputs()
    ids = {MANAGEMENT: management.id, SPARK: outputs["AccountId"], DEVELOPMENT: outputs["DevelopmentAccountId"]}
    roles = {(id_, "AdministratorAccess"): sign_in(management, "carol", id_).credentials for id_ in ids.values()}
    with SignIn(roles) as server:
        cli, orchestera = home(version=version, SSO=server.endpoint, SSO_OIDC=server.endpoint)
        orchestera.said()
        cli.keep_token("orchestera", outputs["SignInUrl"], "us-east-1", "dummy-access-token", moment(hours=1))
        assert {name: cli.identity(name).split(":")[4] for name in ids} == ids
    # And the person's own are read as before.
    assert cli.get("of the team", "output") == "json"
    assert cli.get("last", "role_arn") == "arn:aws:iam::999900001111:role/last"
    assert cli.get("default", "s3.addressing_style") == "path"


@BOTH
def test_the_aws_cli_switches_with_what_was_written(ann, users, home, version):
    cli, orchestera = home(version=version)
    orchestera.said()
    cli.give_keys(MANAGEMENT, ann.credentials)
    for name, output in ((SPARK, "AccountId"), (DEVELOPMENT, "DevelopmentAccountId")):
        assert cli.identity(name).startswith(
            f"arn:aws:sts::{users[output]}:assumed-role/OrganizationAccountAccessRole/"
        )


@BOTH
def test_what_the_aws_cli_adds_to_our_profiles_stays_when_they_are_written_again(ann, users, home, version):
    cli, orchestera = home(version=version)
    orchestera.said()
    names = [MANAGEMENT, SPARK, DEVELOPMENT, "orchestera-production", "mgmt-org-admin"]
    added = {"output": "json", "cli_pager": "none", "max_attempts": "7"}
    for name in names:
        for setting, value in added.items():
            cli.said("configure", "set", setting, value, "--profile", name)
    cli.said("configure", "set", "mfa_serial", "arn:aws:iam::111122223333:mfa/phone", "--profile", "mgmt-org-admin")
    cli.said("configure", "set", "region", "x", "--profile", "later")
    before = parsed(cli.text())
    orchestera.said()
    assert parsed(cli.text()) == before
    assert all(cli.get(name, setting) == value for name in names for setting, value in added.items())
    assert cli.text().startswith(MINE)
    again = cli.text()
    assert "has these profiles already" in orchestera.said()
    assert cli.text() == again


def test_the_session_of_aws_login_stays_when_the_profiles_are_written_again(ann, users, home, management):
    cli, orchestera = home()
    orchestera.said()
    token = ann.client("sts").get_session_token()["Credentials"]
    credentials = {
        "aws_access_key_id": token["AccessKeyId"],
        "aws_secret_access_key": token["SecretAccessKey"],
        "aws_session_token": token["SessionToken"],
    }
    arn = f"arn:aws:iam::{management.id}:user/ann"
    cli.log_in(MANAGEMENT, arn, credentials, moment(minutes=15))
    logged_in = cli.text()
    assert f"login_session = {arn}" in logged_in
    orchestera.said("--profile-region", "us-east-1")
    assert cli.text() == logged_in
    assert cli.identity(MANAGEMENT) == arn


def test_check_says_who_each_profile_is_and_how_to_sign_in(management, center, home):
    outputs = management.created(**CENTER).outputs()
    ids = {MANAGEMENT: management.id, SPARK: outputs["AccountId"]}
    roles = {(id_, "AdministratorAccess"): sign_in(management, "carol", id_).credentials for id_ in ids.values()}
    with SignIn(roles) as server:
        cli, orchestera = home(SSO=server.endpoint, SSO_OIDC=server.endpoint)
        assert "Write them with: orchestera aws-config" in orchestera.refusal("--check")
        orchestera.said()
        keys = [name for name in orchestera.environment if name.startswith(("AWS_ACCESS_KEY", "AWS_SECRET_ACCESS"))]
        for key in keys:
            del orchestera.environment[key]
        done = orchestera.run("--check", "--output", "csv")
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout.count("aws sso login --sso-session orchestera") == 2
        cli.keep_token("orchestera", outputs["SignInUrl"], "us-east-1", "dummy-access-token", moment(hours=1))
        shown = orchestera.said("--check", "--output", "csv")
    for name, id_ in ids.items():
        assert f"{name},ok,{id_},arn:aws:sts::{id_}:assumed-role/AWSReservedSSO_AdministratorAccess_" in shown


def test_check_of_profiles_that_switch_asks_with_the_keys_of_their_source(ann, users, home, management):
    cli, orchestera = home()
    orchestera.said()
    cli.give_keys(MANAGEMENT, ann.credentials)
    # Keys of the environment are somebody else's: the AWS CLI does not use them with --profile either.
    done = orchestera.run("--check", "--output", "csv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{MANAGEMENT},ok,{management.id},arn:aws:iam::{management.id}:user/ann," in done.stdout
    assert f"{SPARK},ok,{users['AccountId']},arn:aws:sts::{users['AccountId']}:assumed-role/" in done.stdout
    assert "mgmt-org-admin,not checked,,," in done.stdout


def test_a_dry_run_prints_what_would_change_and_writes_nothing(ann, users, home, tmp_path):
    cli, orchestera = home()
    difference = orchestera.said("--dry-run")
    assert cli.text() == MINE
    assert [path.name for path in cli.folder.iterdir()] == ["config"]
    # It is a difference that `patch` understands.
    patched = tmp_path / "patched"
    patched.write_text(MINE)
    subprocess.run(["patch", "--quiet", patched], input=difference, text=True, check=True)
    orchestera.said()
    assert patched.read_text() == cli.text()
    assert "has these profiles already" in orchestera.said("--dry-run")


def test_a_name_that_is_taken_is_refused_and_nothing_is_written(ann, users, home):
    mine = f"{MINE}[profile {SPARK}]\nregion = eu-west-1\n"
    cli, orchestera = home(mine)
    line = mine.count("\n") - 1
    assert f"config already has [profile {SPARK}] in line {line}" in orchestera.refusal()
    assert cli.text() == mine
    orchestera.said("--profile-prefix", "acme")
    assert {"acme-management", "acme-spark", "acme-mgmt-org-admin", SPARK} <= set(cli.names())
    assert cli.text().startswith(mine)


def test_bytes_that_are_not_utf8_stay_and_are_reported(ann, users, home):
    cli, orchestera = home()
    mine = MINE.encode() + b"# caf\xe9\n"
    (cli.folder / "config").write_bytes(mine)
    done = orchestera.run()
    assert done.returncode == 1 and f"Line {mine.count(10)} of {cli.folder}/config is not UTF-8" in done.stderr
    written = (cli.folder / "config").read_bytes()
    assert written.startswith(mine) and written.endswith(END.encode())


def test_a_name_that_has_credentials_is_refused_and_nothing_is_written(ann, users, home):
    cli, orchestera = home()
    cli.give_keys(SPARK, ann.credentials)
    assert f"credentials already has [profile {SPARK}] in line 1" in orchestera.refusal()
    assert cli.text() == MINE


def test_without_the_stack_it_says_which_stack_it_looked_for(home, management):
    cli, orchestera = home()
    refused = orchestera.refusal()
    assert "orchestera-organization" in refused and management.id in refused and "us-east-1" in refused
    assert cli.text() == MINE


# Lines of files that the AWS CLI reads, and of files that it refuses.
ODD = [
    "[default]",
    "[profile a]",
    '[profile "b c"]',
    "  [profile d]",
    "[profile e] ; f",
    "[preview]",
    "[DEFAULT]",
    "[]",
]
ODD += ["[profile", "region = x", "region = y", "output: z", "s3 =", "  a = b", "   garbage", "\tc = d", " # e", "; f"]
ODD += ["", "   ", "key", "= g", "h = [i]", "\u00a0j = k", "\x0cl = m", "\ufeff", "é = ü"]


def test_it_refuses_the_files_that_the_aws_cli_cannot_read_and_no_other(ann, users, home):
    generator = random.Random(19)
    cli, orchestera = home()
    path = cli.folder / "config"
    verdicts = []
    for _ in range(150):
        end = generator.choice(["\n", "\n", "\r\n", "\r"])
        text = "".join(generator.choice(ODD) + end for _ in range(generator.randint(1, 7)))
        path.write_bytes(text.encode())
        try:
            botocore.configloader.load_config(str(path))
            is_read = True
        except ConfigParseError:
            is_read = False
        done = orchestera.run("--dry-run")
        assert (done.returncode == 0) == is_read, (text, done.stderr)
        assert is_read or "The AWS CLI cannot read" in done.stderr
        verdicts.append(is_read)
    assert min(verdicts.count(True), verdicts.count(False)) > 20
