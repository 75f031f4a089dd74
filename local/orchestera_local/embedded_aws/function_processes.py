"""When the process of a function ends: soon after its function is gone, with no other function, and when many are idle.

The life of an execution environment: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import ministack.core.lambda_runtime as lambda_runtime
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.lambda_svc as lambda_service
from ministack.core.responses import get_account_id, get_region

from . import clock

# Lambda freezes what is idle. Here it goes on asking for events: a hundred took 4 % of a core, and 8 MB each, so that
# each account would slow down all others. Lambda also ends what is idle, when it likes. Here that is beyond so many.
MOST_IDLE = 8


def repair():
    lambda_service.invalidate_worker = _of_one_account(lambda_service.invalidate_worker)
    lambda_service.release_worker = _then_ending_what_nobody_needs(lambda_service.release_worker)
    for kind in (lambda_runtime.Worker, lambda_runtime.ProvidedWorker):
        kind.invoke = _within_its_timeout(kind.invoke)
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    handlers["delete"] = _then_ending_what_nobody_needs(handlers["delete"])


def _of_one_account(invalidate):
    """Two accounts with the same stack have functions of one name. What is done to one is not done to the other.

    MiniStack ended the processes of both when CloudFormation made one of them, in the middle of an event or not.
    """

    def repaired(function_name, qualifier=None, account=None, region=None):
        invalidate(function_name, qualifier, account or get_account_id(), region or get_region())

    return repaired


def _within_its_timeout(invoke):
    """By the clock of this AWS. The function is told the end of its time by a real one."""

    def repaired(worker, *invocation, **named):
        configuration = worker.config
        worker.config = configuration | {"Timeout": clock.shortened(configuration["Timeout"])}
        try:
            return invoke(worker, *invocation, **named)
        finally:
            worker.config = configuration

    return repaired


def _then_ending_what_nobody_needs(act):
    """MiniStack left the process of a function that CloudFormation deleted, and one for each function for ever."""

    def repaired(*arguments):
        act(*arguments)
        with lambda_runtime._lock:
            ending = _not_needed(lambda_runtime._workers)
            for key, workers in list(lambda_runtime._workers.items()):
                lambda_runtime._workers[key] = [worker for worker in workers if worker not in ending]
                if not lambda_runtime._workers[key]:
                    del lambda_runtime._workers[key]
        lambda_runtime.kill_workers(ending)

    return repaired


def _not_needed(workers_of):
    """An event that a process has is carried to its end, whether or not its function is still there."""
    idle = [worker for workers in workers_of.values() for worker in workers if not worker.in_use]
    of_a_function = [worker for worker in idle if _has_function(worker)]
    oldest = sorted(of_a_function, key=lambda worker: worker.last_used)[:-MOST_IDLE]
    return [worker for worker in idle if worker not in of_a_function] + oldest


def _has_function(worker):
    account, region = lambda_runtime._account_region_from_function_config(worker.config)
    return lambda_service._functions.contains_scoped(account, region, worker.func_name)
