"""The optional parts of the stack for the management account, with its function: what each gives, and what stays."""

import json
import os
import re
import subprocess

import pytest
from aws_cli import executable
from management import ACCOUNT_ONLY, Management, reasons, statuses
from test_aws_config import identities_by_identity_center, identities_by_switching

from orchestera_local import console, identity_center, mfa_device, mfa_enforcement
from orchestera_local.aws import REGION
from orchestera_local.run_organization import switch, user
from orchestera_local.setup_scenes import CHOSEN, CONTACT, contact, is_denied
from orchestera_local.stack import ROOT, organization_template

TEMPLATE = organization_template()
SET = "AdministratorAccess"
CENTER = {"SignIn": "IdentityCenter", "IdentityCenterPrincipal": "user:carol"}


class Center:
    """Identity Center of an organization, enabled by hand."""

    def __init__(self, management):
        management.organizations.create_organization()
        management.account.settings(identity_center="organization")
        self.admin = management.account.client("sso-admin")
        self.instance = self.admin.list_instances()["Instances"][0]
        self.store = management.account.client("identitystore")
        self.ids = {name: self.user(name) for name in ("carol", "dan")}

    def user(self, name):
        return self.store.create_user(
            IdentityStoreId=self.instance["IdentityStoreId"],
            UserName=name,
            DisplayName=name,
            Name={"GivenName": name, "FamilyName": "Example"},
        )["UserId"]


@pytest.fixture
def management(aws, account):
    management = Management(aws, account)
    management.development = {"DevelopmentAccountEmail": f"dev-{account.id}@example.com"}
    management.production = {"ProductionAccountEmail": f"production-{account.id}@example.com"}
    return management


@pytest.fixture
def center(management):
    return Center(management)


def sign_in(management, name, account_id):
    return identity_center.sign_in(management.aws, name, account_id, SET)


def test_everything_at_once_and_what_stays_of_it(management, center):
    ann = user(management.account, "ann")
    management.organizations.enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
    stack = management.stack()
    outputs = stack.deploy(
        TEMPLATE,
        AccountEmail=management.email,
        AdminUserNames="ann",
        AccessIn="Spark,Production",
        BillingContact=CONTACT,
        BreakGlassUser="On",
        BootstrapRole="On",
        AccountNamePrefix="acme",
        **CENTER,
        **management.development,
        **management.production,
    )
    names = {account["Id"]: account["Name"] for account in management.members()}
    ids = [outputs[f"{name}AccountId"] for name in ("", "Development", "Production")]
    assert [names[id_] for id_ in ids] == ["Orchestera Sparklith", "acme-dev", "acme-production"]
    created = [event["LogicalResourceId"] for event in stack.events() if event["ResourceStatus"] == "CREATE_COMPLETE"]
    accounts = [name for name in created if name.endswith("Account") and not name.startswith("Grant")]
    assert accounts == ["SparkAccount", "DevelopmentAccount", "ProductionAccount"]
    assert "ProductionRoleArn" in outputs and "DevelopmentRoleArn" not in outputs
    assert outputs["ProductionExternalId"] != outputs["ExternalId"]
    assert all(switch(ann, id_) for id_ in ids)

    everywhere = [management.id, *ids]
    assert all(sign_in(management, "carol", id_) for id_ in everywhere)
    assert not sign_in(management, "dan", management.id)
    assert outputs["SignInUrl"] == f"https://{center.instance['IdentityStoreId']}.awsapps.com/start"
    client = management.account.client("account")
    assert all(contact(client, "BILLING", id_)["Name"] == "Ann Lee" for id_ in [None, *ids])
    for name in ("Organization", "SparkAccount", "DevelopmentAccount", "ProductionAccount"):
        assert "Not checked" not in outputs[f"{name}Warnings"]

    assert stack.delete() == "DELETE_COMPLETE"
    assert {account["Id"]: account["State"] for account in management.members()} == dict.fromkeys(ids, "ACTIVE")
    assert all(switch(ann, id_) for id_ in ids), "the policies stay with the group"
    assert all(sign_in(management, "carol", id_) for id_ in everywhere), "permission set and assignments stay"
    assert management.iam.get_user(UserName="Administrator")
    assert not any(contact(client, "BILLING", id_) for id_ in [None, *ids]), "nobody had changed the contacts"
    with pytest.raises(management.iam.exceptions.NoSuchEntityException):
        management.iam.get_role(RoleName="mgmt-org-admin")
    assert not management.account.client("secretsmanager").list_secrets()["SecretList"]


