"""How the real AWS CLI reads the profiles that an admin copies into ~/.aws/config, and who it is with each."""

import datetime
import json

import pytest
from aws_cli import AwsCli
from sign_in import TOKEN, SignIn

from orchestera_local import mfa_device
from orchestera_local.aws import Account

START_URL = "https://d-1234567890.awsapps.com/start"
BY_IDENTITY_CENTER = """[sso-session orchestera]
sso_start_url = https://d-1234567890.awsapps.com/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access

[profile orchestera-management]
sso_session = orchestera
sso_account_id = {management}
sso_role_name = AdministratorAccess
region = us-east-1

[profile orchestera-spark]
sso_session = orchestera
sso_account_id = {spark}
sso_role_name = AdministratorAccess
region = us-east-1
"""
BY_SWITCHING = """[profile orchestera-management]
region = us-east-1

[profile orchestera-spark]
role_arn = arn:aws:iam::{spark}:role/OrganizationAccountAccessRole
source_profile = orchestera-management
region = us-east-1
"""
IDS = {"management": "111122223333", "spark": "444455556666"}
MANAGEMENT, SPARK = "orchestera-management", "orchestera-spark"
BOTH = pytest.mark.parametrize("version", [1, 2], ids="version {}".format)


def moment(**later):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(**later)).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_profile(answer):
    """Credentials of an answer, as a profile and an SDK's client call them."""
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


def sessions(aws, accounts, permission_set="AdministratorAccess"):
    """By account and permission set, what IAM Identity Center gives a user who has it assigned in these accounts."""
    found = {}
    for account_id in accounts:
        account = aws.account(account_id)
        principal = {"Effect": "Allow", "Principal": {"AWS": account_id}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [principal]})
        account.client("iam").create_role(RoleName=permission_set, AssumeRolePolicyDocument=trust)
        found[account_id, permission_set] = account.assume(
            f"arn:aws:iam::{account_id}:role/{permission_set}"
        ).credentials
    return found


def identities_by_identity_center(text, home, aws, profile, roles):
    """Who the CLI is with each profile of the text, after one `aws sso login` with the one that is named.

    `roles` is what `sessions` returns.
    """
    with SignIn(roles) as sign_in:
        cli = AwsCli(home, text, aws.endpoint, SSO=sign_in.endpoint, SSO_OIDC=sign_in.endpoint)
        cli.said("sso", "login", "--no-browser", "--use-device-code", "--profile", profile)
        return {name: cli.identity(name) for name in cli.names()}, sign_in.asked


def identities_by_switching(text, home, aws, profile, credentials, version=2):
    """Who the CLI is with the profile that has credentials, and with each that has it as its source."""
    cli = AwsCli(home, text, aws.endpoint, version)
    cli.give_keys(profile, credentials)
    return {name: cli.identity(name) for name in AwsCli(home / "names", text).names()}


@pytest.fixture
def spark(account):
    """The id of a member account that the account created."""
    client = account.client("organizations")
    client.create_organization()
    request = client.create_account(Email=f"spark-{account.id}@config.example.com", AccountName="Spark")
    status = client.describe_create_account_status(CreateAccountRequestId=request["CreateAccountStatus"]["Id"])
    return status["CreateAccountStatus"]["AccountId"]


@pytest.fixture
def ann(account):
    """The keys of a user who may switch into every account."""
    iam = account.client("iam")
    iam.create_user(UserName="ann")
    statement = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:GetSessionToken"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="ann", PolicyName="switch", PolicyDocument=document)
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


@pytest.fixture
def switching(account, spark):
    return BY_SWITCHING.format(management=account.id, spark=spark)


def test_every_profile_by_identity_center_is_read_as_it_is_written(tmp_path):
    of_session = {"sso_session": "orchestera", "sso_role_name": "AdministratorAccess", "region": "us-east-1"}
    assert AwsCli(tmp_path, BY_IDENTITY_CENTER.format(**IDS)).profiles() == {
        MANAGEMENT: of_session | {"sso_account_id": IDS["management"]},
        SPARK: of_session | {"sso_account_id": IDS["spark"]},
    }


