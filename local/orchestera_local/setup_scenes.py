"""The further scenes of `make run-organization`: each optional part of the stack, off and then on. docs/setup.md has
them for an admin.
"""

import time

from botocore.exceptions import ClientError

from orchestera_local import console, identity_center, mfa_device
from orchestera_local.iam_user import user
from orchestera_local.stack import Failed, organization_template

DEVELOPMENT, PRODUCTION = "dev@example.com", "production@example.com"
BREAK_GLASS, BOOTSTRAP_ROLE = "Administrator", "mgmt-org-admin"
PERMISSION_SET = "AdministratorAccess"
CONTACT = "Ann Lee; Head of Finance; billing@example.com; +1 555 0100"
SOMEBODYS = {"Name": "Bo", "Title": "CISO", "EmailAddress": "bo@example.com", "PhoneNumber": "+1 555 0199"}
# A password that the admin chooses in place of the generated one. A dummy.
CHOSEN = "A-dummy-passw0rd-of-a-demonstration"
# Seconds.
LONGEST_WAIT = 60
KINDS = ("BILLING", "OPERATIONS", "SECURITY")


class Setup:
    """The stack, and the parameters that it has by now."""

    def __init__(self, page, aws, management, stack, parameters):
        self.page, self.aws, self.management, self.stack = page, aws, management, stack
        self.parameters = dict(parameters)

    def update(self, **changes):
        """Updates the stack. Returns its outputs, or raises `Failed`; then the parameters are as before."""
        outputs = self.stack.deploy(organization_template(), **self.parameters | changes)
        self.parameters |= changes
        return outputs

    def refused(self, parts, **changes):
        """An update that is refused, and rolled back."""
        seen = len(self.stack.reasons())
        try:
            self.update(**changes)
            said = ""
        except Failed:
            said = " ".join(self.stack.reasons()[seen:])
        status = self.stack._describe()["StackStatus"]
        self.page.claim(f"the update is rolled back ({status})", status == "UPDATE_ROLLBACK_COMPLETE")
        self.page.claim(f"the reason says {' and '.join(map(repr, parts))}", all(part in said for part in parts))

    def client(self, name):
        return self.management.client(name)


def soon(look):
    """What `look` finds, or None if nothing comes: AWS creates the role in a new account later than the account."""
    ends = time.monotonic() + LONGEST_WAIT
    while not (found := look()) and time.monotonic() < ends:
        time.sleep(0.2)
    return found


