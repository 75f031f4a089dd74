"""What an account may ask that is not the management account of its organization."""

from ministack.core.responses import get_account_id, get_region, request_scope

from . import trusted_access
from .answers import refused
from .membership import management_account_of

# What an account that belongs to no organization may do ...
OPEN_TO_ALL = {"CreateOrganization", "AcceptHandshake"}
# ... and one that only belongs to one. A delegated administrator may also look around:
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_delegated_admin.html
OPEN_TO_MEMBERS = {"DescribeOrganization", "LeaveOrganization"}
READING = ("Describe", "List")


def within(action, handle):
    """For the management account, and as far as others may."""
    if action in OPEN_TO_ALL:
        return handle

    def repaired(payload):
        account = get_account_id()
        management = management_account_of(account)
        if management is None:
            return refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        delegated = trusted_access.is_delegated(management, account)
        if not (account == management or action in OPEN_TO_MEMBERS or (delegated and action.startswith(READING))):
            return refused("AccessDeniedException", "You don't have permissions to access this resource.")
        if action == "LeaveOrganization":
            payload = {"AccountId": account}
        with request_scope(management, get_region()):
            return handle(payload)

    return repaired
