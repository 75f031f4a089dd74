"""What there is in an account of what a stack of this product makes."""

# IAM makes these by itself, so that they belong to nobody's stack.
SERVICE_LINKED = "/aws-service-role/"


def of(account):
    """Names by kind: roles, policies, functions, log groups, stacks."""
    iam = account.client("iam")
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    return {
        "roles": [
            role["RoleName"] for role in iam.list_roles()["Roles"] if not role["Path"].startswith(SERVICE_LINKED)
        ],
        "policies": [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]],
        "functions": [function["FunctionName"] for function in account.client("lambda").list_functions()["Functions"]],
        "log groups": [group["logGroupName"] for group in account.client("logs").describe_log_groups()["logGroups"]],
        "stacks": [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"],
    }
