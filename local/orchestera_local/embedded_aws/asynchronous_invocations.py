"""An event that is given to Lambda, which answers at once and invokes the function until it succeeds or is given up.

Two attempts more after one that failed, a minute and then two minutes later; what is throttled is not counted; nothing
begins after `MaximumEventAgeInSeconds`: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import contextvars
import logging
import threading
import time

import ministack.services.lambda_svc as lambda_service

from . import clock, event_invoke_configs

# Seconds before the second and the third attempt.
PAUSES = (60, 120)
# Seconds between two attempts that are throttled: from the first to the last.
SHORTEST_PAUSE, LONGEST_PAUSE = 1, 300

logger = logging.getLogger("lambda")


def repair():
    """MiniStack made the pauses of all functions the same few seconds, looked at the configuration of no version or
    alias, and let an event reach a function of the same name that had been made since.
    """
    lambda_service.invoke_async_with_retry = lambda function, event: invoke(function["config"]["FunctionArn"], event)


def invoke(function_arn, event):
    """Returns at once. The ARN may name a version or an alias."""
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_attempt, function_arn, event), daemon=True).start()


def _attempt(function_arn, event):
    given, failed, throttled = time.monotonic(), 0, 0
    first, _, name = lambda_service._get_base_func_record_for_ref(function_arn)
    while True:
        base, _, _ = lambda_service._get_base_func_record_for_ref(function_arn)
        function, configuration, _ = lambda_service._get_func_record_for_ref(function_arn)
        # Names that CloudFormation makes up have no random part here: another function may have this one's by now.
        if function is None or base is not first:
            logger.info("%s is gone, and what it was to do", function_arn)
            return
        record = lambda_service._execution_record_for_config(function, configuration | {"FunctionArn": function_arn})
        result = lambda_service._execute_function_with_config_scope(record, event)
        settings = event_invoke_configs.of(base, function_arn)
        if result.get("throttle"):
            throttled += 1
            pause = min(SHORTEST_PAUSE * 2 ** (throttled - 1), LONGEST_PAUSE)
        elif not result.get("error"):
            return
        else:
            failed += 1
            if failed > settings["MaximumRetryAttempts"]:
                break
            pause = PAUSES[failed - 1]
        if clock.seconds_since(given) + pause > settings["MaximumEventAgeInSeconds"]:
            break
        logger.info("%s is invoked again in %d seconds of AWS's", function_arn, pause)
        time.sleep(clock.shortened(pause))
    destination = settings["DestinationConfig"].get("OnFailure", {}).get("Destination")
    if target := destination or (configuration.get("DeadLetterConfig") or {}).get("TargetArn"):
        lambda_service._route_async_failure(target, name, event, result)
