"""With whose rights the role of an assignment is made in the management account: those of whoever asks for it.

In every other account the service does it. https://docs.aws.amazon.com/singlesignon/latest/userguide/
iam-auth-access-using-id-policies.html#policyexamplemanageconnecteddirectory has the actions, and "required only to
enable the user to create assignments in the AWS Organizations management account".

Who asks for what a template says is the deployer of the stack, or the stack's service role.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
"""

import contextvars
import urllib.parse

import ministack.app
import ministack.services.cloudformation as cloudformation
import ministack.services.iam as iam
from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import AuthError
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id

# A task that a request begins, as CloudFormation's are, keeps what was set in the request.
_access_key: contextvars.ContextVar[str] = contextvars.ContextVar("deployers_access_key", default="")
_service_role: contextvars.ContextVar[str] = contextvars.ContextVar("deployers_service_role", default="")
# By account and stack: a stack keeps the role that it was last given.
_service_roles: dict[tuple, str] = {}
WITH_A_ROLE = ("CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "RollbackStack")


def repair():
    handlers = ministack.app.SERVICE_HANDLERS
    for service in ("sso", "cloudformation"):
        handlers[service] = _remembering_who_asks(handlers[service], service)


def _remembering_who_asks(handle, service):
    async def repaired(method, path, headers, body, parameters):
        _access_key.set(extract_access_key_id(headers, parameters))
        _service_role.set(_role_of_the_stack(body) if service == "cloudformation" else "")
        return await handle(method, path, headers, body, parameters)

    return repaired


def _role_of_the_stack(body):
    request = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
    named = request.get("StackName") or cloudformation._change_sets.get(request.get("ChangeSetName"), {}).get("StackId")
    # By its name, or by its ARN, which ends in stack/<name>/<id>.
    stack = (get_account_id(), str(named).rpartition(":stack/")[2].partition("/")[0])
    action = request.get("Action")
    if action == "CreateStack":
        _service_roles.pop(stack, None)
    if action in WITH_A_ROLE and request.get("RoleARN"):
        _service_roles[stack] = request["RoleARN"]
    return _service_roles.get(stack, "")


def refusal(action, resource, keys=None):
    """What IAM says to whoever asks, blank if the right is there."""
    if not ministack.app.AUTH:
        return ""
    if role := _service_role.get():
        denied = _refused_to_the_role(role, action, resource, keys or {})
    else:
        denied = iam_evaluator.enforce(
            _access_key.get(), action, "iam", get_region(), resource_arn=resource, service_context=keys
        )
    if not denied:
        return ""
    if isinstance(denied, AuthError):
        return denied.message
    return f"User: {denied.principal_arn} is not authorized to perform: {action} on resource: {resource}"


def _refused_to_the_role(role, action, resource, keys):
    account, name = role.split(":")[4], role.rpartition("/")[2]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/AWSCloudFormation"
    request = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={key.lower(): value for key, value in keys.items()},
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    result = iam_evaluator.evaluate(request, policies, *limits)
    result.principal_arn = principal
    return None if result.decision == "Allow" else result
