"""`python -m embedded_aws`: serve, until it is stopped or its owner is gone.

Settings are MiniStack's environment variables, given by `aws.py`, and two of our own: EMBEDDED_AWS_OWNER, the process
id of the owner, and EMBEDDED_AWS_THROTTLING: IAM refuses every so many calls of a function.
"""

import os
import shutil
import signal
import threading
import time

import ministack.app

from . import (
    authorization,
    custom_resources,
    function_processes,
    iam_resources,
    iam_rules,
    lambda_logs,
    lambda_versions,
    organization,
    shared_buckets,
    stack_sets,
    template_conditions,
    throttling,
)


def end_with(owner):
    """A process whose parent is gone gets another one."""
    while os.getppid() == owner:
        time.sleep(1)
    # Its own folder, as `aws.py` made it.
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    if owner := os.environ.get("EMBEDDED_AWS_OWNER"):
        threading.Thread(target=end_with, args=(int(owner),), daemon=True).start()
    authorization.repair()
    function_processes.repair()
    iam_resources.repair()
    iam_rules.repair()
    lambda_logs.repair()
    lambda_versions.repair()
    organization.repair()
    shared_buckets.repair()
    stack_sets.repair()
    template_conditions.repair()
    if every := os.environ.get("EMBEDDED_AWS_THROTTLING"):
        throttling.begin(int(every))
    ministack.app.app = custom_resources.repair(ministack.app.app)
    ministack.app.main()
