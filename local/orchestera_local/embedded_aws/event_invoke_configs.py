"""`EventInvokeConfig`: of a function, which is that of its `$LATEST`, and of each version and alias.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionEventInvokeConfig.html
"""

import json
import re

import ministack.app
import ministack.services.lambda_svc as lambda_service
from ministack.core.responses import error_response_json

LATEST = "$LATEST"
# What holds where nothing is configured.
DEFAULTS = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 21600, "DestinationConfig": {}}
LIMITS = {"MaximumRetryAttempts": (0, 2), "MaximumEventAgeInSeconds": (60, 21600)}
PATH = re.compile(r"/2019-09-25/functions/(?P<function>[^/]+)/event-invoke-config/?")


def repair():
    for name in ("_get_event_invoke_config", "_put_event_invoke_config", "_delete_event_invoke_config"):
        setattr(lambda_service, name, _of_latest_by_default(getattr(lambda_service, name)))
    lambda_service._put_event_invoke_config = _within_limits(lambda_service._put_event_invoke_config)
    handlers = ministack.app.SERVICE_HANDLERS
    handlers["lambda"] = _with_update(handlers["lambda"])


def of(function, function_arn):
    """What is configured for what that ARN names, which is nothing of the function's own if it names an alias."""
    configs = function.get("event_invoke_configs") or {}
    return DEFAULTS | configs.get("".join(function_arn.split(":")[7:]) or LATEST, {})


def _of_latest_by_default(call):
    """MiniStack took the one without a qualifier and the one of `$LATEST` for two."""

    def repaired(name, qualifier=None, *others):
        return call(name, qualifier or LATEST, *others)

    return repaired


def _within_limits(put):
    def repaired(name, qualifier, data):
        # From a template, a number may come as a text.
        data |= {key: int(data[key]) for key in LIMITS if data.get(key) is not None}
        for key, (least, most) in LIMITS.items():
            value = data.get(key, least)
            if not least <= value <= most:
                bound = f"greater than or equal to {least}" if value < least else f"less than or equal to {most}"
                member = key[0].lower() + key[1:]
                message = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
                return error_response_json("ValidationException", f"{message}Member must have value {bound}", 400)
        return put(name, qualifier, data)

    return repaired


def _with_update(handle):
    """MiniStack knows no POST. What is not in it stays as it is."""

    async def repaired(method, path, headers, body, parameters):
        match = PATH.fullmatch(path)
        if method == "POST" and match:
            status, answer_headers, there = await handle("GET", path, headers, b"", parameters)
            if status != 200:
                return status, answer_headers, there
            settings = {key: value for key, value in json.loads(there).items() if key in DEFAULTS}
            method, body = "PUT", json.dumps(settings | json.loads(body or b"{}")).encode()
        return await handle(method, path, headers, body, parameters)

    return repaired