def first_password(management, stack):
    """As the admin reads it in Secrets Manager."""
    secrets = management.account.client("secretsmanager")
    return secrets.get_secret_value(SecretId=stack.resource("BreakGlassPassword"))["SecretString"]


def commands(heading):
    """The commands of a section of docs/setup.md, in its order."""
    section = (ROOT / "docs/setup.md").read_text().split(f"{heading}\n")[1]
    return re.findall(r"```sh\n(.*?)```", re.split(r"\n#", section)[0], re.DOTALL)


def paste(command, management, **values):
    """Runs it in bash with the AWS CLI, with these values of its variables. Returns what it printed."""
    for name, value in values.items():
        command, count = re.subn(rf"^{name}=.*$", f"{name}={value}", command, flags=re.MULTILINE)
        assert count == 1, (name, command)
    done = subprocess.run(
        ["bash", "-ec", command],
        env={
            "PATH": f"{executable(1).parent}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": management.account.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": management.id,
            "AWS_SECRET_ACCESS_KEY": "dummy",
        },
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_emergency_administrator_can_do_nothing_without_mfa_survives_the_stack_and_is_removed_by_the_commands(
    management,
):
    management.organizations.create_organization()
    stack = management.created(BreakGlassUser="On")
    password = first_password(management, stack)
    assert len(password) == 32
    with pytest.raises(console.SignInRefused, match="PasswordResetRequired"):
        console.sign_in(management.account, "Administrator", password)
    session = console.sign_in_with_new_password(management.account, "Administrator", password, CHOSEN)
    management.account.client("s3").create_bucket(Bucket=f"bucket-of-{management.id}")
    bucket = f"bucket-of-{management.id}"
    management.iam.create_user(UserName="other")
    assert mfa_enforcement.not_refused(session, bucket) == []
    device = mfa_device.create(session, "others")
    codes = {"AuthenticationCode1": device.code(), "AuthenticationCode2": device.code()}
    enable = session.client("iam").enable_mfa_device
    assert is_denied(lambda: enable(UserName="other", SerialNumber=device.serial_number, **codes))
    device = mfa_enforcement.first_steps(session, "Administrator", CHOSEN)
    session = console.sign_in(management.account, "Administrator", CHOSEN, device.code())
    assert mfa_enforcement.refused(session, bucket) == []

    # Neither an update of the stack nor its end changes the user.
    stack.deploy(TEMPLATE, **management.parameters(BreakGlassUser="On", BootstrapRole="On"))
    assert console.sign_in(management.account, "Administrator", CHOSEN, device.code())
    assert stack.delete() == "DELETE_COMPLETE"
    assert console.sign_in(management.account, "Administrator", CHOSEN, device.code())

    key = management.iam.create_access_key(UserName="Administrator")["AccessKey"]["AccessKeyId"]
    look, delete_device, delete_key, delete_user = commands("### To remove the emergency administrator")
    assert paste(look, management) == [device.serial_number, key]
    paste(delete_device, management, DEVICE=device.serial_number)
    paste(delete_key, management, KEY=key)
    paste(delete_user, management)
    assert [one["UserName"] for one in management.iam.list_users()["Users"]] == ["other"]
    # So that another stack can have one.
    assert management.created("second", AccountEmail=management.email, BreakGlassUser="On")


def test_the_bootstrap_administrator_is_for_users_of_the_group_with_mfa(management):
    for name in ("ann", "bob"):
        management.iam.create_user(UserName=name)
        management.iam.create_login_profile(UserName=name, Password=CHOSEN)
    stack = management.created(BootstrapRole="On", AdminGroup="Make", AdminUserNames="ann")
    role = stack.outputs()["BootstrapRoleArn"]
    without = console.sign_in(management.account, "ann", CHOSEN)
    assert is_denied(lambda: without.assume(role))
    key = management.iam.create_access_key(UserName="ann")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    by_keys = type(without)(without.endpoint, without.id, keys)
    assert is_denied(lambda: by_keys.assume(role)), "nor with access keys"
    devices = {name: mfa_device.enroll(management.account, name) for name in ("ann", "bob")}
    sessions = {name: console.sign_in(management.account, name, CHOSEN, one.code()) for name, one in devices.items()}
    assert sessions["ann"].assume(role).client("iam").list_users()["Users"]
    assert is_denied(lambda: sessions["bob"].assume(role))
    # A role of this account cannot either, with whatever rights.
    document = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}], "Version": "2012-10-17"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": management.id}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = management.iam.create_role(RoleName="tool", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    management.iam.put_role_policy(RoleName="tool", PolicyName="all", PolicyDocument=json.dumps(document))
    assert is_denied(lambda: management.account.assume(arn).assume(role))


