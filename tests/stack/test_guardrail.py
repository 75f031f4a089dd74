"""The boundary that the stack makes: what the platform can no longer do, and what it still can."""

import json

import pytest
from conftest import NOTHING, POLICY, ROLE, failing_afterwards, left

from orchestera_local import orchestera_platform, permissions
from orchestera_local.stack import ACCESS, FUNCTION, Stack

EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
LONGEST_POLICY = 6144


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
        self.outputs = stack.deploy(template, Guardrail="On", PolicyEdition="2026-02-06")
        self.boundary = self.outputs["GuardrailArn"]
        platform = orchestera_platform.caller(aws)
        self.session = orchestera_platform.session(platform, self.outputs["RoleArn"], self.outputs["ExternalId"])
        self.iam = self.session.client("iam")

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
    iam, made, theirs = guarded.iam, {"RoleName": "Made"}, {"RoleName": "Theirs"}
    for boundary in ({}, {"PermissionsBoundary": guarded.theirs}):
        assert is_denied(iam.create_role, RoleName="Free", AssumeRolePolicyDocument=FOR_EC2, **boundary)
    guarded.made_by_the_platform(AssumeRolePolicyDocument=FOR_EC2)
    for call, request in [
        (iam.attach_role_policy, {"PolicyArn": guarded.theirs}),
        (iam.put_role_policy, {"PolicyName": "it", "PolicyDocument": EVERYTHING}),
        (iam.delete_role_policy, {"PolicyName": "it"}),
        (iam.detach_role_policy, {"PolicyArn": guarded.theirs}),
        (iam.put_role_permissions_boundary, {"PermissionsBoundary": guarded.theirs}),
    ]:
        assert is_denied(call, **theirs, **request), call
        if call != iam.put_role_permissions_boundary:
            call(**made, **request)
    assert is_denied(iam.put_role_permissions_boundary, **made, PermissionsBoundary=guarded.theirs)
    assert is_denied(iam.delete_role_permissions_boundary, **made)
    assert is_denied(iam.update_assume_role_policy, **theirs, PolicyDocument=trust({"AWS": "999988887777"}))
    assert is_denied(iam.create_policy_version, PolicyArn=guarded.theirs, PolicyDocument=EVERYTHING)
    iam.delete_role(**made)


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
    iam.tag_role(RoleName="Node", Tags=[{"Key": "a", "Value": "b"}])
    iam.create_instance_profile(InstanceProfileName="Node")
    iam.add_role_to_instance_profile(InstanceProfileName="Node", RoleName="Node")


# What nodes, controllers and jobs of a cluster call, of each service that the boundary lets through.
NEEDED = [
    "autoscaling:SetDesiredCapacity",
    "cloudformation:CreateStack",
    "cloudwatch:PutMetricData",
    "ec2:RunInstances",
    "ec2messages:GetMessages",
    "ecr:BatchGetImage",
    "ecr-public:GetAuthorizationToken",
    "eks:CreateCluster",
    "eks-auth:AssumeRoleForPodIdentity",
    "elasticloadbalancing:CreateLoadBalancer",
    "glue:GetTable",
    "iam:CreateServiceLinkedRole",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "logs:PutLogEvents",
    "kms:ReEncryptFrom",
    "pricing:GetProducts",
    "s3:GetObject",
    "sqs:ReceiveMessage",
    "ssm:GetParameter",
    "ssmmessages:OpenDataChannel",
    "sts:GetServiceBearerToken",
    "wafv2:AssociateWebACL",
    "waf-regional:GetWebACLForResource",
    "shield:GetSubscriptionState",
    "acm:ListCertificates",
]
OUT_OF_REACH = [
    "account:CloseAccount",
    "dynamodb:GetItem",
    "iam:AddUserToGroup",
    "iam:CreateAccessKey",
    "iam:CreateServiceSpecificCredential",
    "iam:CreateVirtualMFADevice",
    "iam:DeletePolicyVersion",
    "iam:DeleteRolePermissionsBoundary",
    "iam:SetSecurityTokenServicePreferences",
    "s3:PutAccountPublicAccessBlock",
    "kms:CreateGrant",
    "iam:EnableOrganizationsRootSessions",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAccountPasswordPolicy",
    "iam:UpdateLoginProfile",
    "iam:UpdateSAMLProvider",
    "iam:UploadSSHPublicKey",
    "iam:UploadSigningCertificate",
    "kms:ScheduleKeyDeletion",
    "lambda:InvokeFunction",
    "organizations:LeaveOrganization",
    "rds:DeleteDBInstance",
    "secretsmanager:GetSecretValue",
    "sts:AssumeRole",
]


