"""Identity Center, `aws login` and MFA: who has signed in is recognized, and anybody else is told how, once."""

import datetime
import hashlib
import json

import pytest
from forwarding import Forwarding
from identities import NO_KEYS, allow, ann_arn, role, who
from sign_in import TOKEN, SignIn

from orchestera_local import iam_user, mfa_device

START_URL = "https://d-1234567890.awsapps.com/start"
PERMISSION_SET = "AdministratorAccess"
IDENTITY_CENTER = f"""[sso-session orchestera]
sso_start_url = {START_URL}
sso_region = us-east-1
sso_registration_scopes = sso:account:access

[profile spark]
sso_session = orchestera
sso_account_id = {{account}}
sso_role_name = {PERMISSION_SET}
region = us-east-1

[profile old]
sso_start_url = {START_URL}
sso_region = us-east-1
sso_account_id = {{account}}
sso_role_name = {PERMISSION_SET}
"""
LOGIN = "[profile ann]\nlogin_session = arn:aws:iam::{account}:user/ann\nregion = us-east-1\n"
RUN_SSO = (
    "orchestera: The sign-in of profile spark has expired, or there was none. Run: "
    "aws sso login --sso-session orchestera\n"
)


def moment(**later):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(**later)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def keep(home):
    """Writes a file of `~/.aws`."""

    def keep(name, text):
        path = home / ".aws" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text))

    return keep


@pytest.fixture
def keep_token(keep):
    """As `aws sso login` leaves it, under the SHA-1 of the session's name, or of the start URL."""

    def keep_token(expires_at, token=TOKEN, key="orchestera"):
        kept = {"startUrl": START_URL, "region": "us-east-1", "accessToken": token, "expiresAt": expires_at}
        keep(f"sso/cache/{hashlib.sha1(key.encode()).hexdigest()}.json", kept)

    return keep_token


@pytest.fixture
def portal(account, keep):
    """The access portal, with the permission set of the profile."""
    keep("config", IDENTITY_CENTER.format(account=account.id))
    arn = role(account, PERMISSION_SET, account.id)
    with SignIn({(account.id, PERMISSION_SET): account.assume(arn).credentials}) as portal:
        yield portal


@pytest.fixture
def status(orchestera, account, portal):
    """`status` of many accounts with a profile, the portal's answers, and what was asked of AWS."""

    def status(profile, *arguments):
        accounts = ",".join(f"2222222200{number:02}" for number in range(20))
        with Forwarding(account.endpoint) as forwarding:
            there = {"AWS_ENDPOINT_URL": forwarding.endpoint, "AWS_ENDPOINT_URL_SSO": portal.endpoint}
            there |= {"AWS_ENDPOINT_URL_SSO_OIDC": portal.endpoint}
            arguments = ("status", "--accounts", accounts, "--profile", profile, *arguments)
            return orchestera(account, *arguments, **NO_KEYS, **there), forwarding.calls

    return status


@pytest.mark.parametrize("profile, key", [("spark", "orchestera"), ("old", START_URL)])
def test_a_sign_in_of_identity_center_opens_the_profile(status, portal, keep_token, account, profile, key):
    keep_token(moment(hours=1), key=key)
    ran, calls = status(profile)
    said = f"Account {account.id}, arn:aws:sts::{account.id}:assumed-role/{PERMISSION_SET}/"
    assert who(ran).startswith(said)
    assert portal.asked == {"/federation/credentials": {"account_id": account.id, "role_name": PERMISSION_SET}}
    assert len([call for call in calls if call.get("Action") == "AssumeRole"]) == 20


@pytest.mark.parametrize("token", ["none", "expired", "not known any more"])
def test_an_expired_sign_in_gives_the_command_once_before_any_call(status, keep_token, token):
    if token != "none":
        keep_token(moment(hours=-1 if token == "expired" else 1), token="not-this-one")
    ran, calls = status("spark")
    assert (ran.returncode, ran.stdout, ran.stderr, calls) == (2, "", RUN_SSO, [])


def test_a_profile_without_a_session_is_signed_in_by_its_own_name(status, keep_token):
    # The SDK leaves it to the portal to refuse it.
    keep_token(moment(hours=-1), token="not-this-one", key=START_URL)
    ran, calls = status("old")
    said = "orchestera: The sign-in of profile old has expired, or there was none. Run: aws sso login --profile old\n"
    assert (ran.returncode, ran.stderr, calls) == (2, said, [])


