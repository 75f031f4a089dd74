"""`make bench`: measures a cold start with one Create of every contender, with and without Lambda's share of a core."""

import statistics
import sys

from orchestera_bench import command, plot, report
from orchestera_bench.stage import contenders, instructions
from orchestera_bench.stage.proof import prove
from orchestera_bench.stage.world import OWN_ACCOUNT

# Of this, the first is thrown away: it brings files into memory and makes Python's byte code.
WARM_UP = 1


def figures(environment, ready, invocation, calls):
    """What one cold start took. Times in milliseconds, memory in MiB."""
    begun, answered, ended = invocation.begun, invocation.answered, invocation.ended
    measured = {
        "init_ms": (ready.at - environment.started.at) * 1000,
        "init_cpu_ms": ready.cpu * 1000,
        "event_to_put_ms": (answered.at - begun.at) * 1000,
        "exec_to_put_ms": (answered.at - environment.started.at) * 1000,
        "cpu_ms": ended.cpu * 1000,
        "rss_mib": ended.memory / 2**20,
        "calls": calls,
    }
    return {name: round(figure, 3) for name, figure in measured.items()}


async def cold_start(world, contender, share=None, program=None):
    program = program or world.program(contender)
    async with world.started(program, share=share) as environment:
        ready = await environment.initialised()
        invocation = await environment.invoke(world.event())
    prove(world.iam, OWN_ACCOUNT, invocation)
    return figures(environment, ready, invocation, len(world.iam.calls))


async def rounds(world, taking_part, count, conditions):
    """Every contender under every condition in each round, so that what else the machine does meets them all."""
    samples = {name: {contender.name: [] for contender in taking_part} for name in conditions}
    for number in range(WARM_UP + count):
        for condition, its_share in conditions.items():
            for contender in taking_part:
                sample = await cold_start(world, contender, its_share)
                if number >= WARM_UP:
                    samples[condition][contender.name].append(sample)
        if number < WARM_UP:
            world.busy.clear()
        print(f"\r  round {max(0, number + 1 - WARM_UP)} of {count}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return samples


async def count_instructions(world, taking_part):
    """Of the machine's programs, if valgrind is there: a figure that other work on the machine does not touch."""
    counts = {}
    if not instructions.can_be_counted():
        return counts
    for contender in (contender for contender in taking_part if contender.native):
        counted = instructions.Counted(contender, world)
        await cold_start(world, contender, program=counted.program)
        counts[contender.name] = counted.millions()
    return counts


def medians(samples):
    def middle(of):
        return {key: statistics.median(sample[key] for sample in of) for key in of[0]}

    return {condition: {name: middle(of) for name, of in each.items()} for condition, each in samples.items()}


def milliseconds(seconds):
    return round(statistics.median(seconds) * 1000, 3) if seconds else 0.0


async def measure(given, taking_part):
    async with command.stage(given) as (world, limited, about):
        conditions = {"whole": limited.unlimited(), "share": limited} if limited else {"whole": None}
        samples = await rounds(world, taking_part, given.rounds, conditions)
        server = {"answer_ms": milliseconds(world.busy.answers), "handshake_ms": milliseconds(world.busy.handshakes)}
        counts = await count_instructions(world, taking_part)
    return about | {
        "rounds": given.rounds,
        "server": server,
        "contenders": {c.name: {"title": c.title, "zip_bytes": c.zip_size()} for c in taking_part},
        "instructions_millions": counts,
        "medians": medians(samples),
        "samples": samples,
    }


def main(arguments=None):
    parser = command.parser("cold", __doc__, "--output /tmp/cold.json --rounds 5 product floor")
    parser.add_argument("contenders", nargs="*", metavar="CONTENDER", help="their names (all of them)")
    parser.add_argument("--rounds", type=int, default=11, help="how often to start each one; shown are medians (11)")
    given = parser.parse_args(arguments)
    everybody = {one.name: one for one in contenders.all_of_them(given.built, given.bootstrap)}
    if unknown := set(given.contenders) - set(everybody):
        parser.error(f"no such contender: {', '.join(sorted(unknown))}; there are {', '.join(everybody)}")
    taking_part = [everybody[name] for name in given.contenders] or list(everybody.values())
    return command.carry_out(measure(given, taking_part), given, report.cold, plot.svg)


if __name__ == "__main__":
    sys.exit(main())
