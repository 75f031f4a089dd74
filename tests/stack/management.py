"""A management account under test: stacks of organization.yaml in it, and what Organizations shows of it."""

import time

from orchestera_local.run_organization import CAPABILITIES, accounts
from orchestera_local.stack import Stack, organization_template

TAG = "orchestera:stack-id"
# Neither a group nor role and policy in the member account, where a test is about the account alone.
ACCOUNT_ONLY = {"AdminGroup": "None", "AccessIn": "None"}
# Of alternate contacts, as the parameters and logical ids name them.
KINDS = ("Billing", "Operations", "Security")
# Of the account's own people, as a parameter has it.
CONTACT = "Ann Lee; Head of Finance; billing@example.com; +1 555 0100"
# Seconds of the machine's: for what comes soon on a machine that is busy.
SOON = 60


class Management:
    """The account, and an email address that no account has yet."""

    def __init__(self, aws, account):
        self.aws, self.account, self.id = aws, account, account.id
        self.email = f"spark-{account.id}@example.com"
        self.organizations, self.iam = account.client("organizations"), account.client("iam")

    def stack(self, name="orchestera-organization"):
        return Stack(self.account, name, capabilities=CAPABILITIES)

    def parameters(self, **others):
        """Those of a stack that creates an account and nothing else, unless `others` say so."""
        return {"AccountEmail": self.email} | ACCOUNT_ONLY | others

    def created(self, name="orchestera-organization", **parameters):
        """A stack that is complete."""
        stack = self.stack(name)
        stack.deploy(organization_template(), **self.parameters(**parameters))
        return stack

    def begin(self, name="orchestera-organization", **parameters):
        """A stack whose creation has begun, and has come to the account."""
        stack = self.stack(name)
        request = stack._request(organization_template(), self.parameters(**parameters))
        stack.id = stack.cloudformation.create_stack(**request)["StackId"]
        until(lambda: "CREATE_IN_PROGRESS" in statuses(stack, "SparkAccount"))
        return stack

    def accounts(self):
        """By email address."""
        return accounts(self.account)

    def members(self):
        """The accounts beside this one."""
        return [one for one in self.accounts().values() if one["Id"] != self.id]

    def creations(self):
        """Every CreateAccount that was accepted."""
        pages = self.organizations.get_paginator("list_create_account_status").paginate()
        return [one for page in pages for one in page["CreateAccountStatuses"]]

    def trust_account_management(self):
        """Lets contacts of member accounts be set from here. There has to be an organization."""
        self.organizations.enable_aws_service_access(ServicePrincipal="account.amazonaws.com")

    def contact(self, kind, account_id=None):
        """The email address of the contact; None if there is none."""
        client = self.aws.account(account_id or self.id).client("account")
        try:
            return client.get_alternate_contact(AlternateContactType=kind)["AlternateContact"]["EmailAddress"]
        except client.exceptions.ResourceNotFoundException:
            return None

    def tags(self, account_id):
        pages = self.organizations.get_paginator("list_tags_for_resource").paginate(ResourceId=account_id)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def statuses(stack, logical_id):
    """Of a resource, the oldest first."""
    return [event["ResourceStatus"] for event in stack.events() if event["LogicalResourceId"] == logical_id]


def reasons(stack):
    return " ".join(stack.reasons())


def until(condition, seconds=SOON):
    """Waits, and returns what became true."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, "it does not come"
        time.sleep(0.05)
    return found


def only(template, *logical_ids):
    """The template with these resources, and with the function's own, the policies of its role included."""
    kept = {
        name: resource
        for name, resource in template["Resources"].items()
        if name in logical_ids or name.startswith("OrganizationFunction") or name.endswith("ContactPolicy")
    }
    needed = {"OrganizationWarnings": "Organization", "SparkContactWarnings": "SparkBillingContact"}
    outputs = {name: template["Outputs"][name] for name, of in needed.items() if of in logical_ids}
    return {**template, "Resources": kept, "Outputs": outputs}