def test_each_service_that_a_cluster_needs_is_let_through_and_no_other(guarded):
    iam = guarded.account.client("iam")
    document = iam.get_policy_version(PolicyArn=guarded.boundary, VersionId="v1")["PolicyVersion"]["Document"]
    results = iam.simulate_custom_policy(PolicyInputList=[json.dumps(document)], ActionNames=NEEDED + OUT_OF_REACH)
    decided = {one["EvalActionName"]: one["EvalDecision"] for one in results["EvaluationResults"]}
    assert [action for action in decided if decided[action] == "allowed"] == NEEDED
    # Said outright, so that no policy of a resource can give it after all.
    assert {decided[action] for action in OUT_OF_REACH if action.startswith(("account:", "organizations:"))} == {
        "explicitDeny"
    }


def test_a_key_is_granted_to_services_of_the_account_only(guarded):
    key = f"arn:aws:kms:us-east-1:{guarded.account.id}:key/x"
    for is_for_a_service, decision in [("true", "allowed"), ("false", "implicitDeny")]:
        assert simulate(guarded, "kms:CreateGrant", key, kms_GrantIsForAWSResource=is_for_a_service) == decision


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
        assert simulate(guarded, action, arn) == "explicitDeny", (action, arn)


def simulate(guarded, action, resource, **context):
    """IAM's simulator, for what no call here can show."""
    iam = guarded.account.client("iam")
    document = iam.get_policy_version(PolicyArn=guarded.boundary, VersionId="v1")["PolicyVersion"]["Document"]
    (result,) = iam.simulate_custom_policy(
        PolicyInputList=[json.dumps(document)],
        ActionNames=[action],
        ResourceArns=[resource],
        ContextEntries=[
            {"ContextKeyName": key.replace("_", ":"), "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in context.items()
        ],
    )["EvaluationResults"]
    return result["EvalDecision"]


def simulate_passing(guarded, service, resource="*"):
    return simulate(guarded, "iam:PassRole", resource, iam_PassedToService=service)


def test_roles_are_passed_to_the_services_of_a_cluster_only_and_never_the_grant_itself(guarded):
    for service in ("ec2", "eks", "eks-fargate-pods", "pods.eks"):
        assert simulate_passing(guarded, f"{service}.amazonaws.com") == "allowed", service
    for service in ("lambda", "cloudformation", "glue", "sagemaker", "codebuild", "ssm", "ecs-tasks"):
        assert simulate_passing(guarded, f"{service}.amazonaws.com") == "explicitDeny", service
    for arn in (guarded.outputs["RoleArn"], f"arn:aws:iam::{guarded.account.id}:role/Other"):
        expected = "explicitDeny" if arn.endswith(ROLE) else "allowed"
        assert simulate_passing(guarded, "ec2.amazonaws.com", arn) == expected


def test_the_boundary_is_within_iams_limit_and_on_the_role(account, guarded, access):
    iam = account.client("iam")
    document = iam.get_policy_version(PolicyArn=guarded.boundary, VersionId="v1")["PolicyVersion"]["Document"]
    assert len(json.dumps(document, separators=(",", ":"))) <= LONGEST_POLICY
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
