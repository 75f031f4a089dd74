"""What IAM's policy simulator says of a user or role: also what the organization and a permissions boundary take away.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html
"""

import ministack.services.iam as iam
import ministack.services.organizations as organizations
from ministack.core import iam_evaluator, responses

from .iam_rules import _members
from .organizations import membership


def repair():
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = _simulate_principal_policy


def _simulate_principal_policy(parameters):
    account_id, arn = responses.get_account_id(), iam._p(parameters, "PolicySourceArn")
    kind, _, path = arn.split(":")[-1].partition("/")
    name = path.rpartition("/")[2]
    store = {"user": iam._users, "role": iam._roles}.get(kind)
    principal = store.get(name) if store is not None else None
    if not principal:
        # Nor does it take a root user or a session.
        code = "InvalidInput" if store is None else "NoSuchEntity"
        return iam._error(400 if store is None else 404, code, f"{arn} is no user or role.", ns="iam")
    gather = iam_evaluator._gather_user_policies if kind == "user" else iam_evaluator._gather_role_policies
    policies, boundary = gather(name, account_id), _boundary(principal, account_id)
    levels = _service_control_policies(account_id)
    resources = _members(parameters, "ResourceArns.member.{}") or ["*"]
    results = ""
    for action in _members(parameters, "ActionNames.member.{}"):
        for resource in resources:
            context = iam_evaluator.EvalContext(
                principal_arn=arn,
                principal_type="User" if kind == "user" else "AssumedRole",
                principal_account=account_id,
                action=action,
                resource_arn=resource,
                region=responses.get_region(),
            )
            results += _result(context, policies, boundary, levels)
    result = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    return iam._xml(
        200,
        "SimulatePrincipalPolicyResponse",
        f"<SimulatePrincipalPolicyResult>{result}</SimulatePrincipalPolicyResult>",
        ns="iam",
    )


def _result(context, policies, boundary, levels):
    limits = [*([boundary] if boundary else []), *(levels or [])]
    decision = iam_evaluator.evaluate(context, policies, *limits).decision
    said = {"Allow": "allowed", "Deny": "explicitDeny"}.get(decision, "implicitDeny")
    details = ""
    if levels is not None:
        allowed = all(_allows(context, level) for level in levels)
        details += (
            f"<OrganizationsDecisionDetail>{_flag('AllowedByOrganizations', allowed)}</OrganizationsDecisionDetail>"
        )
    if boundary:
        flag = _flag("AllowedByPermissionsBoundary", _allows(context, boundary))
        details += f"<PermissionsBoundaryDecisionDetail>{flag}</PermissionsBoundaryDecisionDetail>"
    return (
        f"<member><EvalActionName>{context.action}</EvalActionName>"
        f"<EvalResourceName>{context.resource_arn}</EvalResourceName><EvalDecision>{said}</EvalDecision>"
        f"<MatchedStatements/><MissingContextValues/>{details}</member>"
    )


def _flag(name, value):
    return f"<{name}>{str(value).lower()}</{name}>"


def _allows(context, policies):
    return iam_evaluator.evaluate(context, policies).decision == "Allow"


def _boundary(principal, account_id):
    """Its document, or None."""
    arn = principal.get("PermissionsBoundary")
    document = arn and iam_evaluator._resolve_managed_policy_document(arn, account_id)
    return [iam_evaluator.parse_policy_document(document)] if document else None


def _service_control_policies(account_id):
    """Those of each level, from the root to the account, or None if they do not apply.

    They do not limit the management account:
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    """
    management = membership.management_account_of(account_id)
    if management in (None, account_id):
        return None
    return [
        _of_level(management, target) for target in [*membership.units_above(management, account_id)[::-1], account_id]
    ]


def _of_level(management, target):
    with responses.request_scope(management, responses.get_region()):
        attached = [policy for policy, targets in organizations._attachments.items() if target in targets]
        documents = [organizations._policies[policy]["_Content"] for policy in attached]
    # "The policy simulator does not evaluate SCPs that have any conditions."
    parsed = map(iam_evaluator.parse_policy_document, documents)
    return [statements for statements in parsed if not any(statement.conditions for statement in statements)]
