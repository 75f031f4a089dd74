"""One figure of `make bench`, as SVG: from the start of the process to the PUT, in two parts.

Colours follow the reader's scheme. The figure brings its own ground, because a page that embeds it as a picture decides
about its own ground alone.
"""

from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP, BAR, STEP, FOOT = 880, 210, 84, 74, 20, 34, 44
STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de } .text { fill: #1f2328 } .faint { fill: #59636e }
  .line { stroke: #d0d7de } .init { fill: #8c959f } .event { fill: #0969da }
  .ours .event { fill: #1a7f37 } .ours .text { font-weight: 600 }
  text { font: 13px system-ui, sans-serif } .title { font-size: 15px; font-weight: 600 } .small { font-size: 12px }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d } .text { fill: #f0f6fc } .faint { fill: #9198a1 }
    .line { stroke: #3d444d } .init { fill: #656c76 } .event { fill: #4493f8 } .ours .event { fill: #3fb950 }
  }
"""


def text(x, y, words, kind="text", anchor="start"):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def rectangle(x, y, width, kind):
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR}"/>'


def step_of(longest):
    """A round distance between the lines of the scale, for four to eight of them."""
    return next(step for step in (10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000) if longest / step <= 8)


def bars(result, medians, scale):
    for number, (name, figures) in enumerate(medians.items()):
        y = TOP + number * STEP
        total = figures["exec_to_put_ms"]
        init = total - figures["event_to_put_ms"]
        yield f'<g class="{"ours" if name == "product" else "other"}">'
        yield text(LEFT - 12, y + 15, result["contenders"][name]["title"], anchor="end")
        yield rectangle(LEFT, y, init * scale, "init")
        yield rectangle(LEFT + init * scale, y, figures["event_to_put_ms"] * scale, "event")
        yield text(LEFT + total * scale + 8, y + 15, f"{total:.0f} ms")
        yield "</g>"


def grid(longest, scale, bottom):
    step = step_of(longest)
    for tick in range(0, int(longest) + 1, step):
        x = LEFT + tick * scale
        yield f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom:.1f}"/>'
        yield text(x, bottom + 15, str(tick), "faint small", "middle")


def legend(x, y):
    yield f'<rect class="init" x="{x}" y="{y - 11}" width="12" height="12"/>'
    yield text(x + 18, y, "start, with a whole core", "faint small")
    yield f'<rect class="event" x="{x + 172}" y="{y - 11}" width="12" height="12"/>'
    yield text(x + 190, y, "event to answer", "faint small")


def svg(result):
    """The lines of the figure."""
    name = "share" if "share" in result["medians"] else "whole"
    medians = result["medians"][name]
    longest = max(figures["exec_to_put_ms"] for figures in medians.values())
    scale = (WIDTH - LEFT - RIGHT) / longest
    bottom = TOP + len(medians) * STEP - (STEP - BAR) + 8
    height = bottom + FOOT
    core = "at 128 MB, 7.2 % of a core" if name == "share" else "with a whole core"
    title = "Cold start of one Create: milliseconds from the process's start to the answer"
    about = f"{core}; {result['round_trip_ms']:g} ms round trip, TLS; {result['machine']}; {result['date']}; "
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">'
    yield f"<title>{escape(title)}</title><style>{STYLE}</style>"
    yield f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="8"/>'
    yield text(20, 28, title, "text title")
    yield text(20, 48, f"{about}median of {result['rounds']}", "faint small")
    yield from grid(longest, scale, bottom)
    yield from bars(result, medians, scale)
    yield from legend(LEFT, bottom + 34)
    yield "</svg>"
