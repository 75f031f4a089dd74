"""`make run-organization`: the whole guide on an embedded AWS, from an account that is in no organization to a verified
role in an account that did not exist before, and then the rest of the setup. Ends with 0 if every claim held.
"""

import sys
import threading
import time

from botocore.exceptions import ClientError

from orchestera_local import orchestera_platform, setup_scenes
from orchestera_local.aws import EmbeddedAws
from orchestera_local.iam_user import user
from orchestera_local.page import Page, end_with_the_terminal
from orchestera_local.stack import Failed, Stack, organization_template
from orchestera_release.command_line import parser

MANAGEMENT = "111122223333"
EMAIL = "spark@example.com"
GUIDE = {"AccountEmail": EMAIL, "AdminUserNames": "ann", "AcceptPaidPlan": "true"}
GROUP = "orchestera-admin-group"
ADMIN, OTHER = "ann", "bob"
# How much faster the clock of this AWS runs. What takes minutes in AWS, in seconds: the creation of an account, until
# it is ACTIVE after that, and from its creation to its role.
FASTER = 20
CREATION, ACTIVATION, ROLE = 100, 40, 240
CAPABILITIES = ("CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


def stack_of(account, name, page):
    return Stack(account, name, on_event=page.event, capabilities=CAPABILITIES)


def switch(user, account_id, role="OrganizationAccountAccessRole"):
    """A session in the member account, as the console's switch opens it. None if it is denied."""
    try:
        return user.assume(f"arn:aws:iam::{account_id}:role/{role}")
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return None


class Waits:
    """Shows what a stack waits for while it is worked on: what its account can see of AWS's own work."""

    def __init__(self, aws, management, page):
        self.aws, self.client, self.page = aws, management.client("organizations"), page
        self.said = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def _follow(self):
        while not self.ended.wait(0.2):
            waits_for = self._look()
            if waits_for and waits_for != self.said:
                self.page.say(f"          waiting for {waits_for}")
            self.said = waits_for

    def _look(self):
        try:
            creations = self.client.list_create_account_status(States=["IN_PROGRESS"])["CreateAccountStatuses"]
            accounts = [one for one in self.client.list_accounts()["Accounts"] if one["Id"] != MANAGEMENT]
        except self.client.exceptions.AWSOrganizationsNotInUseException:
            return None
        if creations:
            return f"the creation of the account {creations[0]['AccountName']!r}"
        for account in accounts:
            if account["State"] != "ACTIVE":
                return f"account {account['Id']}, which is {account['State']}"
            iam = self.aws.account(account["Id"]).client("iam")
            if "OrganizationAccountAccessRole" not in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
                return f"the role OrganizationAccountAccessRole in account {account['Id']}"
        return None

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def accounts(management):
    """By email address, those of the organization."""
    pages = management.client("organizations").get_paginator("list_accounts").paginate()
    return {account["Email"]: account for page in pages for account in page["Accounts"]}


def refused(page, management, name, why, parts, **parameters):
    """A stack that is refused, and leaves nothing."""
    page.scene(why)
    stack = stack_of(management, name, page)
    status = stack.create(organization_template(), **parameters)
    reasons = " ".join(stack.reasons())
    page.claim(f"the stack is rolled back ({status})", status == "ROLLBACK_COMPLETE")
    page.claim("the reason says " + " and ".join(f"'{part}'" for part in parts), all(part in reasons for part in parts))
    stack.delete()


def before_anything(page, management):
    refused(
        page,
        management,
        "first-try",
        "A stack with two mistakes, in an account that is in no organization",
        ["There is no IAM user", "free plan"],
        AccountEmail=EMAIL,
        AdminUserNames="nobody",
    )
    client = management.client("organizations")
    try:
        client.describe_organization()
        exists = True
    except client.exceptions.AWSOrganizationsNotInUseException:
        exists = False
    page.claim("no organization was created", not exists)


def the_whole_guide(page, aws, management, admin):
    page.scene("The whole guide: one email address, one user, and the acknowledgement of a paid plan")
    page.say(
        f"The clock of this AWS runs {FASTER} times faster. The creation takes {CREATION} s of AWS's time, the account "
        f"is ACTIVE {ACTIVATION} s later, and its role appears {ROLE} s after the creation."
    )
    stack = stack_of(management, "orchestera-organization", page)
    with Waits(aws, management, page):
        outputs = stack.deploy(organization_template(), **GUIDE)
    page.say("Outputs, as the admin finds them:")
    for key, value in outputs.items():
        page.say(f"  {key:<22}{value}")

    page.scene("What came out")
    organization = management.client("organizations").describe_organization()["Organization"]
    member = accounts(management)[EMAIL]
    page.claim(f"an organization with all features, {organization['Id']}", organization["FeatureSet"] == "ALL")
    page.claim(f"account {member['Id']} with {EMAIL}", member["Id"] == outputs["AccountId"])
    session = switch(admin, outputs["AccountId"])
    page.claim(f"{ADMIN} switches into it, by the link's role", session is not None)
    page.claim(
        f"and administers it: {ADMIN} creates a bucket there",
        session is not None and bool(session.client("s3").create_bucket(Bucket="made-by-hand")),
    )
    platform = orchestera_platform.caller(aws)
    external_id = outputs["ExternalId"]
    page.claim(
        "the platform assumes the role in the new account with the external ID",
        orchestera_platform.session(platform, outputs["RoleArn"], external_id) is not None,
    )
    page.claim("and not without it", orchestera_platform.session(platform, outputs["RoleArn"]) is None)
    return stack, outputs


def a_second_run(page, management, outputs):
    page.scene("A second stack with the same account: everything is found, and nothing of it is changed")
    before = state(management, outputs["AccountId"])
    stack = stack_of(management, "second-run", page)
    found = stack.deploy(
        organization_template(),
        AccountEmail=EMAIL.upper(),
        AdminGroup="Use",
        AdminUserNames=OTHER,
        AccessIn="None",
    )
    page.claim("it found the same account", found["AccountId"] == outputs["AccountId"])
    page.claim(
        "organization and account are as they were, tags included", state(management, found["AccountId"]) == before
    )
    page.scene("Delete the second stack")
    page.claim("it is gone", stack.delete() == "DELETE_COMPLETE")
    page.claim("organization and account are as they were", state(management, found["AccountId"]) == before)


def state(management, account_id):
    """What somebody would notice of the organization and the account."""
    client = management.client("organizations")
    tags = client.list_tags_for_resource(ResourceId=account_id)["Tags"]
    return (
        client.describe_organization()["Organization"]["Id"],
        {email: (account["Id"], account["Name"], account["State"]) for email, account in accounts(management).items()},
        tags,
        client.list_parents(ChildId=account_id)["Parents"],
    )


def the_rest(page, aws, management, admin, stack, outputs):
    """Each part is an update of the first stack. Returns the setup, and the accounts whose contacts were set."""
    setup = setup_scenes.Setup(page, aws, management, stack, GUIDE)
    # How slow AWS is was shown.
    management.settings(account_creation_seconds=0, account_activation_seconds=0, access_role_seconds=1)
    setup_scenes.everything_is_off(setup, outputs)
    setup_scenes.environments(setup, admin, switch, accounts)
    setup_scenes.sign_in_by_identity_center(setup)
    setup_scenes.an_assignment_that_exists(setup, stack_of, EMAIL)
    setup_scenes.emergency_administrator(setup)
    setup_scenes.bootstrap_administrator(setup, ADMIN)
    return setup, setup_scenes.alternate_contacts(setup)


def the_end(page, management, stack, outputs):
    page.scene("Delete the first stack")
    member = outputs["AccountId"]
    before = accounts(management)
    page.claim("it is gone", stack.delete() == "DELETE_COMPLETE")
    iam = management.client("iam")
    page.claim("every account of the organization is there, and ACTIVE", accounts(management) == before)
    page.claim(
        "the tag that said whose the account is is gone",
        not management.client("organizations").list_tags_for_resource(ResourceId=member)["Tags"],
    )
    group = [user["UserName"] for user in iam.get_group(GroupName=GROUP)["Users"]]
    page.claim(f"the group and its members {', '.join(sorted(group))} are there", sorted(group) == [ADMIN, OTHER])


def main(arguments=None):
    parser("orchestera_local.run_organization", __doc__, "").parse_args(arguments)
    started = time.monotonic()
    page = Page()
    end_with_the_terminal()
    with EmbeddedAws(faster=FASTER) as aws:
        print(
            f"An AWS on loopback, {aws.endpoint}, with signatures and policies enforced. "
            "Nothing leaves this machine; local/README.md says what it does not prove."
        )
        management = aws.account(MANAGEMENT)
        management.settings(
            account_plan="FREE",
            root_mfa=False,
            account_creation_seconds=CREATION / FASTER,
            account_activation_seconds=ACTIVATION / FASTER,
            access_role_seconds=ROLE / FASTER,
        )
        admin, _ = user(management, ADMIN), user(management, OTHER)
        try:
            before_anything(page, management)
            stack, outputs = the_whole_guide(page, aws, management, admin)
            a_second_run(page, management, outputs)
            refused(
                page,
                management,
                "another-name",
                "An account with that email address and another name",
                ["Orchestera Sparklith", "AccountId"],
                AccountEmail=EMAIL,
                AccountName="Another",
                AdminGroup="None",
            )
            setup, members = the_rest(page, aws, management, admin, stack, outputs)
            the_end(page, management, stack, outputs)
            setup_scenes.what_stays(setup, members)
        except Failed as failure:
            page.claim(f"the stack comes up: {failure}", False)
    print(f"\n{time.monotonic() - started:.0f} seconds. The embedded AWS is stopped.")
    return page.end()


if __name__ == "__main__":
    sys.exit(main())
