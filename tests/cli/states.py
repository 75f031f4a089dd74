"""Accounts in the states in which the commands find them, and callers with one policy."""

import json

from orchestera_local import guide, iam_user
from orchestera_local.stack import Stack, template

ROLE, POLICY, ENTRY = "OrchesteraAccessRole", "OrchesteraAccessPolicy", "OrganizationAccountAccessRole"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
HANDLE = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}


def nothing(account):
    """A new account, with an alias."""
    account.client("iam").create_account_alias(AccountAlias=f"alias-of-{account.id}")


def deployed(account, **parameters):
    """A stack that is complete."""
    nothing(account)
    stack = Stack(account)
    stack.deploy(template(), **parameters)
    return stack


def suspended(account):
    deployed(account).deploy(template(), AccessState="Suspended")


def drifted(account):
    """Somebody added a policy and made it the role's, and changed how long a session lasts."""
    deployed(account)
    iam = account.client("iam")
    policy = iam.create_policy(PolicyName="Theirs", PolicyDocument=json.dumps(EVERYTHING))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy)
    iam.put_role_policy(RoleName=ROLE, PolicyName="inline", PolicyDocument=json.dumps(EVERYTHING))
    iam.update_role(RoleName=ROLE, MaxSessionDuration=7200)


def by_hand(account):
    """Role and policy of the guide, and a policy that can be a boundary."""
    nothing(account)
    guide.follow(account)
    account.client("iam").create_policy(PolicyName="Boundary", PolicyDocument=json.dumps(EVERYTHING))


def with_path(account):
    """A role of the guide, but with a path."""
    nothing(account)
    guide.follow(account, Path="/teams/")


def failed(account):
    """A stack whose creation failed: its role was there, and not the guide's."""
    nothing(account)
    trust = guide.trust(principal=account.id)
    account.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    assert Stack(account).create(template()) == "ROLLBACK_COMPLETE"


def enterable(account, management):
    """Creates what AWS Organizations creates in an account: an administrator, for the management account."""
    iam = account.client("iam")
    trust = guide.trust(principal=f"arn:aws:iam::{management.id}:root")
    iam.create_role(RoleName=ENTRY, AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName=ENTRY, PolicyArn=ADMINISTRATOR)


class User:
    """An IAM user with one policy at a time."""

    def __init__(self, account):
        self.iam, self.id = account.client("iam"), account.id
        self.account = iam_user.user(account, "reader")

    def may(self, document):
        self.iam.put_user_policy(UserName="reader", PolicyName="it", PolicyDocument=json.dumps(document))


class RoleSession:
    """A session of a role with one policy at a time."""

    def __init__(self, account):
        self.iam = account.client("iam")
        opener = User(account)
        opener.may(EVERYTHING)
        trust = guide.trust(principal=account.id)
        role = self.iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=json.dumps(trust))
        self.account = opener.account.assume(role["Role"]["Arn"])

    def may(self, document):
        self.iam.put_role_policy(RoleName="Reader", PolicyName="it", PolicyDocument=json.dumps(document))
