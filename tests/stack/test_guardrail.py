"""The boundary that the stack creates, enforced: what the platform can no longer do, and what it still can.

test_guardrail_document.py has its text: against the service authorization reference, and in IAM's policy simulator.
"""

import json

import pytest
from under_test import NOTHING, POLICY, ROLE, failing_afterwards, left

from orchestera_local import orchestera_platform, permissions
from orchestera_local.stack import ACCESS, FUNCTION, Stack

EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
NARROW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
)
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
FOREIGN = ["Theirs", "Narrow", "Admin"]
# The platform's own provider would be that of a cluster; the customer's own lets their pipelines in.
OF_A_CLUSTER = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
OF_GITHUB = "token.actions.githubusercontent.com"
OF_SOMEBODY = "oidc.eks.example.com/x.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
# By this tag, with the boundary's ARN as its value, the platform may tag a role that it created with it.
TAG = "orchestera:guardrail"


def trust(principal):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


FOR_EC2 = trust({"Service": "ec2.amazonaws.com"})


class Guarded:
    """A guarded stack with the wider edition, and a session of the platform."""

    def __init__(self, aws, account, stack, template):
        self.aws, self.account, self.stack = aws, account, stack
        # What was in the account before: a role and a policy of the customer's own.
        iam = account.client("iam")
        iam.create_role(RoleName="Theirs", AssumeRolePolicyDocument=FOR_EC2)
        self.theirs = iam.create_policy(PolicyName="Theirs", PolicyDocument=EVERYTHING)["Policy"]["Arn"]
        # One that they limit more than the guardrail would, and an administrator that nothing limits.
        self.narrow = iam.create_policy(PolicyName="Narrow", PolicyDocument=NARROW)["Policy"]["Arn"]
        iam.create_role(RoleName="Narrow", AssumeRolePolicyDocument=FOR_EC2, PermissionsBoundary=self.narrow)
        iam.create_role(RoleName="Admin", AssumeRolePolicyDocument=FOR_EC2)
        iam.attach_role_policy(RoleName="Admin", PolicyArn=ADMINISTRATOR)
        self.outputs = stack.deploy(template, Guardrail="On", PolicyEdition="2026-02-06")
        self.boundary = self.outputs["GuardrailArn"]
        platform = orchestera_platform.caller(aws)
        self.session = orchestera_platform.session(platform, self.outputs["RoleArn"], self.outputs["ExternalId"])
        self.iam = self.session.client("iam")

    def document(self):
        iam = self.account.client("iam")
        return iam.get_policy_version(PolicyArn=self.boundary, VersionId="v1")["PolicyVersion"]["Document"]

    def made_by_the_platform(self, name="Made", **request):
        self.iam.create_role(RoleName=name, PermissionsBoundary=self.boundary, **request)


@pytest.fixture
def guarded(aws, account, stack, template):
    return Guarded(aws, account, stack, template)


def is_denied(call, **request):
    return not permissions.is_allowed(call, **request)


