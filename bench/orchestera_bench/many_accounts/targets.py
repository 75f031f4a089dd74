"""What has to be reached, and whether it is."""

from dataclasses import dataclass

from orchestera_bench.many_accounts.contenders import CONCURRENCY

MOST_ACCOUNTS, COMPARED = 10_000, 1000
MOST_SECONDS, MOST_BYTES = 60, 100 * 10**6
TIMES_BOTO3, TIMES_SHELL_LOOP = 5, 100
# What another account costs may grow by so much with ten times as many accounts. A run differs from the next by less.
GROWTH = 1.25


@dataclass(frozen=True)
class Target:
    """`reached` is `None` if it was not measured."""

    words: str
    now: str
    reached: bool | None


def at(result, name, accounts):
    """What a contender took with that many accounts, or `None`."""
    return result["runs"].get(name, {}).get(str(accounts))


def largest(result, name):
    """The number of accounts with which a contender was measured last, and what it took."""
    runs = result["runs"].get(name, {})
    accounts = max(runs, key=int, default=None)
    return (int(accounts), runs[accounts]) if runs else (0, None)


def of_each(accounts, run):
    """Seconds for one account."""
    return run["seconds"] / accounts


def of_another(result, name, fewer, more):
    """Seconds for each account more: what a run takes in any case is left out. `None` if it was not measured."""
    small, large = at(result, name, fewer), at(result, name, more)
    return (large["seconds"] - small["seconds"]) / (more - fewer) if small and large else None


def seconds_and_memory(result):
    run = at(result, "product", MOST_ACCOUNTS)
    for words, key, most, unit, form in (
        (f"{MOST_ACCOUNTS:,} accounts in at most {MOST_SECONDS} s", "seconds", MOST_SECONDS, "s", lambda s: f"{s:.1f}"),
        ("the same with at most 100 MB", "peak_bytes", MOST_BYTES, "MB", lambda b: f"{b / 1e6:.0f}"),
    ):
        now = f"{form(run[key])} {unit}" if run else "not measured"
        yield Target(words, now, run and run[key] <= most)


def flat(result):
    words = f"what another account costs is the same: with 10,000 at most {GROWTH} times that with 1,000"
    few, many = of_another(result, "product", 100, 1000), of_another(result, "product", 1000, MOST_ACCOUNTS)
    if few is None or many is None:
        return Target(words, "not measured", None)
    now = f"{many * 1000:.2f} and {few * 1000:.2f} ms, {many / few:.2f} times"
    return Target(words, now, many <= GROWTH * few)


def faster(result, times, words, product, other):
    """`product` and `other` are seconds for one account, or `None`."""
    if product is None or other is None:
        return Target(words, "not measured", None)
    return Target(words, f"{other / product:.1f} times", other >= times * product)


def against_others(result):
    words = f"at least {TIMES_BOTO3} times as fast as boto3, {COMPARED:,} accounts, {CONCURRENCY} at a time"
    ours, theirs = at(result, "product-32", COMPARED), at(result, "boto3-32", COMPARED)
    yield faster(result, TIMES_BOTO3, words, ours and ours["seconds"], theirs and theirs["seconds"])
    words = f"for one account, at least {TIMES_SHELL_LOOP} times as fast as the shell loop"
    ours, (accounts, theirs) = at(result, "product", COMPARED), largest(result, "shell-loop")
    loop = of_each(accounts, theirs) if theirs else None
    yield faster(result, TIMES_SHELL_LOOP, words, of_each(COMPARED, ours) if ours else None, loop)


def correct(result):
    """Every row of everyone, and the product's sessions: each is held down by a session policy."""
    runs = [(name, run) for name, sizes in result["runs"].items() for run in sizes.values()]
    wrong = sum(len(run["wrong"]) for _, run in runs)
    yield Target("every row is right", f"{wrong} wrong" if wrong else f"in {len(runs)} runs", not wrong)
    ours = [run for name, run in runs if name.startswith("product")]
    without = sum(run["counts"]["without_session_policy"] for run in ours)
    words = "every session has a session policy"
    yield Target(words, f"{without} without" if ours else "not measured", not without if ours else None)


def all_of_them(result):
    return [*seconds_and_memory(result), flat(result), *against_others(result), *correct(result)]
