"""Who may assume the role, tried."""

from botocore.exceptions import ClientError

from orchestera_release.proof.caller import code_of
from orchestera_release.proof.leftovers import ROLE


def is_allowed(caller, role_account, external_id=None):
    """Whether STS lets this caller assume the role of an account. The session is not used, and ends by itself."""
    arn = f"arn:{caller.partition}:iam::{role_account}:role/{ROLE}"
    given = {"ExternalId": external_id} if external_id else {}
    try:
        caller.client("sts").assume_role(RoleArn=arn, RoleSessionName="orchestera-proof", DurationSeconds=900, **given)
    except ClientError as error:
        if code_of(error) != "AccessDenied":
            raise
        return False
    return True