def test_the_grant_cannot_be_changed_by_the_one_who_holds_it(guarded, access):
    role, policy = {"RoleName": ROLE}, {"PolicyArn": access.policy_arn}
    tags, keys = [{"Key": "orchestera:stack-id", "Value": "x"}], ["orchestera:stack-id"]
    iam, boundary = guarded.iam, {"PolicyArn": guarded.boundary}
    before = access.all()
    for call, request in [
        (iam.update_assume_role_policy, role | {"PolicyDocument": FOR_EC2}),
        (iam.put_role_policy, role | {"PolicyName": "mine", "PolicyDocument": EVERYTHING}),
        (iam.delete_role_policy, role | {"PolicyName": "OrchesteraSuspended"}),
        (iam.attach_role_policy, role | {"PolicyArn": ADMINISTRATOR}),
        (iam.detach_role_policy, role | policy),
        (iam.update_role, role | {"MaxSessionDuration": 43200}),
        (iam.tag_role, role | {"Tags": tags}),
        (iam.untag_role, role | {"TagKeys": keys}),
        (iam.delete_role_permissions_boundary, role),
        (iam.put_role_permissions_boundary, role | {"PermissionsBoundary": ADMINISTRATOR}),
        (iam.put_role_permissions_boundary, role | {"PermissionsBoundary": guarded.boundary}),
        (iam.update_role_description, role | {"Description": "it"}),
        (iam.delete_role, role),
        (iam.create_policy_version, policy | {"PolicyDocument": EVERYTHING}),
        (iam.tag_policy, policy | {"Tags": tags}),
        (iam.untag_policy, policy | {"TagKeys": keys}),
        (iam.delete_policy, policy),
        (iam.create_policy_version, boundary | {"PolicyDocument": EVERYTHING, "SetAsDefault": True}),
        (iam.set_default_policy_version, boundary | {"VersionId": "v1"}),
        (iam.tag_policy, boundary | {"Tags": tags}),
        (iam.delete_policy, boundary),
    ]:
        assert is_denied(call, **request), (call, request)
    assert access.all() == before
    iam.get_role(**role), iam.get_policy(**policy), iam.get_policy(**boundary)


def test_the_stack_and_its_function_cannot_be_changed(guarded, stack):
    cloudformation, functions = guarded.session.client("cloudformation"), guarded.session.client("lambda")
    assert is_denied(cloudformation.delete_stack, StackName=stack.id)
    assert is_denied(cloudformation.update_stack, StackName=stack.id, UsePreviousTemplate=True)
    assert is_denied(functions.invoke, FunctionName=stack.resource(FUNCTION), Payload=b"{}")
    assert is_denied(functions.update_function_code, FunctionName=stack.resource(FUNCTION), ZipFile=b"")
    function_role = {"RoleName": stack.resource("FunctionRole")}
    assert is_denied(guarded.iam.attach_role_policy, **function_role, PolicyArn=ADMINISTRATOR)
    assert is_denied(guarded.iam.tag_role, **function_role, Tags=[{"Key": "a", "Value": "b"}])
    cloudformation.describe_stacks(StackName=stack.id)
    assert stack.resource(ACCESS)


def test_roles_are_made_and_changed_under_the_boundary_only(guarded):
    iam, made = guarded.iam, {"RoleName": "Made"}
    for boundary in ({}, {"PermissionsBoundary": guarded.theirs}):
        assert is_denied(iam.create_role, RoleName="Free", AssumeRolePolicyDocument=FOR_EC2, **boundary)
    guarded.made_by_the_platform(AssumeRolePolicyDocument=FOR_EC2)
    for call, request in [
        (iam.attach_role_policy, {"PolicyArn": guarded.theirs}),
        (iam.put_role_policy, {"PolicyName": "it", "PolicyDocument": EVERYTHING}),
        (iam.delete_role_policy, {"PolicyName": "it"}),
        (iam.detach_role_policy, {"PolicyArn": guarded.theirs}),
        (iam.update_role, {"MaxSessionDuration": 7200}),
        (iam.update_role_description, {"Description": "it"}),
        (iam.delete_role, {}),
    ]:
        for foreign in FOREIGN:
            assert is_denied(call, RoleName=foreign, **request), (call, foreign)
        call(**made, **request)


@pytest.mark.parametrize("role", [*FOREIGN, "Made"])
def test_no_role_gets_another_boundary_or_trust(guarded, role):
    iam, role = guarded.iam, {"RoleName": role}
    guarded.made_by_the_platform(AssumeRolePolicyDocument=FOR_EC2)
    # Not even the guardrail itself: it can be wider than a boundary of the customer's own, and it opens the role.
    for boundary in (guarded.boundary, guarded.theirs, ADMINISTRATOR):
        assert is_denied(iam.put_role_permissions_boundary, **role, PermissionsBoundary=boundary)
    assert is_denied(iam.delete_role_permissions_boundary, **role)
    assert is_denied(iam.update_assume_role_policy, **role, PolicyDocument=trust({"AWS": "999988887777"}))


