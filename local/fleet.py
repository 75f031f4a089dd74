"""`make test-fleet`: a stack in each of many accounts, with IAM refusing calls meanwhile. Ends with 0 if nothing failed.

For each fleet whose size is given, on one embedded AWS: all stacks are created, then all updated, then all deleted,
`AT_ONCE` at a time. A bigger fleet may not take longer for each account.
"""

import collections
import contextlib
import re
import signal
import statistics
import sys
import time
from concurrent import futures
from dataclasses import dataclass

import inventory
from aws import EmbeddedAws
from stack import Failed, Stack, template

# Divides 10, 100 and 300, so that no fleet ends with a wave that is not full, and runs faster for it.
AT_ONCE = 5
# Every seventh call of a function to IAM is refused. It makes some ten calls for an event: most events meet one refusal or
# two. The SDK in the function makes six attempts; in one function no two calls that are refused follow on each other.
THROTTLING = 7
# So often what an account takes in a small fleet, it may take in a bigger one. The function waits up to a second before
# it repeats a refused call, at random, and the machine has other work: runs of the same fleet differ by a fifth. What
# grows with the fleet shows between 10 and 300 as a multiple.
SLACK = 1.5
# First-time costs are paid by a fleet that is not judged.
WARM_UP = AT_ONCE
EDITIONS = ("2025-09-29", "2026-02-06")
OPERATIONS = ("create", "update", "delete")
TEMPLATE = template()
# Seconds in which functions end after their stacks did.
LONGEST_END = 10


class Broken(Exception):
    """What did not hold, a line for each account."""


@dataclass
class Measured:
    """What a fleet took: for each operation the mean of its accounts, in seconds."""

    accounts: int
    took: dict
    elapsed: float
    throttled: collections.Counter

    @property
    def total(self):
        return sum(self.took.values())

    def row(self):
        means = [self.took[operation] for operation in OPERATIONS] + [self.total]
        columns = "".join(f"{mean:>9.2f}" for mean in means)
        return f"{self.accounts:>8}{columns}{self.elapsed:>11.0f}{self.throttled.total():>11}"


HEADING = f"{'accounts':>8}" + "".join(f"{name:>9}" for name in (*OPERATIONS, "total")) + f"{'elapsed':>11}{'throttled':>11}"


def create(stack):
    """Returns the external id, as the role's trust asks for it."""
    outputs = stack.deploy(TEMPLATE, PolicyEdition=EDITIONS[0])
    return outputs


def update(stack):
    outputs = stack.deploy(TEMPLATE, PolicyEdition=EDITIONS[1])
    if outputs["PolicyEdition"] != EDITIONS[1] or outputs["Verified"] != "true":
        raise Failed(f"the outputs are {outputs}")
    return outputs


def delete(stack):
    status = stack.delete()
    if status != "DELETE_COMPLETE":
        raise Failed(f"{stack.name} is {status}: " + "; ".join(stack.reasons()))


def external_id(stack):
    """What the trust of the account's role asks for; that it is what the stack says."""
    role = stack.account.client("iam").get_role(RoleName="OrchesteraAccessRole")["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    asked_for = statement["Condition"]["StringEquals"]["sts:ExternalId"]
    if asked_for != stack.outputs()["ExternalId"]:
        raise Failed("the role's trust does not ask for the external id of the stack's outputs")
    return asked_for


def nothing_is_left(stack):
    left = {kind: names for kind, names in inventory.of(stack.account).items() if names}
    if left:
        raise Failed(f"left: {left}")


def everywhere(pool, operation, stacks):
    """Does it in every account. Returns by account what it returned and the seconds that it took.

    After the first failure no other account is begun; those that are under way come to their end, which is bounded.
    """

    def timed(stack):
        started = time.monotonic()
        return operation(stack), time.monotonic() - started

    running = {pool.submit(timed, stack): stack for stack in stacks}
    futures.wait(running, return_when=futures.FIRST_EXCEPTION)
    not_begun = sum(future.cancel() for future in running)
    futures.wait(running)
    failures = [
        f"{operation.__name__} in account {stack.account.id}: {type(future.exception()).__name__}: {future.exception()}"
        for future, stack in running.items()
        if not future.cancelled() and future.exception()
    ]
    if failures:
        raise Broken("\n".join([*failures, f"{not_begun} of {len(stacks)} accounts were not begun"]))
    return [future.result() for future in running]


def throttled(aws):
    """How often which call was refused so far."""
    return collections.Counter(re.findall(r"\[throttling\] refused (\w+)", aws.log()))


def life_of(aws, pool, accounts):
    """A whole fleet from its creation to its end. Raises `Broken`."""
    stacks = [Stack(aws.account(f"5{accounts:04}{number:07}")) for number in range(accounts)]
    before, started, took = throttled(aws), time.monotonic(), {}
    for operation in (create, update, delete):
        if operation is delete:
            there = {external_id for external_id, _ in everywhere(pool, external_id, stacks)}
            if len(there) != accounts:
                raise Broken(f"{accounts} accounts have {len(there)} different external ids")
        seconds = [seconds for _, seconds in everywhere(pool, operation, stacks)]
        took[operation.__name__] = statistics.fmean(seconds)
        print(f"  {accounts} accounts: {operation.__name__} done, {max(seconds):.2f} s at most", flush=True)
    elapsed = time.monotonic() - started
    everywhere(pool, nothing_is_left, stacks)
    ends = time.monotonic() + LONGEST_END
    while functions := aws.functions():
        if time.monotonic() > ends:
            raise Broken(f"{len(functions)} processes of functions are left, of {accounts} accounts")
        time.sleep(0.1)
    return Measured(accounts, took, elapsed, throttled(aws) - before)


def main(sizes):
    with EmbeddedAws(throttling=THROTTLING) as aws, futures.ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for n in [WARM_UP,*sizes]:
                m = life_of(aws,pool,n)
                print(HEADING); print(m.row(), m.throttled); print(len(aws.log()))
                import os; os.system(f"grep -E 'VmRSS|Threads' /proc/{aws.process.pid}/status")
        except Broken as e: print(e)


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]]))
