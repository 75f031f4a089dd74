"""`make bench-scale`: what an account costs when there are many, by one warm function or by a cold one each."""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import machine
import report
from stage import contenders, share
from stage.environment import Broken
from stage.proof import prove
from stage.wire import event_loop
from stage.world import OWN_ACCOUNT, World

SIZES = (1, 10, 100)
# Small fleets are begun again until there are so many accounts, because one alone says little.
AT_LEAST = 30


@dataclass
class Cost:
    """Of one account: milliseconds from the event to the PUT, of CPU, and calls to IAM and STS."""

    event_to_put_ms: float
    cpu_ms: float
    calls: int


def member(number):
    return f"4{number:011}"


async def cold(world, program, size, its_share):
    """An account each, with a function of its own that has to start: a StackSet."""
    costs, memory = [], 0
    for number in range(size):
        account = member(number)
        async with world.started(program, account, its_share) as environment:
            await environment.initialised()
            invocation = await environment.invoke(world.event(account, number))
        prove(world.iam, account, invocation)
        costs.append(cost(invocation, invocation.ended.cpu, len(world.iam.calls)))
        memory = max(memory, invocation.ended.memory)
    return costs, memory


async def warm(world, program, size, its_share, in_members):
    """One function: for stacks beside each other in its account, or each for another account of the organisation."""
    costs = []
    async with world.started(program, OWN_ACCOUNT, its_share) as environment:
        await environment.initialised()
        # The first event of a process is a cold one. It is not counted.
        await environment.invoke(world.event(number=size, RoleName="First", PolicyName="First"))
        for number in range(size):
            if in_members:
                account, properties = member(number), {"MemberAccountId": member(number)}
            else:
                account, properties = OWN_ACCOUNT, {"RoleName": f"R{number}", "PolicyName": f"P{number}"}
            before = len(world.iam.calls)
            invocation = await environment.invoke(world.event(number=number, **properties))
            prove(world.iam, account, invocation, before)
            cpu = invocation.ended.cpu - invocation.begun.cpu
            costs.append(cost(invocation, cpu, len(world.iam.calls) - before))
        memory = environment.moment().memory
    return costs, memory


def cost(invocation, cpu, calls):
    waited = invocation.answered.at - invocation.begun.at
    return Cost(waited * 1000, cpu * 1000, calls)


WAYS = {
    "cold": ("a function each, started cold", cold),
    "warm": ("one warm function, stacks of one account", lambda *all: warm(*all, in_members=False)),
    "members": ("one warm function, each stack for a member account", lambda *all: warm(*all, in_members=True)),
}


def summary(costs, memory):
    """Medians, and the quarters of the times around theirs."""

    def of(name):
        return statistics.median(getattr(cost, name) for cost in costs)

    lower, _, upper = statistics.quantiles((cost.event_to_put_ms for cost in costs), n=4)
    return {
        "accounts_measured": len(costs),
        "event_to_put_ms": of("event_to_put_ms"),
        "middle_half_ms": [lower, upper],
        "cpu_ms": of("cpu_ms"),
        "calls": of("calls"),
        "peak_rss_mib": memory / 2**20,
    }


async def repeated(run, size):
    """The costs of all accounts of as many fleets of that size as it takes."""
    all_costs, highest = [], 0
    while len(all_costs) < AT_LEAST:
        costs, memory = await run(size)
        all_costs += costs
        highest = max(highest, memory)
    return summary(all_costs, highest)


async def measure(given, contender):
    its_share, why_not = None, ""
    try:
        its_share, _ = share.share()
    except share.NotPossible as reason:
        why_not = str(reason)
    load = machine.load()
    machine.go_first()
    with tempfile.TemporaryDirectory(prefix="orchestera-bench-") as folder:
        world = World(Path(folder), given.round_trip / 1000)
        await world.open()
        program = world.program(contender)
        results = {way: {} for way in WAYS}
        try:
            await cold(world, program, 1, its_share)
            for size in given.sizes:
                for way, (title, run) in WAYS.items():
                    results[way][size] = await repeated(lambda n, run=run: run(world, program, n, its_share), size)
                    print(f"  {title}: {size}", file=sys.stderr)
        finally:
            world.close()
            if its_share:
                its_share.close()
    return {
        "date": machine.today(),
        "machine": given.machine or machine.kind(),
        "load_before": load,
        "at_least": AT_LEAST,
        "round_trip_ms": given.round_trip,
        "share_of_a_core": {"wanted": share.FRACTION, "why_not": why_not},
        "ways": {way: title for way, (title, _) in WAYS.items()},
        "results": results,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES, help="numbers of accounts (1 10 100)")
    parser.add_argument("--round-trip", type=float, default=20.0, help="to IAM, STS and the callback, in milliseconds")
    parser.add_argument("--machine", default="", help="what to call this machine in the report")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    given = parser.parse_args()
    product = next(contender for contender in contenders.all_of_them() if contender.name == "product")
    with asyncio.Runner(loop_factory=event_loop) as runner:
        try:
            result = json.loads(json.dumps(runner.run(measure(given, product))))
        except Broken as broken:
            print(f"NOT MEASURED: {broken}", file=sys.stderr)
            return 1
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(result, indent=1) + "\n")
    print(*report.scale(result), f"\nWritten to {given.output}", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
