"""An organization with Identity Center, and how a test gives somebody access: by calls, or by a template."""

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
# Of the permission set, if nobody says another name.
NAME = "Administrators"
HANDLE = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}


class Center:
    """The management account's clients of the instance, and what is asked most of it."""

    def __init__(self, management, kind="organization", region="us-east-1"):
        management.settings(identity_center=kind, identity_center_region=region)
        self.management = management
        self.sso, self.store = management.client("sso-admin", region), management.client("identitystore", region)
        (self.instance,) = self.sso.list_instances()["Instances"]
        self.arn, self.store_id = self.instance["InstanceArn"], self.instance["IdentityStoreId"]

    def user(self, name):
        """The id."""
        full_name = {"GivenName": name, "FamilyName": "Example"}
        request = {"UserName": name, "DisplayName": name, "Name": full_name}
        return self.store.create_user(IdentityStoreId=self.store_id, **request)["UserId"]

    def group(self, name, *users):
        """The id."""
        group = self.store.create_group(IdentityStoreId=self.store_id, DisplayName=name)["GroupId"]
        for user in users:
            self.store.create_group_membership(IdentityStoreId=self.store_id, GroupId=group, MemberId={"UserId": user})
        return group

    def permission_set(self, name=NAME, policies=(ADMINISTRATOR,), **others):
        """The ARN."""
        request = {"InstanceArn": self.arn, "Name": name, **others}
        arn = self.sso.create_permission_set(**request)["PermissionSet"]["PermissionSetArn"]
        for policy in policies:
            self.sso.attach_managed_policy_to_permission_set(**self.of(arn), ManagedPolicyArn=policy)
        return arn

    def of(self, permission_set):
        return {"InstanceArn": self.arn, "PermissionSetArn": permission_set}

    def request(self, account, permission_set, principal, kind="USER"):
        """To create or delete an assignment."""
        target = {"TargetId": account, "TargetType": "AWS_ACCOUNT"}
        return self.of(permission_set) | target | {"PrincipalId": principal, "PrincipalType": kind}

    def assign(self, *request, **named):
        """Returns the id of the request."""
        status = self.sso.create_account_assignment(**self.request(*request, **named))
        return status["AccountAssignmentCreationStatus"]["RequestId"]

    def take(self, *request, **named):
        """Returns the id of the request."""
        status = self.sso.delete_account_assignment(**self.request(*request, **named))
        return status["AccountAssignmentDeletionStatus"]["RequestId"]

    def created(self, request):
        return self.sso.describe_account_assignment_creation_status(
            InstanceArn=self.arn, AccountAssignmentCreationRequestId=request
        )["AccountAssignmentCreationStatus"]

    def deleted(self, request):
        return self.sso.describe_account_assignment_deletion_status(
            InstanceArn=self.arn, AccountAssignmentDeletionRequestId=request
        )["AccountAssignmentDeletionStatus"]

    def assignments(self, account, permission_set):
        """The ids of the principals."""
        pages = self.sso.get_paginator("list_account_assignments").paginate(
            AccountId=account, **self.of(permission_set)
        )
        return [one["PrincipalId"] for page in pages for one in page["AccountAssignments"]]


def reserved_roles(account):
    """The roles of Identity Center in an account, by name."""
    roles = account.client("iam").list_roles(PathPrefix="/aws-reserved/sso.amazonaws.com/")["Roles"]
    return {role["RoleName"]: role for role in roles}


def permission_set(center, **properties):
    defaults = {"InstanceArn": center.arn, "Name": NAME, "ManagedPolicies": [ADMINISTRATOR]}
    return {"Type": "AWS::SSO::PermissionSet", "Properties": defaults | properties}


def assignment(center, account, principal, kind="USER", arn=None, **attributes):
    properties = {
        "InstanceArn": center.arn,
        "PermissionSetArn": arn or {"Fn::GetAtt": ["Set", "PermissionSetArn"]},
        "TargetId": account,
        "TargetType": "AWS_ACCOUNT",
        "PrincipalId": principal,
        "PrincipalType": kind,
    }
    return {"Type": "AWS::SSO::Assignment", "Properties": properties} | attributes


