"""What a StackSet may be: its permission model, its template, its parameters."""

import ministack.services.cloudformation.engine as engine
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.helpers as helpers

from ..organizations import membership, trusted_access
from .model import as_values
from .wire import Refused, refusal

# Of trusted access, and of delegated administrators:
# https://docs.aws.amazon.com/organizations/latest/userguide/services-that-can-integrate-cloudformation.html
SERVICE = "member.org.stacksets.cloudformation.amazonaws.com"


def check_model(settings, administrator):
    automatic = (settings.get("AutoDeployment") or {}).get("Enabled")
    if settings["PermissionModel"] == "SELF_MANAGED":
        if settings.get("AutoDeployment"):
            raise Refused("ValidationError", "AutoDeployment is for SERVICE_MANAGED stack sets")
        if settings.get("CallAs") == "DELEGATED_ADMIN":
            raise Refused("ValidationError", "A delegated administrator manages SERVICE_MANAGED stack sets only")
        return
    if settings.get("AdministrationRoleARN") or settings.get("ExecutionRoleName"):
        raise Refused("ValidationError", "The roles are for SELF_MANAGED stack sets")
    if membership.management_account_of(administrator) != administrator:
        raise Refused(
            "ValidationError",
            "You must be the management account or delegated admin account of an organization before operating a "
            "SERVICE_MANAGED stack set",
        )
    if not trusted_access.is_trusted(administrator, SERVICE):
        raise Refused("ValidationError", "You must enable organizations access to operate a service managed stack set")
    # hashicorp/terraform-provider-aws issue 24879.
    if not automatic and "RetainStacksOnAccountRemoval" in (settings.get("AutoDeployment") or {}):
        raise Refused("ValidationError", "RetainStacksOnAccountRemoval is only for AutoDeployment that is enabled")


def template_of(settings):
    """What the request's template says.

    What a service-managed StackSet does not take, with the execution role that it makes by itself:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-custom-execution-role.html
    """
    request = {key: [settings[key]] for key in ("TemplateBody", "TemplateURL") if settings.get(key)}
    body, error = helpers._resolve_template(request)
    if error or not body:
        raise Refused("ValidationError", refusal(error) if error else "TemplateBody or TemplateURL is required")
    try:
        template = engine._parse_template(body)
    except ValueError as problem:
        raise Refused("ValidationError", f"Template format error: {problem}") from problem
    if settings["PermissionModel"] == "SERVICE_MANAGED":
        if engine.declared_transforms(template) or handlers._uses_macro(template):
            raise Refused("ValidationError", "SERVICE_MANAGED stack sets do not support templates with transforms")
        if any(r.get("Type") == "AWS::CloudFormation::Stack" for r in template.get("Resources", {}).values()):
            raise Refused("ValidationError", "SERVICE_MANAGED stack sets do not support templates with nested stacks")
    needed = handlers._required_iam_capabilities(template)
    if missing := handlers._missing_capabilities(set(settings.get("Capabilities") or []), needed):
        message = handlers._insufficient_capabilities_message(missing)
        raise Refused("InsufficientCapabilitiesException", message)
    return body


def values(settings, parameters, before):
    given = as_values(parameters, before)
    declared = engine._parse_template(settings["TemplateBody"]).get("Parameters", {})
    if unknown := set(given) - set(declared):
        raise Refused("ValidationError", f"Parameters: {sorted(unknown)} do not exist in the template")
    return given