def test_a_role_is_brought_in_when_somebody_else_sets_the_boundary(guarded, account):
    attach = {"RoleName": "Theirs", "PolicyArn": guarded.theirs}
    assert is_denied(guarded.iam.attach_role_policy, **attach)
    account.client("iam").put_role_permissions_boundary(RoleName="Theirs", PermissionsBoundary=guarded.boundary)
    guarded.iam.attach_role_policy(**attach)


def test_a_role_is_tagged_only_if_it_was_created_with_the_tag_of_the_guardrail(guarded, account):
    iam = guarded.iam
    mark, more = {"Key": TAG, "Value": guarded.boundary}, {"Key": "team", "Value": "data"}
    account.client("iam").tag_role(RoleName="Admin", Tags=[{"Key": TAG, "Value": "another"}])
    for foreign in FOREIGN:
        for tags in ([mark], [more], [mark, more]):
            assert is_denied(iam.tag_role, RoleName=foreign, Tags=tags), (foreign, tags)
        assert is_denied(iam.untag_role, RoleName=foreign, TagKeys=["team"])
    request = {"AssumeRolePolicyDocument": FOR_EC2, "PermissionsBoundary": guarded.boundary}
    iam.create_role(RoleName="Tagged", Tags=[mark, more], **request)
    iam.tag_role(RoleName="Tagged", Tags=[{"Key": "owner", "Value": "me"}])
    iam.untag_role(RoleName="Tagged", TagKeys=["team"])
    # Without it a role can be created all the same.
    iam.create_role(RoleName="Free", **request)
    assert is_denied(iam.tag_role, RoleName="Free", Tags=[mark])


def test_no_policy_gets_another_text(guarded):
    iam = guarded.iam
    own = iam.create_policy(PolicyName="own", PolicyDocument=NARROW)["Policy"]["Arn"]
    for policy in ({"PolicyArn": own}, {"PolicyArn": guarded.theirs}):
        assert is_denied(iam.create_policy_version, **policy, PolicyDocument=EVERYTHING)
        assert is_denied(iam.set_default_policy_version, **policy, VersionId="v1")
        assert is_denied(iam.delete_policy_version, **policy, VersionId="v1")


def changes_of_identity_providers(iam, host, account):
    """Each call that changes the identity provider, with its request."""
    arn = {"OpenIDConnectProviderArn": f"arn:aws:iam::{account.id}:oidc-provider/{host}"}
    create = {"Url": f"https://{host}", "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["0" * 40]}
    tags = {"Tags": [{"Key": "team", "Value": "data"}]}
    return [
        (iam.create_open_id_connect_provider, create | tags),
        (iam.tag_open_id_connect_provider, arn | tags),
        (iam.untag_open_id_connect_provider, arn | {"TagKeys": ["team"]}),
        (iam.add_client_id_to_open_id_connect_provider, arn | {"ClientID": "it"}),
        (iam.remove_client_id_from_open_id_connect_provider, arn | {"ClientID": "it"}),
        (iam.update_open_id_connect_provider_thumbprint, arn | {"ThumbprintList": ["1" * 40]}),
        (iam.delete_open_id_connect_provider, arn),
    ]


def test_of_the_identity_providers_only_those_of_eks_are_changed(guarded, account):
    theirs = account.client("iam").create_open_id_connect_provider(
        Url=f"https://{OF_GITHUB}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    for host in (
        OF_GITHUB,
        f"{OF_GITHUB}/{OF_A_CLUSTER}",
        OF_SOMEBODY,
        "oidc.eks.us-east-1.amazonaws.com.example.com/id/0",
    ):
        for call, request in changes_of_identity_providers(guarded.iam, host, account):
            assert is_denied(call, **request), (call, host)
    assert account.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=theirs)
    for call, request in changes_of_identity_providers(guarded.iam, OF_A_CLUSTER, account):
        assert permissions.is_allowed(call, **request), call


