"""A person who signs in, and what is asked most of a session."""

from orchestera_local import console
from orchestera_local.iam_user import user

PASSWORD, NEXT = "A-dummy-Passw0rd", "Another-dummy-1"
PRESENT = "aws:MultiFactorAuthPresent"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def ann(account):
    """A user with access keys, a password and every right. Returns the account as the access keys see it."""
    with_keys, iam = user(account, "ann"), account.client("iam")
    iam.attach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
    iam.create_login_profile(UserName="ann", Password=PASSWORD)
    return with_keys


def session_token(account, device=None, **others):
    """The account as `GetSessionToken` makes this caller see it."""
    request = {"SerialNumber": device.serial_number, "TokenCode": device.code()} if device else {}
    given = account.client("sts").get_session_token(**request | others)["Credentials"]
    return console.of_credentials(account, given)


def may_list(session):
    try:
        return session.client("s3").list_buckets() and True
    except session.client("s3").exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return False
