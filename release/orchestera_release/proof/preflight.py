"""What is asked before anything is created: whether the proof may run here, and whether the user wants it."""

from botocore.exceptions import BotoCoreError, ClientError

from orchestera_release import product
from orchestera_release.product import Refused
from orchestera_release.proof import access, leftovers
from orchestera_release.proof.caller import code_of
from orchestera_release.proof.leftovers import POLICY, ROLE

COST = "Expected cost: less than 0.01 US dollar, for some invocations of Lambda, two objects in S3 and a short log."
# Of the answer when the account is in no organization.
NO_ORGANIZATION = "AWSOrganizationsNotInUseException"
NO_RIGHT = ("AccessDeniedException", "AccessDenied")
# The words of the list, by the types of the template.
KINDS = {
    "AWS::Lambda::Function": "function",
    "AWS::Logs::LogGroup": "log group",
    "AWS::IAM::Role": "role",
    "AWS::Scheduler::Schedule": "schedule",
}


def check_region(region):
    if region not in product.REGIONS:
        raise Refused(f"The platform serves {', '.join(product.REGIONS)} only, not {region}.")


def check_caller(caller):
    """Raises `Refused` if these credentials must not run the proof. Returns what could not be checked, or None."""
    if caller.arn.endswith(":root"):
        raise Refused(
            "These are the credentials of the root user. AWS advises against their use. Use the role or the user of an "
            "administrator."
        )
    try:
        organization = caller.client("organizations").describe_organization()["Organization"]
    except ClientError as error:
        if code_of(error) == NO_ORGANIZATION:
            return None
        if code_of(error) in NO_RIGHT:
            return "whether this is a management account: the profile may not call organizations:DescribeOrganization"
        raise
    if organization["MasterAccountId"] == caller.account:
        raise Refused(
            f"{caller.account} is the management account of an organization, which no service control policy limits. "
            "Use a member account, or an account without an organization."
        )
    return None


def check_account(caller):
    """Raises `Refused` if anything that the proof creates exists already."""
    found = leftovers.look(caller)
    if names := [str(one) for one in found if one.name in (ROLE, POLICY)]:
        raise Refused(
            f"Account {caller.account} has {', '.join(names)} already. The proof changes nothing that it has "
            "not created. Use another account. If an earlier proof left it, its report has the commands to delete it."
        )
    if found:
        commands = "\n  ".join(command for one in found for command in one.commands)
        raise Refused(
            f"Account {caller.account} has {', '.join(map(str, found))} already. If an earlier proof left that, and no "
            f"other proof is running, delete it:\n  {commands}"
        )


def check_all(caller, check, *arguments):
    """Calls a check. Raises `Refused` in place of AWS's own errors: what cannot be read cannot be proved."""
    try:
        return check(caller, *arguments)
    except ClientError as error:
        raise Refused(
            f"AWS refuses {error.operation_name}: {code_of(error)}. The proof needs an administrator's rights."
        ) from error
    except BotoCoreError as error:
        raise Refused(f"AWS cannot be called: {error}") from error


def announcement(caller, release, bucket):
    """Everything that will be created, and the cost. `bucket` is its name."""
    lines = [
        f"Orchestera Access {release.version}, proved in account {caller.account}, {caller.region}, as {caller.arn}.",
        "The proof creates these, and deletes them at its end:",
        f"  bucket {bucket}, with the function's code and the template",
        f"  stack {leftovers.STACK}, and in it:",
        f"    role {ROLE}, which account {access.platform()} can assume until the proof deletes it",
        f"    policy {POLICY}",
    ]
    lines += [
        f"    {KINDS[type_]} {leftovers.STACK}-{logical_id}-…" for logical_id, type_ in release.resources().items()
    ]
    return "\n".join([*lines, COST])


def is_confirmed(caller):
    """Whether the user types the account id."""
    try:
        typed = input(f"Type the account id {'to go on' if not caller.endpoint else 'to go on (not the real AWS)'}: ")
    except EOFError:
        return False
    return typed.strip() == caller.account
