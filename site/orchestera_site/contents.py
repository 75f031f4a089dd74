"""What a template creates, resource by resource. Where the template itself has words for a resource, it takes those."""

# Of resources that have no description of their own in the template.
WHAT = {
    "Access": "The custom resource. By it CloudFormation tells the function to create the role and the policy.",
    "AccessFunctionEventInvokeConfig": "One retry, and none after CloudFormation has stopped waiting.",
    "FunctionLogGroup": "The function's log. It is deleted with the stack.",
    "FunctionPolicy": "The permissions of the function on that one role and that one policy, action by action.",
    "FunctionLogPolicy": "The permission to write the function's log, and to read the state of its own stack.",
    "DriftAlarm": "The CloudWatch alarm that notifies the SNS topic when drift is found.",
    "FunctionAlarm": "The CloudWatch alarm that notifies the SNS topic when the function failed.",
    "NoCheckAlarm": "The CloudWatch alarm that notifies the SNS topic when there was no drift check for two days.",
    "Organization": "The custom resource that finds or creates the organization, after every check.",
    "OrchesteraAdminGroup": "The group of administrators, orchestera-admin-group. It stays when you delete the stack.",
    "OrchesteraAdminGroupMembers": "Your IAM users in that group. They stay when you delete the stack.",
    "IdentityCenter": "The custom resource that finds the user or group, and the permission set, in Identity Center.",
    "BreakGlassAdministrator": "The IAM user Administrator, for emergencies. It stays when you delete the stack.",
    "OrganizationFunctionEventInvokeConfig": "One retry, and none after CloudFormation has stopped waiting.",
    "OrganizationFunctionLogGroup": "The function's log. It is deleted with the stack.",
    "OrganizationFunctionPolicy": "The permissions of the organization function, action by action.",
    "OrganizationFunctionLogPolicy": "The permission to write the function's log.",
}
WHAT_OF_TYPE = {
    "AWS::CloudFormation::Stack": "The nested stack with role, policy and function for that account.",
    "AWS::IAM::Policy": "The permission of the organization function to set that contact, and no other.",
    "AWS::SSO::Assignment": "The assignment of the user or group to that account.",
    "Custom::OrchesteraAccount": "The custom resource that finds or creates that account. It never closes one.",
    "Custom::OrchesteraContact": "That alternate contact of that account.",
}
# When a resource is created, by the condition of the template.
CONDITIONS = {
    "IsGuarded": "only with Guardrail = On",
    "ChecksDrift": "unless DriftCheck = Off",
    "HasAlarms": "only with AlarmTopicArn",
    "HasDriftAlarms": "only with AlarmTopicArn, and unless DriftCheck = Off",
    "MakesGroup": "only with AdminGroup = Make",
    "AddsUsers": "only with AdminUserNames",
    "UsesIdentityCenter": "only with SignIn = IdentityCenter",
    "MakesPermissionSet": "only with SignIn = IdentityCenter and PermissionSet = Make",
    "HasBreakGlassUser": "only with BreakGlassUser = On",
    "HasBootstrapRole": "only with BootstrapRole = On",
    "HasAccess": "unless AccessIn leaves out this account",
}
for _kind in ("Billing", "Operations", "Security"):
    CONDITIONS[f"Has{_kind}Contact"] = f"only with {_kind}Contact"
    CONDITIONS[f"HasSpark{_kind}Contact"] = f"only with {_kind}Contact and a new account"
for _account in ("Development", "Production"):
    CONDITIONS[f"Has{_account}Account"] = f"only with {_account}AccountEmail"
    CONDITIONS[f"Has{_account}Access"] = f"only with {_account}AccountEmail, and with the account in AccessIn"
    CONDITIONS[f"Assigns{_account}Account"] = f"only with {_account}AccountEmail and SignIn = IdentityCenter"
    for _kind in ("Billing", "Operations", "Security"):
        CONDITIONS[f"Has{_account}{_kind}Contact"] = f"only with {_account}AccountEmail and {_kind}Contact"


def resources(template):
    """Rows of logical ID, type, what it is, and when it is created.

    A resource without words anywhere is an error. A condition without words is named.
    """
    for name, resource in template["Resources"].items():
        properties, type_ = resource.get("Properties", {}), resource["Type"]
        own = properties.get("Description") or properties.get("AlarmDescription")
        what = own if isinstance(own, str) else WHAT.get(name) or WHAT_OF_TYPE[type_]
        condition = resource.get("Condition")
        when = CONDITIONS.get(condition, f"under the condition {condition}") if condition else ""
        yield name, type_, " ".join(what.split()), when