def test_whose_policies_and_instance_profiles_they_are_makes_no_difference(guarded, account):
    """What docs/security.md says that the guardrail leaves open."""
    iam, tags = guarded.iam, [{"Key": "team", "Value": "data"}]
    account.client("iam").create_instance_profile(InstanceProfileName="Theirs")
    iam.tag_instance_profile(InstanceProfileName="Theirs", Tags=tags)
    iam.delete_instance_profile(InstanceProfileName="Theirs")
    iam.tag_policy(PolicyArn=guarded.theirs, Tags=tags)
    iam.untag_policy(PolicyArn=guarded.theirs, TagKeys=["team"])
    iam.delete_policy(PolicyArn=guarded.theirs)


def test_service_linked_roles_are_those_of_a_cluster(guarded):
    create = guarded.iam.create_service_linked_role
    for service in (
        *("autoscaling", "ec2fleet", "eks", "eks-fargate", "eks-nodegroup", "elasticloadbalancing", "spot"),
        "spotfleet",
    ):
        create(AWSServiceName=f"{service}.amazonaws.com")
    for service in ("organizations", "sso", "ssm", "guardduty"):
        assert is_denied(create, AWSServiceName=f"{service}.amazonaws.com"), service


def test_there_are_no_users_and_no_organisation(guarded):
    iam = guarded.iam
    for call, request in [
        (iam.create_user, {"UserName": "it"}),
        (iam.create_access_key, {"UserName": "it"}),
        (iam.create_login_profile, {"UserName": "it", "Password": "dummy-password"}),
        (iam.attach_user_policy, {"UserName": "it", "PolicyArn": ADMINISTRATOR}),
        (iam.create_group, {"GroupName": "it"}),
        (iam.create_saml_provider, {"Name": "it", "SAMLMetadataDocument": "x" * 1000}),
        (iam.create_account_alias, {"AccountAlias": "it-is-ours"}),
        (guarded.session.client("organizations").list_accounts, {}),
    ]:
        assert is_denied(call, **request), call


def test_a_role_that_the_platform_makes_is_an_administrator_within_the_boundary_only(aws, account, guarded, access):
    guarded.made_by_the_platform(AssumeRolePolicyDocument=trust({"AWS": orchestera_platform.PLATFORM}))
    guarded.iam.attach_role_policy(RoleName="Made", PolicyArn=ADMINISTRATOR)
    made = orchestera_platform.session(orchestera_platform.caller(aws), f"arn:aws:iam::{account.id}:role/Made")
    assert permissions.is_allowed(made.client("ec2").describe_vpcs)
    for service, call in [
        ("dynamodb", "list_tables"),
        ("secretsmanager", "list_secrets"),
        ("lambda", "list_functions"),
    ]:
        assert is_denied(getattr(made.client(service), call)), service
    # The off switch cannot be undone by it, which a role outside the boundary could.
    account.client("iam").put_role_policy(RoleName=ROLE, PolicyName="OrchesteraSuspended", PolicyDocument=EVERYTHING)
    assert is_denied(made.client("iam").delete_role_policy, RoleName=ROLE, PolicyName="OrchesteraSuspended")
    assert is_denied(
        made.client("sts").assume_role, RoleArn=f"arn:aws:iam::{account.id}:role/Theirs", RoleSessionName="it"
    )


