"""What IAM does and refuses, and MiniStack does not."""

import itertools
import json
import re

import ministack.services.iam as iam
from ministack.core import iam_evaluator, responses


def repair():
    handlers = iam._IAM_HANDLERS
    handlers["SetDefaultPolicyVersion"] = _set_default_policy_version
    handlers["SimulateCustomPolicy"] = _simulate_custom_policy
    handlers["DeletePolicy"] = _without_other_versions(handlers["DeletePolicy"])
    for action in ("CreateRole", "PutRolePermissionsBoundary"):
        handlers[action] = _with_a_boundary_that_exists(handlers[action])
    for action, document in {
        "CreateRole": "AssumeRolePolicyDocument",
        "UpdateAssumeRolePolicy": "PolicyDocument",
    }.items():
        handlers[action] = _of_principals_that_exist(handlers[action], document)
    handlers["DeleteGroup"] = _of_nobody_and_nothing(handlers["DeleteGroup"])
    handlers["DeleteUser"] = _leaving_its_id(_of_who_has_nothing(handlers["DeleteUser"]), iam._users, "User")
    handlers["DeleteRole"] = _leaving_its_id(handlers["DeleteRole"], iam._roles, "Role")
    for principal in ("Role", "User", "Group"):
        action = f"Attach{principal}Policy"
        handlers[action] = _of_what_exists(handlers[action])


def _set_default_policy_version(parameters):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html"""
    policy = iam._policies.get(iam._p(parameters, "PolicyArn"))
    version_id = iam._p(parameters, "VersionId")
    if not policy or version_id not in policy["Versions"]:
        return iam._error(404, "NoSuchEntity", f"Policy version {version_id} does not exist.", ns="iam")
    for version in policy["Versions"].values():
        version["IsDefaultVersion"] = version["VersionId"] == version_id
    policy["DefaultVersionId"] = version_id
    return iam._xml(200, "SetDefaultPolicyVersionResponse", "", ns="iam")


def _simulate_custom_policy(parameters):
    """With the context keys that are given, for a right that no call asks for here, such as `iam:PassRole`.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
    """
    documents = [
        iam_evaluator.parse_policy_document(document) for document in _members(parameters, "PolicyInputList.member.{}")
    ]
    names = _members(parameters, "ContextEntries.member.{}.ContextKeyName")
    values = _members(parameters, "ContextEntries.member.{}.ContextKeyValues.member.1")
    context = {name.lower(): value for name, value in zip(names, values, strict=True)}
    resource = iam._p(parameters, "ResourceArns.member.1") or "*"
    results = ""
    for action in _members(parameters, "ActionNames.member.{}"):
        account_id = responses.get_account_id()
        request = iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:iam::{account_id}:user/simulated",
            principal_type="User",
            principal_account=account_id,
            action=action,
            resource_arn=resource,
            region="us-east-1",
            service_context=context,
        )
        decision = {"Allow": "allowed", "Deny": "explicitDeny"}.get(
            iam_evaluator.evaluate(request, documents).decision, "implicitDeny"
        )
        results += (
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>"
            f"<EvalDecision>{decision}</EvalDecision></member>"
        )
    result = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    return iam._xml(
        200,
        "SimulateCustomPolicyResponse",
        f"<SimulateCustomPolicyResult>{result}</SimulateCustomPolicyResult>",
        ns="iam",
    )


def _members(parameters, name):
    """The values of a list, as a query request numbers them."""
    return list(itertools.takewhile(bool, (iam._p(parameters, name.format(place)) for place in itertools.count(1))))


def _without_other_versions(delete_policy):
    """The other versions go first: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html"""

    def repaired(parameters):
        policy = iam._policies.get(iam._p(parameters, "PolicyArn"))
        if policy and len(policy["Versions"]) > 1:
            return iam._error(
                409,
                "DeleteConflict",
                "This policy has more than one version. Before you delete a policy, you "
                "must delete the policy's versions.",
            )
        return delete_policy(parameters)

    return repaired


def _of_nobody_and_nothing(delete_group):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html: no members, no policies of any kind."""

    def repaired(parameters):
        name = iam._p(parameters, "GroupName")
        group = iam._groups.get(name) or {}
        return (
            _conflict(group.get("Users"), "remove users from group")
            or _conflict(group.get("AttachedPolicies"), "detach all policies")
            or _conflict(iam._group_inline_policies.get(name), "delete policies")
            or delete_group(parameters)
        )

    return repaired


def _of_who_has_nothing(delete_user):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html: what has to be taken away before."""

    def repaired(parameters):
        name = iam._p(parameters, "UserName")
        devices = [device for device in iam._mfa_devices.values() if device["User"] == name]
        return (
            _conflict(any(name in group["Users"] for group in iam._groups.values()), "remove users from group")
            or _conflict(iam._user_inline_policies.get(name), "delete policies")
            or _conflict(name in iam._login_profiles, "delete login profile")
            or _conflict(devices, "delete MFA device")
            or delete_user(parameters)
        )

    return repaired


def _conflict(there, what_first):
    message = f"Cannot delete entity, must {what_first} first."
    return iam._error(409, "DeleteConflict", message, ns="iam") if there else None


def _with_a_boundary_that_exists(bound):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html: NoSuchEntity."""

    def repaired(parameters):
        arn = iam._p(parameters, "PermissionsBoundary")
        if arn and not iam._policy_exists(arn):
            return iam._error(404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
        return bound(parameters)

    return repaired


def _of_principals_that_exist(write, document):
    """A trust policy may name everybody, an account or an ARN, and not the id of somebody who has been deleted.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """

    def repaired(parameters):
        try:
            statements = json.loads(iam._p(parameters, document))["Statement"]
        except (ValueError, TypeError, KeyError):
            return write(parameters)
        for statement in statements if isinstance(statements, list) else [statements]:
            principal = statement.get("Principal")
            named = principal.get("AWS", []) if isinstance(principal, dict) else []
            for one in named if isinstance(named, list) else [named]:
                if not re.fullmatch(r"\*|\d{12}|arn:.*", one):
                    message = f'Invalid principal in policy: "AWS":"{one}"'
                    return iam._error(400, "MalformedPolicyDocument", message, ns="iam")
        return write(parameters)

    return repaired


def _leaving_its_id(delete, entities, kind):
    """Who is deleted is shown in trust policies by the unique id from then on, in every account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """

    def repaired(parameters):
        entity = entities.get(iam._p(parameters, f"{kind}Name"))
        answer = delete(parameters)
        if entity and answer[0] == 200:
            for role in iam._roles._data.values():
                trust = role["AssumeRolePolicyDocument"]
                role["AssumeRolePolicyDocument"] = trust.replace(f'"{entity["Arn"]}"', f'"{entity[f"{kind}Id"]}"')
        return answer

    return repaired


def _of_what_exists(attach_policy):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html: NoSuchEntity."""

    def repaired(parameters):
        arn = iam._p(parameters, "PolicyArn")
        if not iam._policy_exists(arn):
            return iam._error(404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
        return attach_policy(parameters)

    return repaired
