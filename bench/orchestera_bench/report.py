"""Tables of what was measured, in Markdown, which reads well on a terminal too."""

COLUMNS = {
    "init_ms": ("init ms", "{:.1f}"),
    "init_cpu_ms": ("init CPU ms", "{:.1f}"),
    "event_to_put_ms": ("event to PUT ms", "{:.0f}"),
    "exec_to_put_ms": ("exec to PUT ms", "{:.0f}"),
    "cpu_ms": ("CPU ms", "{:.1f}"),
    "rss_mib": ("peak RSS MiB", "{:.1f}"),
}
RATIOS = ("time ÷ floor", "CPU ÷ floor")
TITLES = {"whole": "A whole core", "share": "128 MB: 7.2 % of a core once it has the first event"}


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(heads, rows):
    """Aligned: the first column to the left, the others to the right."""
    rows = [[str(cell) for cell in line] for line in rows]
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    yield row(head.ljust(width) for head, width in zip(heads, widths, strict=True))
    yield row(("-" * width if not n else "-" * (width - 1) + ":") for n, width in enumerate(widths))
    for line in rows:
        first, *others = zip(line, widths, strict=True)
        yield row([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def condition(result, name):
    medians = result["medians"][name]
    heads = ["contender", *(head for head, _ in COLUMNS.values()), *RATIOS]
    rows = []
    for contender, figures in medians.items():
        cells = [form.format(figures[key]) for key, (_, form) in COLUMNS.items()]
        rows.append([result["contenders"][contender]["title"], *cells, *ratios(medians, figures)])
    return table(heads, rows)


def ratios(medians, figures):
    """Of the time and of the CPU, to those of the floor, or of the first if it takes no part."""
    floor = medians.get("floor", next(iter(medians.values())))
    return [f"{figures[key] / floor[key]:.2f}" for key in ("exec_to_put_ms", "cpu_ms")]


def sizes(result, name):
    """Cells about what is shipped and done: the title, kB of zip, millions of instructions, calls."""
    counts, about = result["instructions_millions"], result["contenders"][name]
    any_condition = next(iter(result["medians"].values()))
    instructions = f"{counts[name]:.1f}" if name in counts else ""
    return [about["title"], f"{about['zip_bytes'] / 1000:.0f}", instructions, f"{any_condition[name]['calls']:.0f}"]


def cold(result):
    """The lines of the report of `make bench`."""
    yield f"Measured on {result['date']}, {result['machine']}; medians of {result['rounds']} interleaved rounds; TLS,"
    of = result["versions"]
    yield f"round trip {result['round_trip_ms']:g} ms. {of['rustc']} for {of['target']};"
    yield f"Python {of['python']}, boto3 {of['boto3']}, crhelper {of['crhelper']}; Node {of['node']}."
    for name in result["medians"]:
        yield from ("", f"**{TITLES[name]}**", "", *condition(result, name))
    share = result["share_of_a_core"]
    if share["why_not"]:
        yield from ("", f"No columns for 128 MB, because cgroups do not allow it here: {share['why_not']}.")
    yield from ("", "**What is shipped and done**", "")
    rows = [sizes(result, name) for name in result["contenders"]]
    yield from table(["contender", "zip kB (deflate)", "million instructions", "calls to IAM"], rows)
    yield ""
    if share["measured"]:
        yield f"The share: {share['wanted']:.1%} of a core wanted, {share['measured']:.1%} measured with a busy loop."
    server = result["server"]
    yield f"The server's own work, median: {server['answer_ms']:.2f} ms for an answer, {server['handshake_ms']:.2f} ms"
    yield f"for a handshake. Load of the machine before: {result['load_before']}."


def builds(result):
    """The lines of the report of `make -C bench builds`."""
    name = "share" if "share" in result["medians"] else "whole"
    medians = result["medians"][name]
    yield f"Measured on {result['date']}, {result['machine']}; medians of {result['rounds']} interleaved rounds; TLS,"
    yield f"round trip {result['round_trip_ms']:g} ms. {TITLES[name]}."
    yield ""
    heads = ["build", "zip kB (deflate)", "million instructions", "exec to PUT ms", "CPU ms", "peak RSS MiB", *RATIOS]
    rows = []
    for build, figures in medians.items():
        title, zipped, instructions, _ = sizes(result, build)
        cells = (COLUMNS[key][1].format(figures[key]) for key in ("exec_to_put_ms", "cpu_ms", "rss_mib"))
        rows.append([title, zipped, instructions, *cells, *ratios(medians, figures)])
    yield from table(heads, rows)


def scale(result):
    """The lines of the report of `make -C bench scale`."""
    share = result["share_of_a_core"]
    core = "a whole core, because cgroups do not allow less here" if share["why_not"] else "128 MB (7.2 % of a core)"
    yield f"Measured on {result['date']}, {result['machine']}; {core}; TLS, round trip {result['round_trip_ms']:g} ms;"
    yield f"medians of {result['at_least']} accounts or more. Load of the machine before: {result['load_before']}."
    yield ""
    heads = ["for each account", "accounts", "event to PUT ms", "middle half", "CPU ms", "calls", "peak RSS MiB"]
    rows = []
    for way, sizes in result["results"].items():
        for size, cost in sizes.items():
            lower, upper = cost["middle_half_ms"]
            time = [f"{cost['event_to_put_ms']:.0f}", f"{lower:.0f} to {upper:.0f}"]
            others = [f"{cost['cpu_ms']:.1f}", f"{cost['calls']:g}", f"{cost['peak_rss_mib']:.1f}"]
            rows.append([result["ways"][way], size, *time, *others])
    yield from table(heads, rows)
    yield ""
    for way, sizes in result["results"].items():
        fewest, most = min(sizes, key=int), max(sizes, key=int)
        time, cpu = (sizes[most][key] / sizes[fewest][key] for key in ("event_to_put_ms", "cpu_ms"))
        title = result["ways"][way]
        yield f"- {title}: {most} against {fewest}, {time:.2f} of the time and {cpu:.2f} of the CPU for each"
