"""The actions: what each refuses, and what it starts.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from ministack.core.responses import get_account_id, get_region

from ..organizations import membership, trusted_access
from . import operations, rules, targets
from .model import Operation, StackSet
from .wire import Refused

PAGE = 100
# What a StackSet keeps of the requests that make and change it.
KEPT = (
    "AdministrationRoleARN",
    "AutoDeployment",
    "CallAs",
    "Capabilities",
    "Description",
    "ExecutionRoleName",
    "ManagedExecution",
    "Parameters",
    "PermissionModel",
    "Tags",
    "TemplateBody",
    "TemplateURL",
)

# All that there are or were, the oldest first.
stack_sets: list[StackSet] = []


def activate_organizations_access(request):
    account = get_account_id()
    if membership.management_account_of(account) != account:
        raise Refused("InvalidOperationException", "Only the management account can activate organizations access")
    trusted_access.trust(account, rules.SERVICE)


def deactivate_organizations_access(request):
    trusted_access.distrust(get_account_id(), rules.SERVICE)


def describe_organizations_access(request):
    trusted = trusted_access.is_trusted(membership.management_account_of(get_account_id()), rules.SERVICE)
    return {"Status": "ENABLED" if trusted else "DISABLED"}


def create_stack_set(request):
    administrator = _administrator(request)
    name = request["StackSetName"]
    if any(s.name == name for s in _of(administrator)):
        raise Refused("NameAlreadyExistsException", f"The StackSet name {name} already exists")
    settings = {"PermissionModel": "SELF_MANAGED"} | {key: request[key] for key in KEPT if key in request}
    rules.check_model(settings, administrator)
    settings["TemplateBody"] = rules.template_of(settings)
    settings["Parameters"] = rules.values(settings, request.get("Parameters") or [], {})
    settings.pop("TemplateURL", None)
    stack_sets.append(StackSet(name, administrator, get_region(), settings))
    return {"StackSetId": stack_sets[-1].id}


def update_stack_set(request):
    stack_set = find(request)
    operations.check(stack_set, request.get("OperationId"))
    before = stack_set.settings
    settings = before | {key: request[key] for key in KEPT if key in request}
    if not request.get("UsePreviousTemplate"):
        settings["TemplateBody"] = rules.template_of(request | {"PermissionModel": settings["PermissionModel"]})
    settings["Parameters"] = rules.values(settings, request.get("Parameters") or [], before["Parameters"])
    settings.pop("TemplateURL", None)
    rules.check_model(settings, stack_set.administrator)
    if request.get("Regions"):
        chosen = targets.instances_of(stack_set, request, "UPDATE")
    else:
        chosen = list(stack_set.instances.values())
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackInstance.html: Status.
    chosen = [instance for instance in chosen if instance.status != "INOPERABLE"]

    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStackSet.html: Accounts.
    outdates = request.keys() & {"TemplateBody", "TemplateURL", "Parameters"}

    def take_over():
        stack_set.settings = settings
        for instance in stack_set.instances.values():
            if outdates and instance.status == "CURRENT":
                instance.status, instance.detailed_status = "OUTDATED", "PENDING"

    return _start(stack_set, request, "UPDATE", chosen, take_over)


def delete_stack_set(request):
    stack_set = find(request, missing=None)
    if stack_set is None:
        return
    if stack_set.under_way():
        raise Refused("OperationInProgressException", f"Another Operation on StackSet {stack_set.id} is in progress")
    if stack_set.instances:
        raise Refused("StackSetNotEmptyException", "StackSet is not empty")
    stack_set.status = "DELETED"


def describe_stack_set(request):
    return {"StackSet": find(request).description()}


def list_stack_sets(request):
    administrator, status = _administrator(request), request.get("Status")
    shown = [s for s in stack_sets if (s.administrator, s.region) == (administrator, get_region())]
    return _page(request, [s.summary() for s in shown if status in (None, s.status)])


def create_stack_instances(request):
    stack_set = find(request)
    operations.check(stack_set, request.get("OperationId"))
    overrides = _overrides(stack_set, request)
    chosen = targets.new_instances(stack_set, request)
    for unit in (request.get("DeploymentTargets") or {}).get("OrganizationalUnitIds", []):
        regions = stack_set.deployed_to.setdefault(unit, [])
        regions += [region for region in request["Regions"] if region not in regions]
    return _start(stack_set, request, "CREATE", chosen, lambda: _override(chosen, overrides))


def update_stack_instances(request):
    stack_set = find(request)
    operations.check(stack_set, request.get("OperationId"))
    overrides = _overrides(stack_set, request)
    chosen = targets.instances_of(stack_set, request, "UPDATE")
    if not chosen:
        raise Refused("StackInstanceNotFoundException", "There is no such stack instance")
    return _start(stack_set, request, "UPDATE", chosen, lambda: _override(chosen, overrides))


def delete_stack_instances(request):
    stack_set = find(request)
    operations.check(stack_set, request.get("OperationId"))
    chosen = targets.instances_of(stack_set, request, "DELETE")
    targeted = request.get("DeploymentTargets") or {}
    if not targeted.get("Accounts"):
        for unit in targeted.get("OrganizationalUnitIds", []):
            left = [r for r in stack_set.deployed_to.get(unit, []) if r not in request["Regions"]]
            stack_set.deployed_to[unit] = left
            if not left:
                del stack_set.deployed_to[unit]
    return _start(stack_set, request, "DELETE", chosen)


def list_stack_instances(request):
    stack_set = find(request)
    wanted = {wish["Name"]: wish["Values"] for wish in request.get("Filters") or []}
    chosen = [
        instance
        for instance in sorted(stack_set.instances.values(), key=lambda instance: instance.key)
        if request.get("StackInstanceAccount") in (None, instance.account)
        and request.get("StackInstanceRegion") in (None, instance.region)
        and wanted.get("DETAILED_STATUS") in (None, instance.detailed_status)
        and wanted.get("LAST_OPERATION_ID") in (None, instance.operation_id)
    ]
    return _page(request, [instance.summary(stack_set) for instance in chosen])


def describe_stack_instance(request):
    stack_set = find(request)
    key = request["StackInstanceAccount"], request["StackInstanceRegion"]
    if key not in stack_set.instances:
        raise Refused("StackInstanceNotFoundException", f"There is no stack instance of account and region {key}")
    return {"StackInstance": stack_set.instances[key].description(stack_set)}


def describe_stack_set_operation(request):
    stack_set = find(request)
    return {"StackSetOperation": find_operation(stack_set, request).description(stack_set)}


def list_stack_set_operations(request):
    return _page(request, [operation.summary() for operation in reversed(find(request).operations.values())])


def list_stack_set_operation_results(request):
    operation = find_operation(find(request), request)
    wanted = {wish["Name"]: wish["Values"] for wish in request.get("Filters") or []}.get("OPERATION_RESULT_STATUS")
    results = [
        {"Account": instance.account, "Region": instance.region, "OrganizationalUnitId": instance.unit} | result
        for instance, result in ((instance, operation.results[instance.key]) for instance in operation.instances)
        if wanted in (None, result["Status"])
    ]
    return _page(request, results)


def stop_stack_set_operation(request):
    operations.stop(find_operation(find(request), request))


def find(request, missing=Refused):
    """The StackSet of that name or id."""
    wanted = request["StackSetName"]
    for stack_set in _of(_administrator(request)):
        if wanted in (stack_set.name, stack_set.id):
            return stack_set
    if missing is None:
        return None
    raise Refused("StackSetNotFoundException", f"StackSet {wanted} not found")


def find_operation(stack_set, request):
    if request["OperationId"] not in stack_set.operations:
        raise Refused("OperationNotFoundException", f"Operation {request['OperationId']} not found")
    return stack_set.operations[request["OperationId"]]


def _of(administrator):
    """The StackSets that there are."""
    here = (administrator, get_region(), "ACTIVE")
    return [s for s in stack_sets if (s.administrator, s.region, s.status) == here]


def _administrator(request):
    """The account in which the StackSet lives.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-delegated-admin.html
    """
    account = get_account_id()
    if request.get("CallAs") != "DELEGATED_ADMIN":
        return account
    management = membership.management_account_of(account)
    if not management or not trusted_access.is_delegated(management, account, rules.SERVICE):
        raise Refused("ValidationError", "Account used is not a delegated administrator")
    return management


def _overrides(stack_set, request):
    if "ParameterOverrides" not in request:
        return None
    return rules.values(stack_set.settings, request["ParameterOverrides"], stack_set.settings["Parameters"])


def _override(instances, overrides):
    if overrides is not None:
        for instance in instances:
            instance.overrides = overrides


def _start(stack_set, request, action, instances, at_its_start=lambda: None):
    preferences = request.get("OperationPreferences") or {}
    for kind in ("FailureTolerance", "MaxConcurrent"):
        if f"{kind}Count" in preferences and f"{kind}Percentage" in preferences:
            raise Refused("ValidationError", f"Specify {kind}Count or {kind}Percentage, but not both")
    operation = Operation(
        action, instances, preferences, request.get("RetainStacks", False), request.get("DeploymentTargets")
    )
    operation.id = request.get("OperationId") or operation.id
    return {"OperationId": operations.start(stack_set, operation, at_its_start).id}


def _page(request, items):
    start, size = int(request.get("NextToken") or 0), request.get("MaxResults") or PAGE
    more = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return {"Summaries": items[start : start + size]} | more
