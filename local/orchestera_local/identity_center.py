"""A user of IAM Identity Center, who signs in to an account."""

import json
import urllib.error
import urllib.request

from orchestera_local.aws import Account

# Seconds.
LONGEST_SIGN_IN = 10


def sign_in(aws, user, account, permission_set):
    """The account as this user sees it with that permission set, or None if the user has no such assignment.

    `aws` is the embedded AWS, or an account of it. The user is named by the user name, the account by its id, the
    permission set by its name. Whoever is a member of a group has the group's assignments.
    """
    request = urllib.request.Request(
        f"{aws.endpoint}/_orchestera/sign-in",
        data=json.dumps({"user": user, "account": account, "permission_set": permission_set}).encode(),
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    try:
        with urllib.request.urlopen(request, timeout=LONGEST_SIGN_IN) as answer:
            given = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 403:
            return None
        raise
    credentials = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    return Account(aws.endpoint, account, credentials)
