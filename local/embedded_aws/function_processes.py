"""When the process of a function ends: with its function, with no other one, and when it has long been idle.

MiniStack keeps a process for each function until the function's own code changes or is deleted by a call to Lambda.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import ministack.core.lambda_runtime as lambda_runtime
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.lambda_svc as lambda_service
from ministack.core.responses import get_account_id, get_region

FUNCTION = "AWS::Lambda::Function"


def repair():
    lambda_service.invalidate_worker = _of_one_account(lambda_service.invalidate_worker)
    handlers = provisioners._RESOURCE_HANDLERS[FUNCTION]
    handlers["delete"] = _with_its_processes(handlers["delete"])


def _of_one_account(invalidate):
    """Functions have the same name in every account that has the same stack; a change to one is none to the others."""

    def repaired(function_name, qualifier=None, account=None, region=None):
        invalidate(function_name, qualifier, account or get_account_id(), region or get_region())

    return repaired


def _with_its_processes(delete):
    """A function that CloudFormation deletes is as gone as one that a call to Lambda deletes."""

    def repaired(physical_id, properties):
        delete(physical_id, properties)
        lambda_service.invalidate_worker(physical_id)

    return repaired