def is_denied(call, *codes):
    """Whether a call is refused for a missing right. Other errors are raised."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", *codes):
            return True
        raise
    return False


def contact(client, kind, account=None):
    """The alternate contact of the management account, or of a member account. None if there is none."""
    where = {"AccountId": account} if account else {}
    try:
        return client.get_alternate_contact(AlternateContactType=kind, **where)["AlternateContact"]
    except client.exceptions.ResourceNotFoundException:
        return None


def is_user(iam, name):
    return any(one["UserName"] == name for one in iam.list_users()["Users"])


def is_role(iam, name):
    return any(one["RoleName"] == name for one in iam.list_roles()["Roles"])


def everything_is_off(setup, outputs):
    """What the stack of the scenes before did not create."""
    page, iam = setup.page, setup.client("iam")
    page.scene("The rest of the setup is off until it is asked for")
    page.claim(
        f"no IAM user {BREAK_GLASS}, no role {BOOTSTRAP_ROLE}",
        not is_user(iam, BREAK_GLASS) and not is_role(iam, BOOTSTRAP_ROLE),
    )
    account = setup.client("account")
    page.claim("no alternate contact", not any(contact(account, kind) for kind in KINDS))
    page.claim(
        "no output about any of it", not [name for name in outputs if name.startswith(("Dev", "Prod", "Break", "Boot"))]
    )
    page.say("The output OrganizationWarnings, as of the last event:")
    page.say(f"  {outputs['OrganizationWarnings']}")
    page.claim(
        "it warns about the root user: no MFA",
        "root user of this account has no MFA" in outputs["OrganizationWarnings"],
    )


def environments(setup, admin, switch, accounts):
    """The development account comes up; the one for production fails first, and the next update goes on."""
    page = setup.page
    page.scene("A development and a production account, by an update. AWS fails at the second")
    # The next creation succeeds, the one after it fails.
    setup.management.settings(account_creation_failures=["", "INTERNAL_FAILURE"])
    wanted = {
        "DevelopmentAccountEmail": DEVELOPMENT,
        "ProductionAccountEmail": PRODUCTION,
        "AccessIn": "Spark,Development",
    }
    setup.refused(["INTERNAL_FAILURE"], **wanted)
    left = accounts(setup.management)
    page.claim(f"the account of {DEVELOPMENT} stays", DEVELOPMENT in left and PRODUCTION not in left)

    page.scene("The same update again: it finds the first account and creates the second")
    outputs = setup.update(**wanted)
    found = accounts(setup.management)
    page.claim("it is the same account", outputs["DevelopmentAccountId"] == left[DEVELOPMENT]["Id"])
    page.claim(f"account {outputs['ProductionAccountId']} has {PRODUCTION}", PRODUCTION in found)
    for name in ("Development", "Production"):
        page.claim(
            f"the admin switches into the {name.lower()} account",
            soon(lambda id_=outputs[f"{name}AccountId"]: switch(admin, id_)) is not None,
        )
    page.claim(
        "Spark and Development have a role and an external ID each, Production has none",
        outputs["DevelopmentExternalId"] != outputs["ExternalId"] and "ProductionRoleArn" not in outputs,
    )


def sign_in_by_identity_center(setup):
    page, aws, management = setup.page, setup.aws, setup.management
    page.scene("Sign-in by IAM Identity Center, which nobody has enabled yet")
    wanted = {"SignIn": "IdentityCenter", "IdentityCenterPrincipal": "user:carol"}
    setup.refused(["https://console.aws.amazon.com/singlesignon"], **wanted)

    page.scene("Somebody presses Enable in its console, and creates the user carol")
    management.settings(identity_center="organization")
    instance = setup.client("sso-admin").list_instances()["Instances"][0]
    setup.refused(["carol"], **wanted)
    setup.client("identitystore").create_user(
        IdentityStoreId=instance["IdentityStoreId"],
        UserName="carol",
        DisplayName="Carol",
        Name={"GivenName": "Carol", "FamilyName": "Example"},
    )
    outputs = setup.update(**wanted)
    page.say(f"SignInUrl  {outputs['SignInUrl']}")
    ids = [setup.management.id, *(outputs[f"{name}AccountId"] for name in ("", "Development", "Production"))]
    sessions = [identity_center.sign_in(aws, "carol", account, PERMISSION_SET) for account in ids]
    page.claim(f"carol signs in to all {len(ids)} accounts", all(sessions))
    sets = setup.client("sso-admin").list_permission_sets(InstanceArn=instance["InstanceArn"])["PermissionSets"]
    described = setup.client("sso-admin").describe_permission_set(
        InstanceArn=instance["InstanceArn"], PermissionSetArn=sets[0]
    )["PermissionSet"]
    page.claim("for 12 hours", described["SessionDuration"] == "PT12H")
    page.say("The output AwsConfig, for the file .aws/config:")
    page.say("\n".join(f"  {line}" for line in outputs["AwsConfig"].splitlines()))
    return outputs


def an_assignment_that_exists(setup, stack_of, email):
    page = setup.page
    page.scene("A second stack that would assign carol again")
    stack = stack_of(setup.management, "assigns-again", page)
    status = stack.create(
        organization_template(),
        AccountEmail=email,
        AdminGroup="None",
        AccessIn="None",
        SignIn="IdentityCenter",
        IdentityCenterPrincipal="user:carol",
        PermissionSet="Use",
    )
    reasons = " ".join(stack.reasons())
    page.claim(f"the stack is rolled back ({status})", status == "ROLLBACK_COMPLETE")
    page.claim("the reason names carol and the permission set", "carol" in reasons and PERMISSION_SET in reasons)
    page.claim(
        "carol can still sign in",
        identity_center.sign_in(setup.aws, "carol", setup.management.id, PERMISSION_SET) is not None,
    )
    stack.delete()


def emergency_administrator(setup):
    page, management = setup.page, setup.management
    page.scene(f"The emergency administrator: the IAM user {BREAK_GLASS}")
    outputs = setup.update(BreakGlassUser="On")
    secret = setup.stack.resource("BreakGlassPassword")
    password = setup.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    page.claim("no output has the password, but a link to it", not any(password in value for value in outputs.values()))
    try:
        console.sign_in(management, BREAK_GLASS, password)
        asked = False
    except console.SignInRefused as refusal:
        asked = refusal.code == "PasswordResetRequired"
    page.claim("at the first sign-in the password has to be changed", asked)
    session = console.sign_in_with_new_password(management, BREAK_GLASS, password, CHOSEN)
    denied = [is_denied(call) for call in _calls(session)]
    page.claim(f"without MFA, {sum(denied)} of {len(denied)} calls of an administrator are denied", all(denied))
    device = mfa_device.enroll(session, BREAK_GLASS)
    session = console.sign_in(management, BREAK_GLASS, CHOSEN, device.code())
    allowed = [not is_denied(call) for call in _calls(session)]
    page.claim(f"with MFA, all {len(allowed)} are allowed", all(allowed))


def _calls(session):
    """Some of what only an administrator may do."""
    return [
        lambda: session.client("iam").list_users(),
        lambda: session.client("iam").list_access_keys(UserName=BREAK_GLASS),
        lambda: session.client("organizations").list_accounts(),
        lambda: session.client("s3").list_buckets(),
        lambda: session.client("secretsmanager").list_secrets(),
    ]


def bootstrap_administrator(setup, admin_name, outsider="dave"):
    page, management = setup.page, setup.management
    page.scene(f"The bootstrap administrator: the role {BOOTSTRAP_ROLE}, without access keys")
    outputs = setup.update(BootstrapRole="On")
    iam = setup.client("iam")
    user(management, outsider)
    password = CHOSEN
    for name in (admin_name, outsider):
        iam.create_login_profile(UserName=name, Password=password)
    session = console.sign_in(management, admin_name, password)
    role = outputs["BootstrapRoleArn"]
    page.claim(f"{admin_name} cannot assume it without MFA", is_denied(lambda: session.assume(role)))
    device = mfa_device.enroll(management, admin_name)
    session = console.sign_in(management, admin_name, password, device.code())
    page.claim(f"{admin_name} assumes it with MFA", session.assume(role).client("iam").list_users() is not None)
    device = mfa_device.enroll(management, outsider)
    session = console.sign_in(management, outsider, password, device.code())
    page.claim(f"{outsider}, who is not in the group, cannot", is_denied(lambda: session.assume(role)))


def alternate_contacts(setup):
    page, account = setup.page, setup.client("account")
    page.scene("Alternate contacts, while somebody has set one of them by hand")
    account.put_alternate_contact(AlternateContactType="SECURITY", **SOMEBODYS)
    outputs = setup.update(BillingContact=CONTACT, SecurityContact=CONTACT)
    page.claim(
        "the billing contact is set", (contact(account, "BILLING") or {}).get("EmailAddress") == "billing@example.com"
    )
    page.claim(
        "the security contact is as it was",
        contact(account, "SECURITY") == SOMEBODYS | {"AlternateContactType": "SECURITY"},
    )
    page.say(f"ManagementContactWarnings  {outputs['ManagementContactWarnings']}")
    page.say(f"SparkContactWarnings  {outputs['SparkContactWarnings']}")
    page.claim(
        "without trusted access, those of the member accounts are left out",
        "trusted access" in outputs["SparkContactWarnings"],
    )

    page.scene("Clear them, turn trusted access on, and set them again")
    setup.update(BillingContact="", SecurityContact="")
    page.claim("the billing contact is deleted", contact(account, "BILLING") is None)
    page.claim(
        "the security contact is as it was",
        contact(account, "SECURITY") == SOMEBODYS | {"AlternateContactType": "SECURITY"},
    )
    setup.client("organizations").enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
    outputs = setup.update(BillingContact=CONTACT)
    members = [outputs[f"{name}AccountId"] for name in ("", "Development", "Production")]
    has_contact = [contact(account, "BILLING", member) is not None for member in members]
    page.claim(
        "it is set in the accounts that the stack created, for Spark and production", has_contact[::2] == [True] * 2
    )
    page.say(f"DevelopmentContactWarnings  {outputs['DevelopmentContactWarnings']}")
    page.claim("and not in the development account, which was found", not has_contact[1])
    return members


def what_stays(setup, members):
    """After the stack is gone."""
    page, iam = setup.page, setup.client("iam")
    page.claim(
        f"the user {BREAK_GLASS} is there, with its MFA device",
        bool(iam.list_mfa_devices(UserName=BREAK_GLASS)["MFADevices"]),
    )
    page.claim(f"the role {BOOTSTRAP_ROLE} is gone", not is_role(iam, BOOTSTRAP_ROLE))
    ids = [setup.management.id, *members]
    page.claim(
        "carol can still sign in to every account",
        all(identity_center.sign_in(setup.aws, "carol", account, PERMISSION_SET) for account in ids),
    )
    account = setup.client("account")
    page.claim(
        "the contacts of the stack are gone", not any(contact(account, "BILLING", one) for one in (None, *members))
    )
    page.claim("the contact of somebody else is there", contact(account, "SECURITY") is not None)