def test_an_expired_sign_in_of_the_source_profile_names_its_session(status, keep_token, keep, account):
    text = IDENTITY_CENTER.format(account=account.id)
    arn = f"arn:aws:iam::{account.id}:role/any"
    keep("config", f"{text}\n[profile by-spark]\nrole_arn = {arn}\nsource_profile = spark\n")
    keep_token(moment(hours=-1))
    ran, calls = status("by-spark")
    assert (ran.returncode, ran.stderr, calls) == (2, RUN_SSO.replace("profile spark", "profile by-spark"), [])


def test_a_permission_set_that_is_not_assigned_is_not_called_an_expired_sign_in(status, portal, keep_token, account):
    keep_token(moment(hours=1))
    portal.roles.clear()
    ran, calls = status("spark")
    assert (ran.returncode, calls) == (2, [])
    assert ran.stderr == (
        f"orchestera: IAM Identity Center gives you no credentials of {PERMISSION_SET} in account {account.id} "
        "(ForbiddenException). Correct sso_role_name and sso_account_id of profile spark, or ask for the assignment.\n"
    )


def test_a_portal_that_cannot_be_reached_is_not_called_an_expired_sign_in(status, portal, keep_token):
    keep_token(moment(hours=1))
    portal.endpoint = "http://127.0.0.1:9"
    ran, calls = status("spark")
    assert (ran.returncode, calls) == (2, [])
    assert ran.stderr.startswith("orchestera: AWS could not be reached: ")


def test_a_session_that_aws_has_ended_gives_the_command_that_signs_in(status, portal, keep_token, account):
    keep_token(moment(hours=1))
    ended = {"aws_access_key_id": "ASIAENDED", "aws_secret_access_key": "x", "aws_session_token": "x"}
    portal.roles[account.id, PERMISSION_SET] = ended
    ran, calls = status("spark")
    assert ran.returncode == 2
    assert ran.stderr == (
        "orchestera: Your sign-in has expired (InvalidClientTokenId). Run: aws sso login --sso-session orchestera\n"
    )
    assert [call["Action"] for call in calls] == ["GetCallerIdentity"]


@pytest.fixture
def log_in(account, keep):
    """As `aws login` leaves it. https://docs.aws.amazon.com/sdkref/latest/guide/feature-login-credentials.html"""

    def log_in(expires_at):
        keep("config", LOGIN.format(account=account.id))
        ann = iam_user.user(account, "ann")
        allow(account, "user", "ann")
        device = mfa_device.enroll(account, "ann")
        code = {"SerialNumber": device.serial_number, "TokenCode": device.code()}
        session = ann.client("sts").get_session_token(**code)["Credentials"]
        token = {
            "accessKeyId": session["AccessKeyId"],
            "secretAccessKey": session["SecretAccessKey"],
            "sessionToken": session["SessionToken"],
            "accountId": account.id,
            "expiresAt": expires_at,
        }
        name = hashlib.sha256(ann_arn(account).encode()).hexdigest()
        dummies = dict.fromkeys(("clientId", "refreshToken", "dpopKey"), "dummy")
        keep(f"login/cache/{name}.json", {"accessToken": token} | dummies)

    return log_in


def test_aws_login_opens_the_profile(orchestera, account, log_in):
    log_in(moment(hours=1))
    said = who(orchestera(account, "verify", "--profile", "ann", **NO_KEYS))
    assert said == f"Account {account.id}, {ann_arn(account)}"


@pytest.mark.parametrize("token", ["none", "expired"])
def test_aws_login_that_has_expired_gives_the_command_once_before_any_call(orchestera, account, log_in, keep, token):
    if token == "none":
        keep("config", LOGIN.format(account=account.id))
    else:
        log_in(moment(hours=-1))
    with Forwarding(account.endpoint) as forwarding:
        there = {"AWS_ENDPOINT_URL": forwarding.endpoint, "AWS_ENDPOINT_URL_SIGNIN": forwarding.endpoint}
        ran = orchestera(account, "status", "--profile", "ann", **NO_KEYS, **there)
    assert ran.returncode == 2
    assert ran.stderr == (
        "orchestera: The sign-in of profile ann has expired, or there was none. Run: aws login --profile ann\n"
    )
    assert [call for call in forwarding.calls if call.get("Action")] == []