def test_a_deployer_without_rights_on_the_roles_of_identity_center_fails_before_an_account_is_created(
    management, center
):
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:*", "Resource": "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*"},
        ],
    }
    deployer = user(management.account, "deployer")
    management.iam.put_user_policy(UserName="deployer", PolicyName="it", PolicyDocument=json.dumps(document))
    stack = Management(management.aws, deployer).stack()
    status = stack.create(TEMPLATE, AccountEmail=management.email, **ACCOUNT_ONLY, **CENTER)
    assert status == "ROLLBACK_COMPLETE"
    assert "CREATE_FAILED" in statuses(stack, "ManagementAssignment") and not statuses(stack, "SparkAccount")
    assert not management.members() and not sign_in(management, "carol", management.id)
    assert not center.admin.list_permission_sets(InstanceArn=center.instance["InstanceArn"])["PermissionSets"]


def test_another_principal_takes_the_place_of_the_first_and_going_back_to_users_locks_nobody_out(management, center):
    stack = management.created(**CENTER)
    everywhere = [management.id, stack.outputs()["AccountId"]]
    assert all(sign_in(management, "carol", id_) for id_ in everywhere)
    parameters = management.parameters(**CENTER | {"IdentityCenterPrincipal": "user:dan"})
    stack.deploy(TEMPLATE, **parameters)
    assert all(sign_in(management, "dan", id_) for id_ in everywhere)
    assert not any(sign_in(management, "carol", id_) for id_ in everywhere)
    stack.deploy(TEMPLATE, **management.parameters())
    assert all(sign_in(management, "dan", id_) for id_ in everywhere)


def test_the_aws_cli_reads_the_profiles_by_identity_center(management, center, tmp_path):
    outputs = management.created(**CENTER, **management.development).outputs()
    ids = {
        "orchestera-management": management.id,
        "orchestera-spark": outputs["AccountId"],
        "orchestera-development": outputs["DevelopmentAccountId"],
    }
    roles = {(id_, SET): sign_in(management, "carol", id_).credentials for id_ in ids.values()}
    text = outputs["AwsConfig"]
    found, asked = identities_by_identity_center(text, tmp_path, management.aws, "orchestera-management", roles)
    assert {name: arn.split(":")[4] for name, arn in found.items()} == ids
    assert asked["/device_authorization"]["startUrl"] == outputs["SignInUrl"]


def test_the_aws_cli_reads_the_profiles_that_switch(management, tmp_path):
    ann = user(management.account, "ann")
    outputs = management.created(
        AdminGroup="Make", AdminUserNames="ann", **management.development, **management.production
    ).outputs()
    found = identities_by_switching(
        outputs["AwsConfig"], tmp_path, management.aws, "orchestera-management", ann.credentials
    )
    ids = {name: outputs[f"{name}AccountId"] for name in ("Development", "Production")} | {
        "Spark": outputs["AccountId"]
    }
    role = "assumed-role/OrganizationAccountAccessRole"
    expected = {f"orchestera-{name.lower()}": f"arn:aws:sts::{id_}:{role}" for name, id_ in ids.items()}
    assert {name: arn.rpartition("/")[0] for name, arn in found.items() if name != "orchestera-management"} == expected


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"identity_center": ""}, "no API can do that"),
        ({"identity_center": "account"}, "is an account instance"),
        ({"identity_center": "organization", "identity_center_region": "eu-central-1"}, "is enabled in eu-central-1"),
    ],
)
def test_an_identity_center_that_is_missing_in_the_way_or_elsewhere_is_named_before_anything_is_created(
    management, settings, said
):
    # An account instance is older than the organization.
    management.account.settings(**settings)
    management.organizations.create_organization()
    stack = management.stack()
    assert stack.create(TEMPLATE, **management.parameters(**CENTER)) == "ROLLBACK_COMPLETE"
    assert said in reasons(stack)
    assert "CREATE_FAILED" in statuses(stack, "Organization")
    assert not statuses(stack, "SparkAccount") and not management.members()