def template(**resources):
    outputs = {name: {"Value": {"Ref": name}} for name in resources if name in ("Set", "One")}
    if "Set" in resources:
        outputs["Arn"] = {"Value": {"Fn::GetAtt": ["Set", "PermissionSetArn"]}}
    return {"Resources": HANDLE | resources, "Outputs": outputs}


def names(center):
    arns = center.sso.list_permission_sets(InstanceArn=center.arn)["PermissionSets"]
    described = [center.sso.describe_permission_set(**center.of(arn))["PermissionSet"] for arn in arns]
    return sorted(one["Name"] for one in described)


def requests(center):
    """A good request for each operation, by service."""
    ann, bob = center.user("ann"), center.user("bob")
    group, arn = center.group("Admins", ann), center.permission_set()
    account = center.management.id
    membership = center.store.list_group_memberships(IdentityStoreId=center.store_id, GroupId=group)
    instance, one = {"InstanceArn": center.arn}, center.of(arn)
    policy = {"ManagedPolicyArn": ADMINISTRATOR}
    assignment = center.request(account, arn, ann)
    by_name = {"AttributePath": "userName", "AttributeValue": "ann"}
    by_display_name = {"AttributePath": "displayName", "AttributeValue": "Admins"}
    sso = {
        "attach_managed_policy_to_permission_set": one | policy,
        "create_account_assignment": assignment,
        "create_permission_set": instance | {"Name": "another"},
        "delete_account_assignment": assignment,
        "delete_inline_policy_from_permission_set": one,
        "delete_permission_set": one,
        "describe_account_assignment_creation_status": instance
        | {"AccountAssignmentCreationRequestId": center.assign(account, arn, ann)},
        "describe_account_assignment_deletion_status": instance
        | {"AccountAssignmentDeletionRequestId": center.take(account, arn, ann)},
        "describe_instance": instance,
        "describe_permission_set": one,
        "describe_permission_set_provisioning_status": instance
        | {"ProvisionPermissionSetRequestId": "00000000-0000-4000-8000-000000000000"},
        "detach_managed_policy_from_permission_set": one | policy,
        "get_inline_policy_for_permission_set": one,
        "list_account_assignments": one | {"AccountId": account},
        "list_account_assignments_for_principal": instance | {"PrincipalId": ann, "PrincipalType": "USER"},
        "list_accounts_for_provisioned_permission_set": one,
        "list_instances": {},
        "list_managed_policies_in_permission_set": one,
        "list_permission_sets": instance,
        "list_permission_sets_provisioned_to_account": instance | {"AccountId": account},
        "provision_permission_set": one | {"TargetType": "AWS_ACCOUNT", "TargetId": account},
        "put_inline_policy_to_permission_set": one | {"InlinePolicy": "{}"},
        "update_permission_set": one,
    }
    store = {
        "create_group": {"DisplayName": "Others"},
        "create_group_membership": {"GroupId": group, "MemberId": {"UserId": bob}},
        "create_user": {"UserName": "eve"},
        "delete_group_membership": {"MembershipId": membership["GroupMemberships"][0]["MembershipId"]},
        "delete_group": {"GroupId": group},
        "delete_user": {"UserId": bob},
        "describe_group": {"GroupId": group},
        "describe_user": {"UserId": ann},
        "get_group_id": {"AlternateIdentifier": {"UniqueAttribute": by_display_name}},
        "get_user_id": {"AlternateIdentifier": {"UniqueAttribute": by_name}},
        "list_group_memberships": {"GroupId": group},
        "list_groups": {},
        "list_users": {},
    }
    return {
        "sso-admin": sso,
        "identitystore": {name: one | {"IdentityStoreId": center.store_id} for name, one in store.items()},
    }