@pytest.mark.parametrize("edition", ["2025-09-29", "2026-02-06"])
def test_what_the_editions_grant_still_works(aws, account, stack, template, edition):
    permissions.make_buckets(account)
    outputs = stack.deploy(template, Guardrail="On", PolicyEdition=edition)
    platform = orchestera_platform.caller(aws)
    session = orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"])
    document = permissions.edition(edition)
    for action, resource, allowed in permissions.try_calls(session):
        # Users are what the boundary takes away, and what the wider edition has.
        expected = permissions.grants(document, action, resource) and action not in (
            "iam:CreateAccessKey",
            "iam:DeleteUser",
            "iam:ListUsers",
        )
        assert allowed == expected, action
    iam = session.client("iam")
    iam.create_role(RoleName="Node", AssumeRolePolicyDocument=FOR_EC2, PermissionsBoundary=outputs["GuardrailArn"])
    policy = iam.create_policy(PolicyName="Node", PolicyDocument=EVERYTHING)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="Node", PolicyArn=policy)
    iam.put_role_policy(RoleName="Node", PolicyName="it", PolicyDocument=EVERYTHING)
    tags = [{"Key": "a", "Value": "b"}]
    iam.tag_policy(PolicyArn=policy, Tags=tags)
    iam.create_instance_profile(InstanceProfileName="Node", Tags=tags)
    iam.add_role_to_instance_profile(InstanceProfileName="Node", RoleName="Node")
    iam.remove_role_from_instance_profile(InstanceProfileName="Node", RoleName="Node")
    iam.delete_instance_profile(InstanceProfileName="Node")
    iam.delete_role_policy(RoleName="Node", PolicyName="it")
    mark = {"Key": TAG, "Value": outputs["GuardrailArn"]}
    iam.create_role(
        RoleName="Tagged",
        AssumeRolePolicyDocument=FOR_EC2,
        PermissionsBoundary=outputs["GuardrailArn"],
        Tags=[mark, *tags],
    )
    iam.tag_role(RoleName="Tagged", Tags=tags)
    iam.delete_role(RoleName="Tagged")
    iam.create_service_linked_role(AWSServiceName="eks.amazonaws.com")
    iam.create_open_id_connect_provider(
        Url=f"https://{OF_A_CLUSTER}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40], Tags=tags
    )


def test_the_function_its_log_and_its_schedule_are_denied_outright(guarded, account, stack):
    function = f"arn:aws:lambda:us-east-1:{account.id}:function:{stack.resource(FUNCTION)}"
    log = f"arn:aws:logs:us-east-1:{account.id}:log-group:{stack.resource('FunctionLogGroup')}"
    schedule = f"arn:aws:scheduler:us-east-1:{account.id}:schedule/default/{stack.resource('DriftSchedule')}"
    schedule_role = f"arn:aws:iam::{account.id}:role/{stack.resource('DriftScheduleRole')}"
    for action, arn in [
        ("lambda:InvokeFunction", function),
        ("lambda:UpdateFunctionCode", function),
        ("lambda:InvokeFunction", f"{function}:live"),
        ("logs:DeleteLogGroup", log),
        ("logs:DeleteLogStream", f"{log}:log-stream:x"),
        ("scheduler:UpdateSchedule", schedule),
        ("iam:DeleteRole", schedule_role),
    ]:
        decision = permissions.simulate_document(account, guarded.document(), action, arn)
        assert decision == "explicitDeny", (action, arn)


def test_the_boundary_is_on_the_role(account, guarded, access):
    assert access.role()["PermissionsBoundary"]["PermissionsBoundaryArn"] == guarded.boundary
    assert access.attached() == [f"arn:aws:iam::{account.id}:policy/{POLICY}"]


def test_the_boundary_outlives_the_stack_for_the_roles_that_carry_it_but_not_a_create_that_fails(
    account, stack, guarded, template
):
    guarded.made_by_the_platform(AssumeRolePolicyDocument=FOR_EC2)
    assert stack.delete() == "DELETE_COMPLETE"
    carried = account.client("iam").get_role(RoleName="Made")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    account.client("iam").get_policy(PolicyArn=carried)
    before = left(account)
    # Of another name: the emulator makes the names of resources from the stack's, and no random part.
    another = Stack(account, "another")
    assert another.create(failing_afterwards(template), Guardrail="On") == "ROLLBACK_COMPLETE"
    assert another.delete() == "DELETE_COMPLETE"
    assert left(account) == before


def test_without_the_guardrail_there_is_no_boundary_and_it_can_be_turned_on_and_off(stack, access, template, account):
    assert "GuardrailArn" not in stack.deploy(template)
    boundary = stack.deploy(template, Guardrail="On")["GuardrailArn"]
    assert access.role()["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert "GuardrailArn" not in stack.deploy(template)
    assert "PermissionsBoundary" not in access.role()
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING | {"policies": [boundary.split("/")[-1]]}, "other roles could carry it"
