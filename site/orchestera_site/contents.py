"""What a template makes, resource by resource, with the words of the template itself where it has some."""

# Of resources that have no description of their own in the template.
WHAT = {
    "Access": "The custom resource: CloudFormation asks the function through it to make role and policy.",
    "AccessFunctionEventInvokeConfig": "One retry, and none after CloudFormation has stopped waiting.",
    "FunctionLogGroup": "The function's log. It goes with the stack.",
    "FunctionPolicy": "The rights of the function: that one role and that one policy, action by action.",
    "FunctionLogPolicy": "Its right to write its own log, and to see whether its own stack is being worked on.",
}
CONDITIONS = {"IsGuarded": "only with Guardrail = On", "ChecksDrift": "unless DriftCheck = Off"}


def resources(template):
    """Rows of logical id, type, what it is, and when it is made. A resource that has no words anywhere is an error."""
    for name, resource in template["Resources"].items():
        what = resource.get("Properties", {}).get("Description") or WHAT[name]
        yield name, resource["Type"], what, CONDITIONS[resource["Condition"]] if "Condition" in resource else ""