def test_every_profile_that_switches_is_read_as_it_is_written(tmp_path):
    role = f"arn:aws:iam::{IDS['spark']}:role/OrganizationAccountAccessRole"
    assert AwsCli(tmp_path, BY_SWITCHING.format(**IDS)).profiles() == {
        MANAGEMENT: {"region": "us-east-1"},
        SPARK: {"region": "us-east-1", "role_arn": role, "source_profile": MANAGEMENT},
    }


@BOTH
def test_before_the_sign_in_and_after_its_end_the_cli_asks_for_one_and_for_nothing_else(tmp_path, version):
    cli = AwsCli(tmp_path, BY_IDENTITY_CENTER.format(**IDS), version=version)
    ask = ("sts", "get-caller-identity", "--profile", SPARK)
    assert "Error loading SSO Token: Token for orchestera does not exist" in cli.refusal(*ask)
    cli.keep_token("orchestera", START_URL, "us-east-1", TOKEN, moment(hours=-1))
    assert "Token has expired and refresh failed" in cli.refusal(*ask)


def test_one_sign_in_opens_every_profile_of_the_session(tmp_path, aws, account, new_account):
    other = new_account()
    text, roles = (
        BY_IDENTITY_CENTER.format(management=account.id, spark=other.id),
        sessions(aws, [account.id, other.id]),
    )
    found, asked = identities_by_identity_center(text, tmp_path, aws, MANAGEMENT, roles)
    assert {name: arn.rpartition("/")[0] for name, arn in found.items()} == {
        MANAGEMENT: f"arn:aws:sts::{account.id}:assumed-role/AdministratorAccess",
        SPARK: f"arn:aws:sts::{other.id}:assumed-role/AdministratorAccess",
    }
    assert asked["/client/register"]["scopes"] == ["sso:account:access"]
    assert asked["/device_authorization"]["startUrl"] == START_URL


@BOTH
def test_a_token_that_is_kept_under_the_name_of_the_session_gives_credentials(tmp_path, aws, account, version):
    text = BY_IDENTITY_CENTER.format(management=account.id, spark=IDS["spark"])
    with SignIn(sessions(aws, [account.id])) as sign_in:
        cli = AwsCli(tmp_path, text, aws.endpoint, version, SSO=sign_in.endpoint)
        cli.keep_token("orchestera", START_URL, "us-east-1", TOKEN, moment(hours=1))
        assert f":{account.id}:assumed-role/AdministratorAccess/" in cli.identity(MANAGEMENT)
        assert sign_in.asked["/federation/credentials"] == {
            "account_id": account.id,
            "role_name": "AdministratorAccess",
        }
        # Not assigned there.
        assert "ForbiddenException" in cli.refusal("sts", "get-caller-identity", "--profile", SPARK)


@BOTH
def test_a_profile_that_switches_is_the_role_in_the_other_account(
    tmp_path, aws, account, switching, spark, ann, version
):
    found = identities_by_switching(switching, tmp_path, aws, MANAGEMENT, ann, version)
    assert found[MANAGEMENT] == f"arn:aws:iam::{account.id}:user/ann"
    assert found[SPARK].rpartition("/")[0] == f"arn:aws:sts::{spark}:assumed-role/OrganizationAccountAccessRole"


def test_what_a_profile_exports_is_what_an_sdk_can_use(tmp_path, aws, switching, spark, ann):
    cli = AwsCli(tmp_path, switching, aws.endpoint)
    cli.give_keys(MANAGEMENT, ann)
    exported = cli.credentials(SPARK)
    assert Account(aws.endpoint, spark, as_profile(exported)).client("iam").list_roles()["Roles"]


@BOTH
def test_a_profile_that_switches_asks_for_its_sources_sign_in_first(tmp_path, version):
    cli = AwsCli(tmp_path, BY_SWITCHING.format(**IDS), version=version)
    told = f'The source profile "{MANAGEMENT}" must have credentials.'
    assert told in cli.refusal("sts", "get-caller-identity", "--profile", SPARK)


