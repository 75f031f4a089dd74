"""`python -m orchestera_local.embedded_aws`: serve, until it is stopped or its owner is gone.

Its other settings are MiniStack's environment variables, which `aws.py` gives.
"""

import argparse
import os
import shutil
import signal
import sys
import threading
import time

import ministack.app

from . import (
    account_summary,
    alarms,
    alternate_contacts,
    asynchronous_invocations,
    authorization,
    cancellation,
    clock,
    custom_resources,
    event_invoke_configs,
    free_tier,
    function_processes,
    group_resources,
    iam_resources,
    iam_rules,
    identity_center,
    lambda_logs,
    lambda_versions,
    nested_stacks,
    organizations,
    people,
    physical_names,
    policy_simulator,
    policy_variables,
    refusals,
    resource_status,
    secret_resources,
    service_quotas,
    settings,
    shared_buckets,
    stack_sets,
    template_conditions,
    throttling,
    user_resources,
)


def end_with(owner):
    """A process whose parent is gone gets another one."""
    while os.getppid() == owner:
        time.sleep(1)
    # Its own folder, as `aws.py` made it.
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def main(arguments=None):
    command = ".venv/bin/python -m orchestera_local.embedded_aws"
    parser = argparse.ArgumentParser(
        prog=command,
        description=__doc__,
        epilog=f"Example:\n  BIND_HOST=127.0.0.1 GATEWAY_PORT=4566 AUTH=true {command}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--owner", type=int, metavar="PROCESS", help="its parent: it ends with that one")
    parser.add_argument("--throttling", type=int, metavar="N", help="IAM refuses every Nth call of a function")
    parser.add_argument("--faster", type=float, default=1, metavar="N", help="what AWS waits for takes 1/N of the time")
    given = parser.parse_args(arguments)
    if given.owner:
        threading.Thread(target=end_with, args=(given.owner,), daemon=True).start()
    clock.run_faster(given.faster)
    account_summary.repair()
    alarms.repair()
    alternate_contacts.repair()
    asynchronous_invocations.repair()
    authorization.repair()
    event_invoke_configs.repair()
    free_tier.repair()
    function_processes.repair()
    group_resources.repair()
    iam_resources.repair()
    iam_rules.repair()
    lambda_logs.repair()
    lambda_versions.repair()
    nested_stacks.repair()
    physical_names.repair()
    policy_simulator.repair()
    policy_variables.repair()
    resource_status.repair()
    secret_resources.repair()
    service_quotas.repair()
    shared_buckets.repair()
    stack_sets.repair()
    template_conditions.repair()
    user_resources.repair()
    if given.throttling:
        throttling.begin(given.throttling)
    # Organizations is around Identity Center, which looks up its members: what is outside is done first.
    app = people.repair(organizations.repair(identity_center.repair(custom_resources.repair(ministack.app.app))))
    # Around all that answers.
    refusals.repair()
    ministack.app.app = settings.serve(app)
    cancellation.repair()
    # It has a command line of its own.
    del sys.argv[1:]
    ministack.app.main()


if __name__ == "__main__":
    main()
