"""300 accounts of an organization, most of them of a StackSet, and what every one of them is known to be.

Every account is created by its organization, with the role for the management account. Most get the native template by
a StackSet. Some get the template with the function by another one, which takes some seconds each. The others have no
instance of a StackSet. What differs is done by ordinary calls in the account.
"""

import json

from orchestera_local import guide, publisher
from orchestera_local.aws import REGION
from orchestera_local.organization import Organization
from orchestera_local.stack import Stack, code, template
from orchestera_local.stack_set import StackSet, as_parameters
from orchestera_release import flat, product, templates
from orchestera_release.template_text import text

MANAGEMENT = "111122223333"
ACCESS_ROLE = "OrganizationAccountAccessRole"
OTHER_ROLE = "AWSControlTowerExecution"
OF_THE_SET = "external-id-of-the-set"
NATIVE, ACCESS = "orchestera-native", "orchestera-access"
PLAIN = 268
ALL_AT_ONCE = {"OperationPreferences": {"MaxConcurrentPercentage": 100, "FailureTolerancePercentage": 100}}
COLUMNS = [
    *("account_id", "account_name", "state", "role_arn", "external_id", "guardrail_arn", "edition"),
    *("drifted_fields", "foreign_policies", "stack", "stack_status", "release", "to_do", "failed_call"),
]
UPDATE = (
    "To repair them, update the stack {stack} with a changed parameter, such as MaxSessionDuration, and change it back."
)
OPEN = "The platform's access is suspended. To open it, update the stack with AccessState=Active."
CREATE = "Create the stack in this account, or add the account to the StackSet."
FOREIGN = (
    "The role OrchesteraAccessRole was not created by this product and trusts somebody other than the platform. "
    "Delete it if nobody needs it."
)
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
SERVICE = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def trusting(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class ManyAccounts:
    """Makes them. `rows` is what `orchestera status` has to say of each, by the id; `more_by_instance`, what it says
    instead if the StackSet's instance is known.
    """

    def __init__(self, aws):
        self.aws, self.rows, self.more_by_instance, self.ids = aws, {}, {}, {}
        self.management = aws.account(MANAGEMENT)
        self.management.settings(account_name="Management", account_quota=400)
        self.organization = Organization(self.management)
        self.workloads = self.organization.unit("Workloads")
        self.native_unit = self.organization.unit("Native", self.workloads)
        self.inner_unit = self.organization.unit("Inner", self.native_unit)
        self.access_unit = self.organization.unit("Access", self.workloads)
        self.native, self.access = (StackSet(self.management, name) for name in (NATIVE, ACCESS))
        self.row(MANAGEMENT, "Management", "missing", to_do=CREATE)
        self.of_native_template()
        self.of_function()
        self.others()

    def admin(self):
        """An IAM user of the management account, as a person has one."""
        iam = self.management.client("iam")
        iam.create_user(UserName="ann")
        iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        return iam.create_access_key(UserName="ann")["AccessKey"]

    # -- Accounts

    def account(self, name, unit=None):
        """Its id."""
        create = self.organization.client.create_account
        email = f"{name.replace(' ', '-')}@example.com"
        request = create(AccountName=name, Email=email)["CreateAccountStatus"]["Id"]
        status = self.organization.client.describe_create_account_status(CreateAccountRequestId=request)
        self.ids[name] = account_id = status["CreateAccountStatus"]["AccountId"]
        if unit:
            self.organization.move(self.aws.account(account_id), unit)
        return account_id

    def iam(self, account_id):
        return self.aws.account(account_id).client("iam")

    def row(self, account_id, name, state, **more):
        """What is not given is not known, and does not differ."""
        defaults = dict.fromkeys(COLUMNS) | {
            "drifted_fields": [],
            "foreign_policies": [],
            "to_do": "",
            "failed_call": "",
        }
        role = {} if state in ("missing", "no way in", "stack failed") else {"role_arn": role_arn(account_id)}
        given = {"account_id": account_id, "account_name": name, "state": state} | role | more
        assert set(given) <= set(COLUMNS)
        self.rows[account_id] = defaults | given

    def of_stack(self, account_id, name, state, instances, **more):
        """The row of an account with the stack of an instance."""
        stack = instances[account_id]["StackId"].split("/")[1]
        about = {"stack": stack, "stack_status": "CREATE_COMPLETE", "release": product.VERSION}
        if state not in ("missing",):
            about |= {"edition": "2025-09-29", "external_id": asked_for(self.iam(account_id))}
        more = {key: value.format(stack=stack) if key == "to_do" else value for key, value in more.items()}
        self.row(account_id, name, state, **about | more)

    # -- The native template

    def of_native_template(self):
        plain = [
            self.account(f"Native {number}", self.inner_unit if number % 3 else self.native_unit)
            for number in range(PLAIN)
        ]
        special = {name: self.account(f"Native, {name}", self.native_unit) for name in NATIVE_KINDS}
        role = {"RoleName": guide.ROLE, "AssumeRolePolicyDocument": trusting(SERVICE)}
        self.iam(special["foreign"]).create_role(**role)
        self.native.cloudformation.create_stack_set(
            StackSetName=NATIVE,
            TemplateBody=text(templates.native()),
            PermissionModel="SERVICE_MANAGED",
            AutoDeployment={"Enabled": False},
            Parameters=as_parameters({"ExternalId": OF_THE_SET}),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        targets = {"OrganizationalUnitIds": [self.native_unit], "Accounts": list(special.values())}
        within = [targets | {"AccountFilterType": kind} for kind in ("DIFFERENCE", "INTERSECTION")]
        assert self.native.deploy(DeploymentTargets=within[0], **ALL_AT_ONCE) == "SUCCEEDED"
        for name, (parameters, *_) in NATIVE_KINDS.items():
            target = targets | {"Accounts": [special[name]], "AccountFilterType": "INTERSECTION"}
            given = {"ParameterOverrides": as_parameters(parameters)} if parameters else {}
            self.native.deploy(DeploymentTargets=target, **given, **ALL_AT_ONCE)
        instances = self.native.instances()
        native = {"release": "not stated", "external_id": OF_THE_SET}
        for account_id in plain:
            self.of_stack(account_id, self.name_of(account_id), "ready", instances, **native)
        for name, (_, change, state, more) in NATIVE_KINDS.items():
            account_id = special[name]
            if change:
                change(self.iam(account_id), account_id)
            if name == "foreign":
                self.row(account_id, self.name_of(account_id), state, **more)
            else:
                self.of_stack(account_id, self.name_of(account_id), state, instances, **native | more)
            if state == "missing":
                # The policy of the native template has no tags that would name the stack.
                known = {key: self.rows[account_id][key] for key in ("stack", "stack_status", "release", "to_do")}
                self.more_by_instance[account_id] = known
                self.rows[account_id] |= dict.fromkeys(known) | {"to_do": CREATE}

    def name_of(self, account_id):
        return next(name for name, of in self.ids.items() if of == account_id)

    # -- The template with the function

    def of_function(self):
        ids = {name: self.account(f"Access, {name}", self.access_unit) for name in ACCESS_KINDS}
        publisher.make_buckets(self.aws)
        content = code()
        made = flat.flat(flat.ACCESS, product.BUCKET_PREFIX, content)
        bucket = product.bucket(product.BUCKET_PREFIX, REGION)
        key = made["Resources"][flat.ACCESS.function]["Properties"]["Code"]["S3Key"]
        self.aws.account(publisher.ACCOUNT).client("s3").put_object(Bucket=bucket, Key=key, Body=content)
        self.access.cloudformation.create_stack_set(
            StackSetName=ACCESS,
            TemplateBody=text(made),
            PermissionModel="SERVICE_MANAGED",
            AutoDeployment={"Enabled": False},
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        for name, kind in ACCESS_KINDS.items():
            if kind.get("before"):
                kind["before"](self.aws.account(ids[name]))
        by_parameters = {}
        for name, kind in ACCESS_KINDS.items():
            by_parameters.setdefault(tuple(kind.get("parameters", {}).items()), []).append(ids[name])
        for parameters, accounts in by_parameters.items():
            target = {
                "OrganizationalUnitIds": [self.access_unit],
                "Accounts": accounts,
                "AccountFilterType": "INTERSECTION",
            }
            given = {"ParameterOverrides": as_parameters(dict(parameters))} if parameters else {}
            preferences = {"OperationPreferences": {"MaxConcurrentCount": 12, "FailureTolerancePercentage": 100}}
            self.access.deploy(DeploymentTargets=target, **given, **preferences)
        instances = self.access.instances()
        for name, kind in ACCESS_KINDS.items():
            account_id, more = ids[name], dict(kind.get("row", {}))
            if kind.get("hand"):
                kind["hand"](self.iam(account_id), account_id)
            has_failed = "StatusReason" in instances[account_id]
            if kind["state"] == "stack failed":
                more["to_do"] = CREATE
                failed = {"state": "stack failed", "to_do": failed_instance(instances[account_id])}
                self.more_by_instance[account_id] = failed
            if kind.get("has_boundary"):
                boundary = self.iam(account_id).get_role(RoleName=guide.ROLE)["Role"]["PermissionsBoundary"]
                more["guardrail_arn"] = boundary["PermissionsBoundaryArn"]
                assert ":policy/orchestera-guardrail/" in more["guardrail_arn"]
            if has_failed:
                # Without the StackSet, nobody knows that it tried.
                state = "missing" if kind["state"] == "stack failed" else kind["state"]
                self.row(account_id, self.name_of(account_id), state, **more)
            else:
                self.of_stack(account_id, self.name_of(account_id), kind["state"], instances, **more)

    # -- Without a StackSet

    def others(self):
        member = self.account("Of a stack in the management account")
        stack = Stack(self.management, "one-member")
        outputs = stack.deploy(template(), MemberAccountId=member)
        about = {"stack": stack.name, "stack_status": "CREATE_COMPLETE", "release": product.VERSION}
        about |= {"external_id": outputs["ExternalId"], "edition": "2025-09-29"}
        self.row(member, self.name_of(member), "ready", **about)

        by_hand = self.account("By hand")
        guide.follow(self.aws.account(by_hand))
        to_do = "It works, and was created by hand. You can create the stack, which adopts it."
        self.row(by_hand, "By hand", "ready", edition="2025-09-29", to_do=to_do)

        self.row(self.account("Nothing"), "Nothing", "missing", to_do=CREATE)

        rolled_back = self.account("Rolled back")
        stack = Stack(self.aws.account(rolled_back))
        missing = f"arn:aws:iam::{rolled_back}:policy/Missing"
        assert stack.create(template(), PermissionsBoundaryArn=missing) == "ROLLBACK_COMPLETE"
        reason = stack.cloudformation.describe_stacks(StackName=stack.id)["Stacks"][0].get("StackStatusReason")
        self.row(
            rolled_back,
            "Rolled back",
            "stack failed",
            stack=stack.name,
            stack_status="ROLLBACK_COMPLETE",
            release="0.4.0 or earlier",
            to_do=f"The stack {stack.name} is ROLLBACK_COMPLETE. {reason or 'See its events'}. "
            "Delete it and create it again.".replace("..", "."),
        )

        without_role = self.account("Without a role to assume")
        iam = self.iam(without_role)
        iam.detach_role_policy(RoleName=ACCESS_ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        iam.delete_role(RoleName=ACCESS_ROLE)
        self.row(without_role, self.name_of(without_role), "no way in", **self.unreachable(without_role))

        tower = self.account("Of Control Tower")
        iam = self.iam(tower)
        trust = iam.get_role(RoleName=ACCESS_ROLE)["Role"]["AssumeRolePolicyDocument"]
        iam.create_role(RoleName=OTHER_ROLE, AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(RoleName=OTHER_ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        iam.detach_role_policy(RoleName=ACCESS_ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        iam.delete_role(RoleName=ACCESS_ROLE)
        guide.follow(self.aws.account(tower))
        self.row(tower, self.name_of(tower), "no way in", **self.unreachable(tower))

        denied = self.account("Without iam:GetRole")
        self.deny(denied, "iam:GetRole")
        to_do = "Allow iam:GetRole to that role. See: orchestera permissions status"
        self.row(denied, self.name_of(denied), "no way in", to_do=to_do, failed_call="GetRole: AccessDenied")

        blind = self.account("Without cloudformation:DescribeStacks")
        self.deny(blind, "cloudformation:DescribeStacks")
        self.row(
            blind,
            self.name_of(blind),
            "missing",
            to_do="There is no role, and its stack cannot be read. Allow cloudformation:DescribeStacks to the role "
            "that is assumed.",
            failed_call="DescribeStacks: AccessDenied",
        )

        for state in ("SUSPENDED", "PENDING_ACTIVATION"):
            account_id = self.account(f"It is {state}")
            self.aws.account(account_id).settings(account_state=state)
            self.row(account_id, self.name_of(account_id), "no way in", to_do=of_state(state))
        closed = self.account("It is closed")
        self.organization.client.close_account(AccountId=closed)
        state = self.organization.client.describe_account(AccountId=closed)["Account"]["State"]
        self.row(closed, "It is closed", "no way in", to_do=of_state(state))

    def deny(self, account_id, action):
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
        self.iam(account_id).put_role_policy(RoleName=ACCESS_ROLE, PolicyName="no", PolicyDocument=json.dumps(document))

    def unreachable(self, account_id, roles=ACCESS_ROLE):
        to_do = (
            f"You cannot assume {roles} in account {account_id}. Check the id. If the account has another role for "
            "you, name it with --role. If you have a profile for it, use --profile-pattern."
        )
        return {"to_do": to_do, "failed_call": "AssumeRole: AccessDenied"}


def of_state(state):
    if state == "PENDING_ACTIVATION":
        return "AWS has not activated this account yet. Look again later."
    return f"This account is {state} in the organization. There is nothing to do."


def failed_instance(instance):
    reason = instance["StatusReason"].rstrip(".")
    return f"The StackSet's instance is OUTDATED FAILED. {reason}. Correct that, then retry the operation."


def role_arn(account_id):
    return f"arn:aws:iam::{account_id}:role/{guide.ROLE}"


def policy_arn(account_id):
    return f"arn:aws:iam::{account_id}:policy/{guide.POLICY}"


def asked_for(iam):
    """The external id in the trust policy."""
    statements = iam.get_role(RoleName=guide.ROLE)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    conditions = [statement.get("Condition", {}).get("StringEquals", {}) for statement in statements]
    return next((it["sts:ExternalId"] for it in conditions if "sts:ExternalId" in it), None)


# -- What is done by hand


def detach(iam, account_id):
    iam.detach_role_policy(RoleName=guide.ROLE, PolicyArn=policy_arn(account_id))


def add_policy(iam, _):
    iam.put_role_policy(RoleName=guide.ROLE, PolicyName="theirs", PolicyDocument=json.dumps(DOCUMENT))


def attach_policy(iam, _):
    iam.attach_role_policy(RoleName=guide.ROLE, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


def open_to_others(iam, _):
    trust = iam.get_role(RoleName=guide.ROLE)["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    iam.update_assume_role_policy(RoleName=guide.ROLE, PolicyDocument=json.dumps(trust))


def ask_for_nothing(iam, _):
    iam.update_assume_role_policy(RoleName=guide.ROLE, PolicyDocument=json.dumps(guide.trust()))


def lengthen(iam, _):
    iam.update_role(RoleName=guide.ROLE, MaxSessionDuration=43200)


def bound(iam, _):
    iam.put_role_permissions_boundary(RoleName=guide.ROLE, PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")


def untag(iam, _):
    iam.untag_role(RoleName=guide.ROLE, TagKeys=["orchestera:ownership"])


def rewrite(iam, account_id):
    iam.create_policy_version(PolicyArn=policy_arn(account_id), PolicyDocument=json.dumps(DOCUMENT), SetAsDefault=True)


def delete(iam, account_id):
    for name in iam.list_role_policies(RoleName=guide.ROLE)["PolicyNames"]:
        iam.delete_role_policy(RoleName=guide.ROLE, PolicyName=name)
    detach(iam, account_id)
    iam.delete_role(RoleName=guide.ROLE)


def taken(account):
    account.client("iam").create_role(RoleName=guide.ROLE, AssumeRolePolicyDocument=trusting(SERVICE))


def differs(*fields):
    return {"drifted_fields": list(fields), "to_do": f"These fields differ: {', '.join(fields)}. {UPDATE}"}


def by_others(policy):
    """No update of the stack takes away what others put on the role."""
    to_do = f"Remove by hand the policies that others put on the role: {policy}."
    return {
        "drifted_fields": ["role.foreignPolicies"],
        "foreign_policies": [policy],
        "to_do": f"These fields differ: role.foreignPolicies. {to_do}",
    }


DELETED = {
    "to_do": "The role OrchesteraAccessRole was deleted. Update the stack {stack}, which creates it again.",
    "external_id": None,
}
FOREIGN_ROW = {
    "to_do": FOREIGN,
    "drifted_fields": ["owner", "role.trust", "role.attachment", "policy"],
}
# By name: parameters, what is done by hand, the state, and what differs from a row that is ready.
NATIVE_KINDS = {
    "suspended": ({"AccessState": "Suspended"}, None, "suspended", {"to_do": OPEN}),
    "of 2026": ({"PolicyEdition": "2026-02-06"}, None, "ready", {"edition": "2026-02-06"}),
    "an external id of its own": ({"ExternalId": "of-its-own"}, None, "ready", {"external_id": "of-its-own"}),
    "detached": ({}, detach, "drifted", differs("role.attachment")),
    "open": ({}, open_to_others, "drifted", differs("role.trust")),
    "without its role": ({}, delete, "missing", DELETED),
    "foreign": ({}, None, "foreign", FOREIGN_ROW),
}
ACCESS_KINDS = {
    "one": {"state": "ready"},
    "two": {"state": "ready"},
    "suspended": {"parameters": {"AccessState": "Suspended"}, "state": "suspended", "row": {"to_do": OPEN}},
    "of 2026": {"parameters": {"PolicyEdition": "2026-02-06"}, "state": "ready", "row": {"edition": "2026-02-06"}},
    "with a guardrail": {"parameters": {"Guardrail": "On"}, "has_boundary": True, "state": "ready"},
    "adopted without external id": {
        "before": guide.follow,
        "parameters": {"RequireExternalId": "false"},
        "state": "ready",
        "row": {"external_id": None},
    },
    "adopted": {"before": guide.follow, "state": "ready"},
    "detached": {"hand": detach, "state": "drifted", "row": differs("role.attachment")},
    "with an inline policy": {
        "hand": add_policy,
        "state": "drifted",
        "row": by_others("inline:theirs"),
    },
    "with a managed policy": {
        "hand": attach_policy,
        "state": "drifted",
        "row": by_others("arn:aws:iam::aws:policy/ReadOnlyAccess"),
    },
    "open": {"hand": open_to_others, "state": "drifted", "row": differs("role.trust")},
    "asking for nothing": {"hand": ask_for_nothing, "state": "drifted", "row": differs("role.trust")},
    "with a longer session": {"hand": lengthen, "state": "drifted", "row": differs("role.maxSessionDuration")},
    "bounded": {"hand": bound, "state": "drifted", "row": differs("role.permissionsBoundary")},
    "untagged": {"hand": untag, "state": "drifted", "row": differs("role.tags")},
    "another policy": {"hand": rewrite, "state": "drifted", "row": differs("policy.document") | {"edition": None}},
    "without its role": {"hand": delete, "state": "missing", "row": DELETED},
    "foreign": {"before": taken, "state": "foreign", "row": FOREIGN_ROW},
    "without its boundary": {"parameters": {"PermissionsBoundaryName": "Missing"}, "state": "stack failed"},
}
