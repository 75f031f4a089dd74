"""The figure of `make bench-fleet`, as SVG: seconds for so many accounts, both in powers of ten."""

import math
from xml.sax.saxutils import escape

from orchestera_bench.plot import STYLE, text

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 880, 460, 70, 230, 74, 44
LINES = """
  path, circle { stroke-width: 2; fill: none; stroke: #8c959f } .mark { fill: #8c959f }
  .ours path, .ours circle { stroke: #1a7f37 } .ours .mark { fill: #1a7f37 } .guess { stroke-dasharray: 3 4 }
  .limit { stroke: #cf222e; stroke-dasharray: 6 4 } .over { paint-order: stroke; stroke: #ffffff; stroke-width: 5 }
  @media (prefers-color-scheme: dark) {
    path, circle { stroke: #656c76 } .mark { fill: #656c76 } .limit { stroke: #f85149 } .over { stroke: #0d1117 }
    .ours path, .ours circle { stroke: #3fb950 } .ours .mark { fill: #3fb950 }
  }
"""
FEWEST, MOST = 10, 10_000


class Scale:
    """From accounts and seconds to points of the figure."""

    def __init__(self, least, most):
        self.lowest, self.highest = math.floor(math.log10(least)), math.ceil(math.log10(most))

    def x(self, accounts):
        share = math.log10(accounts / FEWEST) / math.log10(MOST / FEWEST)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, seconds):
        share = (math.log10(seconds) - self.lowest) / (self.highest - self.lowest)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def points(runs):
    return [(int(accounts), run["seconds"]) for accounts, run in sorted(runs.items(), key=lambda item: int(item[0]))]


def extrapolated(measured):
    """As many seconds for each account as in the largest run."""
    accounts, seconds = measured[-1]
    return MOST, seconds / accounts * MOST


def path(scale, measured, kind=""):
    steps = " L ".join(f"{scale.x(accounts):.1f} {scale.y(seconds):.1f}" for accounts, seconds in measured)
    return f'<path class="{kind}" d="M {steps}"/>'


def span(seconds):
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def grid(scale):
    for power in range(scale.lowest, scale.highest + 1):
        y = scale.y(10**power)
        yield f'<line class="line" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield text(LEFT - 8, y + 4, f"{10**power:,g} s", "faint small", "end")
    for accounts in (10, 100, 1000, 10_000):
        yield text(scale.x(accounts), HEIGHT - BOTTOM + 18, f"{accounts:,}", "faint small", "middle")


def line(scale, title, measured, ours):
    last = measured[-1]
    yield f'<g class="{"ours" if ours else "other"}">'
    yield path(scale, measured)
    if last[0] < MOST:
        guess = extrapolated(measured)
        yield path(scale, [last, guess], "guess")
        last = guess
    for accounts, seconds in measured:
        yield f'<circle class="mark" cx="{scale.x(accounts):.1f}" cy="{scale.y(seconds):.1f}" r="3"/>'
    yield text(scale.x(MOST) + 10, scale.y(last[1]) + 4, f"{title}: {span(last[1])}", "text small")
    yield "</g>"


def svg(result):
    """The lines of the figure."""
    # The product at another concurrency is in the table; here it would lie on the line of the default.
    lines = {name: points(runs) for name, runs in result["runs"].items() if runs and name != "product-32"}
    ends = [seconds for measured in lines.values() for seconds in (measured[0][1], extrapolated(measured)[1])]
    scale = Scale(min([*ends, 1]), max([*ends, 100]))
    title = "The state of every account: seconds for so many accounts"
    about = f"{result['round_trip_ms']:g} ms round trip; {result['machine']}; {result['date']}; "
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    yield f"<title>{escape(title)}</title><style>{STYLE}{LINES}</style>"
    yield f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>'
    yield text(20, 28, title, "text title")
    yield text(20, 48, f"{about}median of {result['rounds']}; dotted: extrapolated", "faint small")
    yield from grid(scale)
    y = scale.y(60)
    yield f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    for name, measured in lines.items():
        yield from line(scale, result["titles"][name], measured, name == "product")
    yield text(LEFT + 6, y - 6, "target for 10,000 accounts: 60 s", "faint small over")
    yield "</svg>"
