"""A function's log is written with the rights of its role, and not by magic.

Actions and resources of CloudWatch Logs:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

import ministack.services.cloudwatch_logs as logs
import ministack.services.lambda_svc as lambda_service
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region


def repair():
    lambda_service._emit_lambda_logs = _with_the_roles_rights(lambda_service._emit_lambda_logs)


def _with_the_roles_rights(emit):
    def repaired(function, *invocation, **named):
        configuration = function.get("config") or function
        group = (configuration.get("LoggingConfig") or {}).get(
            "LogGroup"
        ) or f"/aws/lambda/{configuration['FunctionName']}"
        # The stream's name is not known here; a policy that tells streams apart is nothing that this product has.
        arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}"
        needed = [("logs:CreateLogStream", f"{arn}:log-stream:x"), ("logs:PutLogEvents", f"{arn}:log-stream:x")]
        if group not in logs._log_groups:
            needed.append(("logs:CreateLogGroup", arn))
        if all(_may(configuration["Role"], action, resource) for action, resource in needed):
            emit(function, *invocation, **named)

    return repaired


def _may(role_arn, action, resource):
    account_id = role_arn.split(":")[4]
    context = iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account_id,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(role_arn.split("/")[-1], account_id)
    return iam_evaluator.evaluate(context, policies).decision == "Allow"
