"""The Orchestera platform as the customer's account sees it: somebody in another account who assumes the role."""

import contextlib
import json

from botocore.exceptions import ClientError

from orchestera_local.aws import Account

PLATFORM = "017059471480"
USER = "platform"


def caller(aws, account_id=PLATFORM):
    """A user of that account who may assume any role; a root user may assume none."""
    iam = aws.account(account_id).client("iam")
    # There may be one from before: an account is for all who use this AWS.
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=USER)
    for key in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    iam.put_user_policy(
        UserName=USER,
        PolicyName="AssumeRoles",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
            }
        ),
    )
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    return Account(
        aws.endpoint,
        account_id,
        {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]},
    )


def session(caller, role_arn, external_id=None):
    """A session of the role, or None if STS says AccessDenied."""
    try:
        return caller.assume(role_arn, **({"ExternalId": external_id} if external_id else {}))
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return None
