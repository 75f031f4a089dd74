"""By which resource and which condition keys a call to IAM is judged.

Actions, resources and condition keys of IAM:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

import ministack.services.iam as iam
import ministack.services.tagging as tagging
from ministack.core import iam_actions, iam_evaluator

# The calls that set a boundary are judged by the one in the request ...
SETS_A_BOUNDARY = {"CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary"}
# ... and these by the one that the role or user has at that moment.
JUDGED_BY_THE_CURRENT_BOUNDARY = {
    f"{verb}{principal}{what}"
    for principal in ("Role", "User")
    for verb, what in (
        ("Attach", "Policy"),
        ("Detach", "Policy"),
        ("Put", "Policy"),
        ("Delete", "Policy"),
        ("Delete", "PermissionsBoundary"),
    )
} | {"DeleteRole", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription"}
JUDGED_BY_THE_POLICY = {
    f"{verb}{principal}Policy" for verb in ("Attach", "Detach") for principal in ("Role", "User", "Group")
}


def repair():
    # MiniStack looks tags up only if the caller's policies name one, and not if a boundary or a session policy does.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    iam_evaluator._names_condition_key = lambda policies, prefix: True
    iam_actions.extract_resource_arn = _with_iams_resources(iam_actions.extract_resource_arn)
    # Where MiniStack asks for the condition keys of a request's tags is the one place where others can be added.
    iam_actions.request_tag_context = _with_iams_keys(iam_actions.request_tag_context)
    # Calls to Lambda that are not in a list of MiniStack's own had no action, and so were everybody's.
    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]
    iam_actions.extract_iam_action = _with_lambdas_actions(iam_actions.extract_iam_action)
    tagging._RESOURCE_TAG_COLLECTORS["iam"] = _with_policies(tagging._RESOURCE_TAG_COLLECTORS["iam"])


def _with_iams_resources(extract_resource_arn):
    """Policies, instance profiles and identity providers by their own ARN, roles and groups by theirs, with its path.

    An identity provider's ARN has its URL without `https://`:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
    """

    def repaired(service, method, path, headers, body, parameters, region, account_id):
        if service == "iam":
            parameter = _reader(parameters)
            iam_path = parameter("Path") or "/"
            if parameter("Action") == "CreatePolicy":
                return f"arn:aws:iam::{account_id}:policy{iam_path}{parameter('PolicyName')}"
            if parameter("Action") == "CreateRole":
                return f"arn:aws:iam::{account_id}:role{iam_path}{parameter('RoleName')}"
            if parameter("Action") == "CreateServiceLinkedRole":
                # What comes after the service's name is the service's own choice.
                return f"arn:aws:iam::{account_id}:role/aws-service-role/{parameter('AWSServiceName')}/*"
            if parameter("Action") == "CreateOpenIDConnectProvider":
                return (
                    f"arn:aws:iam::{account_id}:oidc-provider/{parameter('Url').removeprefix('https://').rstrip('/')}"
                )
            if provider_arn := parameter("OpenIDConnectProviderArn"):
                return provider_arn
            if name := parameter("InstanceProfileName"):
                profile = iam._instance_profiles.get(name)
                return profile["Arn"] if profile else f"arn:aws:iam::{account_id}:instance-profile{iam_path}{name}"
            if role := iam._roles.get(parameter("RoleName")):
                return role["Arn"]
            if group := iam._groups.get(parameter("GroupName")):
                return group["Arn"]
            # SimulatePrincipalPolicy: the user, the group or the role that it is about.
            if source_arn := parameter("PolicySourceArn"):
                return source_arn
        return extract_resource_arn(service, method, path, headers, body, parameters, region, account_id)

    return repaired


def _with_iams_keys(request_tag_context):
    """`iam:PolicyARN`, `iam:PermissionsBoundary`, `iam:AWSServiceName`. A key without a value is absent, not blank."""

    def repaired(service, iam_action, body, parameters):
        keys = request_tag_context(service, iam_action, body, parameters)
        if service != "iam":
            return keys
        action, parameter = iam_action.removeprefix("iam:"), _reader(parameters)
        if action == "CreateServiceLinkedRole":
            keys["iam:AWSServiceName"] = parameter("AWSServiceName")
        if action in JUDGED_BY_THE_POLICY:
            keys["iam:PolicyARN"] = parameter("PolicyArn")
        if action in SETS_A_BOUNDARY:
            keys["iam:PermissionsBoundary"] = parameter("PermissionsBoundary")
        elif action in JUDGED_BY_THE_CURRENT_BOUNDARY:
            principal = iam._roles.get(parameter("RoleName")) or iam._users.get(parameter("UserName")) or {}
            keys["iam:PermissionsBoundary"] = principal.get("PermissionsBoundary")
        return {key: value for key, value in keys.items() if value}

    return repaired


def _with_lambdas_actions(extract_iam_action):
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html"""

    def repaired(*arguments):
        action = extract_iam_action(*arguments)
        return "lambda:InvokeFunction" if action == "lambda:InvokeWithResponseStream" else action

    return repaired


def _with_policies(collect):
    """`aws:ResourceTag` of managed policies, which can be tagged as roles and users can."""

    def repaired():
        yield from collect()
        for arn, policy in iam._policies.items():
            yield arn, policy.get("Tags") or []

    return repaired


def _reader(parameters):
    return lambda name: iam_actions._query_param(parameters, name) or ""
