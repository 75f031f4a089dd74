"""`make -C bench scale`: measures what one of many accounts costs, with one warm function or a cold one for each."""

import statistics
import sys
from dataclasses import dataclass

from orchestera_bench import command, report
from orchestera_bench.stage import contenders
from orchestera_bench.stage.proof import prove
from orchestera_bench.stage.world import OWN_ACCOUNT

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
        "event_to_put_ms": round(of("event_to_put_ms"), 3),
        "middle_half_ms": [round(lower, 3), round(upper, 3)],
        "cpu_ms": round(of("cpu_ms"), 3),
        "calls": of("calls"),
        "peak_rss_mib": round(memory / 2**20, 3),
    }


async def repeated(run, size):
    """The costs of all accounts of as many fleets of that size as it takes."""
    all_costs, highest = [], 0
    while len(all_costs) < AT_LEAST:
        costs, memory = await run(size)
        all_costs += costs
        highest = max(highest, memory)
    return summary(all_costs, highest)


async def measure(given, product):
    async with command.stage(given) as (world, limited, about):
        program = world.program(product)
        results = {way: {} for way in WAYS}
        # To bring the file into memory.
        await cold(world, program, 1, limited)
        for size in given.sizes:
            for way, (title, run) in WAYS.items():
                results[way][size] = await repeated(lambda n, run=run: run(world, program, n, limited), size)
                print(f"  {title}: {size}", file=sys.stderr)
    titles = {way: title for way, (title, _) in WAYS.items()}
    return about | {"at_least": AT_LEAST, "ways": titles, "results": results}


def main(arguments=None):
    parser = command.parser("scale", __doc__, "--output /tmp/scale.json 1 10")
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES, help="numbers of accounts (1 10 100)")
    given = parser.parse_args(arguments)
    product = next(
        contender for contender in contenders.all_of_them(given.built, given.bootstrap) if contender.name == "product"
    )
    return command.carry_out(measure(given, product), given, report.scale)


if __name__ == "__main__":
    sys.exit(main())
