"""An IAM user of an account, with access keys in place of a console."""

from orchestera_local.aws import Account


def user(account, name):
    """Creates the user. Returns the account as this user sees it: without a permission, until somebody gives one."""
    iam = account.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return Account(account.endpoint, account.id, credentials)
