"""`make -C bench timeline`: shows what one cold start sends over the network, and when."""

import sys

from orchestera_bench import command
from orchestera_bench.stage import contenders
from orchestera_bench.stage.proof import prove
from orchestera_bench.stage.world import OWN_ACCOUNT


async def measure(given, contender):
    async with command.stage(given) as (world, limited, about):
        program = world.program(contender)
        for _ in range(2):
            # The first time brings the file into memory.
            world.busy.clear()
            async with world.started(program, share=limited) as environment:
                ready = await environment.initialised()
                invocation = await environment.invoke(world.event())
            prove(world.iam, OWN_ACCOUNT, invocation)
    moments = [(at, "a connection is opened") for at in world.busy.opened]
    moments += [(call.at, f"{call.operation} {call.refused or 'arrives'}") for call in world.iam.calls]
    moments += [(ready.at, "the first event is asked for"), (invocation.begun.at, "the event is handed over")]
    moments += [(invocation.answered.at, "the PUT arrives"), (invocation.ended.at, "the next event is asked for")]
    start = environment.started.at
    return about | {"moments": [((at - start) * 1000, what) for at, what in sorted(moments)]}


def lines(result):
    for at, what in result["moments"]:
        yield f"{at:8.1f} ms  {what}"


def main(arguments=None):
    parser = command.parser("timeline", __doc__, "--output /tmp/timeline.json floor")
    parser.add_argument("contender", metavar="CONTENDER", nargs="?", default="product", help="its name (product)")
    given = parser.parse_args(arguments)
    everybody = {one.name: one for one in contenders.all_of_them(given.built, given.bootstrap)}
    if given.contender not in everybody:
        parser.error(f"no such contender: {given.contender}; there are {', '.join(everybody)}")
    return command.carry_out(measure(given, everybody[given.contender]), given, lines)


if __name__ == "__main__":
    sys.exit(main())
