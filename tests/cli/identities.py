"""Who runs the command: keys, users, roles, and what the command says of them."""

import json

NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_SESSION_TOKEN": None}
ROOT_KEYS = "[{section}]\naws_access_key_id = {account}\naws_secret_access_key = dummy-secret-key\n"


def keys(account_id, section):
    return ROOT_KEYS.format(section=section, account=account_id)


def who(ran):
    """The first line on standard error, of a command that could answer."""
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stderr.splitlines()[0]


def role(account, name, by, **condition):
    """A role that somebody may assume, with every right. Returns its ARN."""
    statement = {"Effect": "Allow", "Principal": {"AWS": by}, "Action": "sts:AssumeRole"}
    statement |= {"Condition": condition} if condition else {}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    allow(account, "role", name)
    return made["Arn"]


def allow(account, kind, name, action="*"):
    """Every right, or one."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    put = getattr(account.client("iam"), f"put_{kind}_policy")
    put(**{f"{kind.capitalize()}Name": name}, PolicyName="all", PolicyDocument=json.dumps(document))


def ann_arn(account):
    return f"arn:aws:iam::{account.id}:user/ann"