def test_aws_login_takes_the_profile_that_says_nothing_of_credentials_and_no_other(tmp_path):
    cli = AwsCli(tmp_path / "a", BY_SWITCHING.format(**IDS))
    begun = cli.run("login", "--remote", "--profile", MANAGEMENT)
    # It goes on to the browser, and waits for the code that is shown there.
    assert "/v1/authorize?" in begun.stdout and "Enter the authorization code" in begun.stdout
    assert "already configured with Assume Role" in cli.refusal("login", "--remote", "--profile", SPARK)
    cli = AwsCli(tmp_path / "b", BY_IDENTITY_CENTER.format(**IDS))
    assert "already configured with SSO" in cli.refusal("login", "--remote", "--profile", MANAGEMENT)


def test_after_aws_login_the_other_profiles_switch_from_its_session(tmp_path, aws, account, switching, spark, ann):
    user = Account(aws.endpoint, account.id, ann).client("sts")
    cli = AwsCli(tmp_path, switching, aws.endpoint)
    arn = f"arn:aws:iam::{account.id}:user/ann"
    cli.log_in(MANAGEMENT, arn, as_profile(user.get_session_token()["Credentials"]), moment(minutes=15))
    # The CLI's own writer adds its line, and leaves the rest.
    added = f"[profile {MANAGEMENT}]\nregion = us-east-1\nlogin_session = {arn}\n"
    assert cli.text() == switching.replace(f"[profile {MANAGEMENT}]\nregion = us-east-1\n", added)
    assert cli.identity(MANAGEMENT) == arn
    assert f":{spark}:assumed-role/OrganizationAccountAccessRole/" in cli.identity(SPARK)


def test_version_1_has_no_aws_login_and_cannot_use_its_session(tmp_path):
    text = BY_SWITCHING.format(**IDS)
    cli = AwsCli(tmp_path, text, version=1)
    assert "Invalid choice" in cli.refusal("login", "--profile", MANAGEMENT)
    cli.said("configure", "set", "login_session", f"arn:aws:iam::{IDS['management']}:user/ann", "--profile", MANAGEMENT)
    assert "Missing Dependency" in cli.refusal("sts", "get-caller-identity", "--profile", SPARK)


@pytest.fixture
def device(account, ann):
    """Ann's, and her MFA is what the CLI asks for."""
    return mfa_device.enroll(account, "ann")


def switch_with_mfa(cli, device, spark):
    """The CLI asks for the code of the device, and the right one leads into the role."""
    ask = ("sts", "get-caller-identity", "--profile", SPARK)
    refused = cli.run(*ask, typed=f"{device.wrong_code()}\n")
    assert "AccessDenied" in refused.stderr and refused.returncode != 0
    done = cli.run(*ask, typed=f"{device.code()}\n")
    assert f"Enter MFA code for {device.serial_number}" in done.stdout + done.stderr
    assert f":{spark}:assumed-role/OrganizationAccountAccessRole/" in done.stdout, done.stderr


@BOTH
def test_mfa_serial_makes_the_cli_ask_for_a_code(tmp_path, aws, switching, spark, ann, device, version):
    cli = AwsCli(tmp_path, f"{switching}mfa_serial = {device.serial_number}\n", aws.endpoint, version)
    cli.give_keys(MANAGEMENT, ann)
    switch_with_mfa(cli, device, spark)


def test_mfa_serial_goes_together_with_the_session_of_aws_login(tmp_path, aws, account, switching, spark, ann, device):
    user = Account(aws.endpoint, account.id, ann).client("sts")
    cli = AwsCli(tmp_path, f"{switching}mfa_serial = {device.serial_number}\n", aws.endpoint)
    session = as_profile(user.get_session_token()["Credentials"])
    cli.log_in(MANAGEMENT, f"arn:aws:iam::{account.id}:user/ann", session, moment(minutes=15))
    switch_with_mfa(cli, device, spark)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("[sso-session orchestera]", "[sso-session other]"), "sso-session does not exist"),
        (("sso_region = us-east-1\n", ""), "sso_region"),
        (("[profile orchestera-spark]", "[orchestera-spark]"), "could not be found"),
        (("[profile orchestera-spark]\n", "[profile orchestera-spark\n"), "Unable to parse config file"),
    ],
)
def test_a_text_that_is_wrong_is_refused_for_what_is_wrong(tmp_path, wrong, told):
    text = BY_IDENTITY_CENTER.format(**IDS).replace(*wrong)
    assert told in AwsCli(tmp_path, text).refusal("sts", "get-caller-identity", "--profile", SPARK)
