"""`make -C bench builds`: compares builds of this function with other flags, and the floor."""

import argparse
import sys
from pathlib import Path

from orchestera_bench import cold, command, report
from orchestera_bench.stage import contenders


def build(text):
    name, _, file = text.partition("=")
    path = Path(file).resolve()
    if not (name and path.is_file()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a name, =, and a built function")
    return contenders.function(name, name, path)


def main(arguments=None):
    parser = command.parser("builds", __doc__, "--output /tmp/builds.json another=/tmp/bootstrap")
    parser.add_argument(
        "builds", nargs="+", type=build, metavar="NAME=FILE", help="a name for the build, and the built function"
    )
    parser.add_argument("--rounds", type=int, default=11, help="how often to start each one; shown are medians (11)")
    given = parser.parse_args(arguments)
    ours = {one.name: one for one in contenders.all_of_them(given.built, given.bootstrap)}
    taking_part = [ours["product"], *given.builds, ours["floor"]]
    if len({contender.name for contender in taking_part}) < len(taking_part):
        parser.error("every build needs a name of its own, and neither product nor floor")
    return command.carry_out(cold.measure(given, taking_part), given, report.builds)


if __name__ == "__main__":
    sys.exit(main())
