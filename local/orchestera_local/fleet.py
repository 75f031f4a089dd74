"""`make -C tests fleet`: a stack in each of many accounts, while IAM refuses calls. Ends with 0 if all went well.

For each size that is given, on one embedded AWS: all stacks are created, then all updated, then all deleted, a few at a
time. A bigger fleet may not take longer for each account.
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

from orchestera_local import guide, inventory
from orchestera_local.aws import EmbeddedAws
from orchestera_local.stack import Failed, Stack, template
from orchestera_release.command_line import parser

# Unless others are given. Each fleet is compared with the first.
SIZES = (10, 100, 300)
# So many stacks at a time. It divides 10, 100 and 300, so that no fleet has an easy end with fewer.
AT_ONCE = 5
# Every seventh call of a function to IAM is refused, which makes two or three for an event. Never are two refused in a
# row, so that a call fails for good only if others of the same function come between all six attempts of the SDK in it.
THROTTLING = 7
# An account in a bigger fleet may take so many times what one takes in the first fleet. A function waits for up to a
# second before it repeats a refused call, at random, and the machine may have other work: the same fleet of 10 differed
# by a fifth from run to run. An account takes some five seconds, so that 300 of which each costs every other one ten
# milliseconds are found out.
SLACK = 1.5
EDITIONS = ("2025-09-29", "2026-02-06")
# Seconds that the functions have to end after their stacks.
LONGEST_END = 10
TEMPLATE = template()


class Broken(Exception):
    """What did not hold, a line for each account."""


@dataclass(frozen=True)
class Fleet:
    """What a fleet took: `seconds` of one account for each operation, the mean of all; `elapsed`, all together."""

    accounts: int
    seconds: dict
    elapsed: float
    refused: collections.Counter

    def total(self):
        return sum(self.seconds.values())


def create(stack):
    stack.deploy(TEMPLATE, PolicyEdition=EDITIONS[0])


def update(stack):
    outputs = stack.deploy(TEMPLATE, PolicyEdition=EDITIONS[1])
    if (outputs["PolicyEdition"], outputs["Verified"]) != (EDITIONS[1], "true"):
        raise Failed(f"the outputs are {outputs}")


def delete(stack):
    status = stack.delete()
    if status != "DELETE_COMPLETE":
        raise Failed(f"{stack.name} is {status}: " + "; ".join(stack.reasons()))


def external_id(stack):
    """What the trust of the role asks for, which is what the stack gives out."""
    role = stack.account.client("iam").get_role(RoleName=guide.ROLE)["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    asked_for = statement["Condition"]["StringEquals"]["sts:ExternalId"]
    if stack.outputs()["ExternalId"] != asked_for:
        raise Failed("the trust of the role asks for another external id than the one in the outputs")
    return asked_for


def nothing_left(stack):
    left = {kind: names for kind, names in inventory.of(stack.account).items() if names}
    if left:
        raise Failed(f"there is still {left}")


def everywhere(pool, act, stacks):
    """Does it in every account; for each, what came of it and the seconds that it took.

    Raises `Broken` with every account in which it failed. After the first of them no other is begun; those under way
    come to their end, which `Stack` bounds.
    """

    def timed(stack):
        started = time.monotonic()
        try:
            return act(stack), time.monotonic() - started
        finally:
            # Until the next act, the server would end the idle connection, perhaps in the moment of its next use.
            stack.cloudformation.close()

    running = {pool.submit(timed, stack): stack for stack in stacks}
    futures.wait(running, return_when=futures.FIRST_EXCEPTION)
    begun = {future: stack for future, stack in running.items() if not future.cancel()}
    futures.wait(begun)
    broken = [
        f"{act.__name__} in account {stack.account.id}: {type(future.exception()).__name__}: {future.exception()}"
        for future, stack in begun.items()
        if future.exception()
    ]
    if broken:
        broken.append(f"{len(stacks) - len(begun)} of {len(stacks)} accounts were not begun any more")
        raise Broken("\n".join(broken))
    return [future.result() for future in running]


def refused(aws):
    """Which calls were refused so far, and how often."""
    return collections.Counter(re.findall(r"\[throttling\] refused (\w+)", aws.log()))


def life(aws, pool, accounts):
    """Of a whole fleet. Raises `Broken`."""
    stacks = [Stack(aws.account(f"5{accounts:04}{number:07}")) for number in range(accounts)]
    refused_before, started, seconds = refused(aws), time.monotonic(), {}
    for act in (create, update, delete):
        if act is delete:
            external_ids = {found for found, _ in everywhere(pool, external_id, stacks)}
            if len(external_ids) != accounts:
                raise Broken(f"{accounts} accounts have {len(external_ids)} different external ids")
        took = [took for _, took in everywhere(pool, act, stacks)]
        seconds[act.__name__] = mean = statistics.fmean(took)
        print(f"  {accounts} accounts: {act.__name__}, {mean:.2f} s each, {max(took):.2f} s at most", flush=True)
    elapsed = time.monotonic() - started
    everywhere(pool, nothing_left, stacks)
    ends = time.monotonic() + LONGEST_END
    while functions := aws.functions():
        if time.monotonic() > ends:
            raise Broken(f"{len(functions)} processes of functions are left of {accounts} accounts")
        time.sleep(0.1)
    return Fleet(accounts, seconds, elapsed, refused(aws) - refused_before)


def table(fleets):
    yield "              seconds for each account"
    yield "accounts    create  update  delete   total     elapsed   refused calls"
    for fleet in fleets:
        columns = "".join(f"{seconds:8.2f}" for seconds in [*fleet.seconds.values(), fleet.total()])
        yield f"{fleet.accounts:8}  {columns}  {fleet.elapsed:8.0f} s  {fleet.refused.total():14}"


def verdict(fleets):
    """What is wrong with what was measured."""
    first = fleets[0]
    for fleet in fleets:
        if not fleet.refused.total():
            yield f"no call was refused in the fleet of {fleet.accounts}"
        if fleet.total() > SLACK * first.total():
            yield (
                f"an account in the fleet of {fleet.accounts} took {fleet.total() / first.total():.2f} times what one "
                f"in that of {first.accounts} took; {SLACK} times is allowed"
            )


def main(arguments=None):
    options = parser("orchestera_local.fleet", __doc__, "10 50")
    options.add_argument("sizes", type=int, nargs="*", default=SIZES, help="numbers of accounts (10 100 300)")
    sizes = options.parse_args(arguments).sizes
    # However it is ended, everything that was started is stopped.
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, lambda number, _: sys.exit(128 + number))
    with contextlib.ExitStack() as ending:
        pool = futures.ThreadPoolExecutor(AT_ONCE)
        # Ended after the AWS, without which nothing that still runs in it waits for long.
        ending.callback(pool.shutdown, cancel_futures=True)
        aws = ending.enter_context(EmbeddedAws(throttling=THROTTLING))
        print(
            f"An AWS on loopback, {aws.endpoint}, whose IAM refuses every {THROTTLING}th call of a function. "
            f"{AT_ONCE} stacks at a time, the first {AT_ONCE} to warm up.",
            flush=True,
        )
        try:
            life(aws, pool, AT_ONCE)
            fleets = [life(aws, pool, accounts) for accounts in sizes]
        except Broken as broken:
            print(broken)
            return 1
    print("", *table(fleets), "", sep="\n")
    calls = sum((fleet.refused for fleet in fleets), collections.Counter())
    print("Refused: " + ", ".join(f"{call} {times}" for call, times in calls.most_common()))
    wrong = list(verdict(fleets))
    print(*wrong or ["All created, updated and deleted, each with its own external id. Nothing is left."], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