@pytest.fixture
def ann(account):
    """A user with an MFA device."""
    ann = iam_user.user(account, "ann")
    allow(account, "user", "ann")
    return ann


@pytest.fixture
def device(account, ann):
    return mfa_device.enroll(account, "ann")


MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_a_code_is_asked_on_the_terminal_and_gives_a_session_with_mfa(at_terminal, account, ann, device):
    denied = {"Effect": "Deny", "Action": "iam:GetRole", "Resource": "*"}
    denied["Condition"] = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    account.client("iam").put_user_policy(UserName="ann", PolicyName="mfa", PolicyDocument=document)
    with at_terminal(ann, "verify") as terminal:
        assert terminal.end() == 2
        assert "The role cannot be read (GetRole: AccessDenied)" in terminal.shown()
    code = device.code()
    with at_terminal(ann, "verify", "--debug", "--mfa-serial", device.serial_number) as terminal:
        terminal.until(f"Code of the MFA device {device.serial_number}: ")
        terminal.type(f"{code}\r")
        assert terminal.end() == 1
        shown = terminal.shown()
    assert f"Account {account.id}, {ann_arn(account)}\n" in shown and ": missing" in shown
    # The terminal shows what is typed. The command does not repeat it.
    assert shown.count(code) <= 1


def test_a_profile_with_a_role_and_a_device_asks_once_and_assumes_the_role(at_terminal, account, ann, device, keep):
    arn = role(account, "audit", ann_arn(account), **MFA)
    text = "[profile ann]\n" + "".join(f"{name} = {value}\n" for name, value in ann.credentials.items())
    text += f"[profile audit]\nrole_arn = {arn}\nsource_profile = ann\nrole_session_name = by-ann\n"
    keep("config", text + f"mfa_serial = {device.serial_number}\n")
    said = f"Account {account.id}, arn:aws:sts::{account.id}:assumed-role/audit/by-ann"
    with at_terminal(account, "verify", "--profile", "audit", **NO_KEYS) as terminal:
        terminal.until("Code of the MFA device")
        terminal.type(f"{device.code()}\r")
        assert terminal.end() == 1
        assert said in terminal.shown() and terminal.shown().count("Code of the MFA device") == 1
    # The device of the option is for the role too.
    keep("config", text)
    option = ("--mfa-serial", device.serial_number)
    with at_terminal(account, "verify", "--profile", "audit", *option, **NO_KEYS) as terminal:
        terminal.until("Code of the MFA device")
        terminal.type(f"{device.code()}\r")
        assert terminal.end() == 1
        assert said in terminal.shown()


@pytest.mark.parametrize(
    "typed, said",
    [
        ("12345", "An MFA code has six digits. Run the command again, with the code that the device shows now."),
        ("{wrong}", "STS did not accept the MFA code (AccessDenied). Wait for the next code, and check the ARN of the"),
    ],
)
def test_a_code_that_is_wrong_is_said_so(at_terminal, ann, device, typed, said):
    with at_terminal(ann, "verify", "--mfa-serial", device.serial_number) as terminal:
        terminal.until("Code of the MFA device")
        terminal.type(typed.format(wrong=device.wrong_code()) + "\r")
        assert terminal.end() == 2
        assert f"orchestera: {said}" in terminal.shown()


@pytest.mark.parametrize("command", ["verify", "status"])
def test_ctrl_c_ends_the_command_while_it_waits_for_a_code(at_terminal, ann, device, command):
    for _ in range(3):
        with at_terminal(ann, command, "--mfa-serial", device.serial_number) as terminal:
            terminal.until("Code of the MFA device")
            terminal.interrupt()
            assert terminal.end() == 130


def test_without_a_terminal_it_says_where_a_code_can_be_typed(orchestera, ann, device):
    ran = orchestera(ann, "verify", "--mfa-serial", device.serial_number)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        f"orchestera: The MFA device {device.serial_number} needs a code, and there is no terminal to ask for it. "
        'Run the command on a terminal, or give it a session: eval "$(aws configure export-credentials --format env)"\n'
    )
