"""`make -C bench record`: keeps the last runs of `make bench` and `make -C bench scale`.

It writes the results to `bench/results/`, the figure to `docs/benchmark.svg`, and the tables to `docs/performance.md`.
Each table is between two comments that name it. The rest of that document is written by hand.
"""

import json
import re
import sys
from pathlib import Path

from orchestera_bench import command, plot, report, scale
from orchestera_bench.stage import contenders

ROOT = Path(__file__).resolve().parents[2]
RESULTS, FIGURE, DOCUMENT = ROOT / "bench/results", ROOT / "docs/benchmark.svg", ROOT / "docs/performance.md"
REPORTS = {"cold": report.cold, "scale": report.scale}
COMMANDS = {"cold": "bench", "scale": "-C bench scale"}
LEAST_ROUNDS = 11


def with_part(document, name, lines):
    """The document with those lines between `<!-- NAME: … -->` and `<!-- end of NAME -->`."""
    pattern = re.compile(rf"(<!-- {name}:[^>]*-->\n).*?(\n<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(document):
        raise SystemExit(f"{DOCUMENT.name} has no place for the table {name!r}")
    return pattern.sub(lambda found: found[1] + "\n" + "\n".join(lines).strip() + "\n" + found[2], document)


def is_whole(name, result):
    """Whether everybody took part and often enough, as the documents say: other runs are for whoever asked for them."""
    if result["versions"]["target"].endswith("-gnu") or result["share_of_a_core"]["why_not"]:
        return False
    if result["round_trip_ms"] != command.ROUND_TRIP_MS:
        return False
    if name == "cold":
        # Of the names alone, which do not depend on where something was built.
        everybody = {contender.name for contender in contenders.all_of_them(Path(), Path())}
        return set(result["contenders"]) == everybody and result["rounds"] >= LEAST_ROUNDS
    return all(set(sizes) == set(map(str, scale.SIZES)) for sizes in result["results"].values())


def main(arguments=None):
    built = command.parser("record", __doc__, "", measures=False).parse_args(arguments).built
    RESULTS.mkdir(exist_ok=True)
    document = DOCUMENT.read_text()
    for name, lines in REPORTS.items():
        run = built / f"{name}.json"
        if not run.exists():
            print(f"no run of {name} to record", file=sys.stderr)
            continue
        result = json.loads(run.read_text())
        if not is_whole(name, result):
            raise SystemExit(f"{run} is not a complete run. Run make {COMMANDS[name]} without leaving anything out.")
        (RESULTS / run.name).write_text(run.read_text())
        document = with_part(document, name, lines(result))
        if name == "cold":
            FIGURE.write_text("\n".join(plot.svg(result)) + "\n")
        print(f"recorded {name} of {result['date']}")
    DOCUMENT.write_text(document)


if __name__ == "__main__":
    main()
