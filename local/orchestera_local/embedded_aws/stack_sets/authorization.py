"""By which resource a call about a StackSet is judged: its ARN. MiniStack knows that of stacks alone.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html
"""

from ministack.core import iam_actions

from . import api

# It has no StackSet yet.
JUDGED_ON_NOTHING = "CreateStackSet"


def repair():
    iam_actions.extract_resource_arn = _with_stack_sets(iam_actions.extract_resource_arn)


def _with_stack_sets(extract_resource_arn):
    def repaired(service, method, path, headers, body, parameters, region, account_id):
        def parameter(name):
            return iam_actions._query_param(parameters, name)

        name = parameter("StackSetName") if service == "cloudformation" else None
        if not name or parameter("Action") == JUDGED_ON_NOTHING:
            return extract_resource_arn(service, method, path, headers, body, parameters, region, account_id)
        request = {"StackSetName": name} | ({"CallAs": parameter("CallAs")} if parameter("CallAs") else {})
        try:
            return api.find(request).arn
        except api.Refused:
            return f"arn:aws:cloudformation:{region}:{account_id}:stackset/{name}:*"

    return repaired
