"""What the proof found, as JSON and as Markdown. No secret is in either."""

import json
import time

from orchestera_local.page import Page
from orchestera_release.proof.caller import now


class Record(Page):
    """What is shown on the terminal is recorded, too: steps, claims, and the events of the stack."""

    def __init__(self, calls, secrets):
        super().__init__()
        self.calls, self.secrets = calls, secrets
        self.steps, self.claims, self.events, self.not_shown, self.verified = [], [], [], [], []
        self.since = time.monotonic()

    def scene(self, title):
        super().scene(title)
        self._step_ends()
        self.calls.step = title
        self.steps.append({"step": title, "began": now(), "seconds": None})
        self.since = time.monotonic()

    def say(self, text=""):
        super().say(self.secrets.hide(str(text)))

    def claim(self, text, holds):
        text = self.secrets.hide(text)
        super().claim(text, holds)
        seconds = round(time.monotonic() - self.since, 3)
        self.claims.append({"step": self.calls.step, "claim": text, "holds": bool(holds), "after seconds": seconds})

    def cannot_show(self, text):
        self.say(f"not shown: {text}")
        self.not_shown.append(text)

    def event(self, event):
        event = event | {"ResourceStatusReason": self.secrets.hide(event.get("ResourceStatusReason", ""))}
        super().event(event)
        self.events.append(
            {
                "step": self.calls.step,
                "at": event["Timestamp"].isoformat(timespec="milliseconds"),
                "resource": event["LogicalResourceId"],
                "type": event["ResourceType"],
                "status": event["ResourceStatus"],
                "reason": event["ResourceStatusReason"],
            }
        )

    def _step_ends(self):
        if self.steps:
            self.steps[-1]["seconds"] = round(time.monotonic() - self.since, 3)

    def report(self, about, ended, left, could_not_look):
        """The report as a value. `ended` is in words."""
        self._step_ends()
        report = {
            "schema": 1,
            **about,
            "ended": ended,
            "holds": ended == COMPLETE and not self.broken and not left and not could_not_look,
            "steps": self.steps,
            "claims": self.claims,
            "not shown": self.not_shown,
            "left": [{"kind": one.kind, "name": one.name, "commands": list(one.commands)} for one in left],
            "could not look": could_not_look,
            "verify": self.verified,
            "events": self.events,
            "requests": self.calls.answered,
        }
        return self.secrets.hide(report)


COMPLETE = "complete"
WITH_THE_STACK = (
    "Delete the stack first. It deletes the rest, but for the bucket. Delete by hand only what is there then."
)
# How the names of operations begin that only read.
READS = ("Describe", "Get", "List")


def markdown(report):
    """The same for people, without the events that have no reason."""
    about = [("Result", "every claim holds, and nothing is left" if report["holds"] else "NOT PROVED, see below")]
    names = ("ended", "release", "commit", "signed by", "AWS", "account", "region", "began", "seconds", "template")
    about += [(name[0].upper() + name[1:], report[name]) for name in names]
    lines = [f"# Proof of Orchestera Access {report['release']} on AWS", "", *_table(("", ""), about)]
    lines += ["", "## Checksums (SHA-256)", "", *_table(("file", "SHA-256"), report["checksums"].items())]
    lines += ["", "## Claims", ""]
    lines += _table(
        ("step", "claim", "holds", "after seconds"),
        [
            (one["step"], one["claim"], "yes" if one["holds"] else "**NO**", one["after seconds"])
            for one in report["claims"]
        ],
    )
    lines += ["", "## Not shown", "", *([f"- {one}" for one in report["not shown"]] or ["Nothing."])]
    lines += ["", "## What is left", "", *(_left(report) or ["Nothing."])]
    lines += ["", "## Steps", "", *_table(("step", "began", "seconds"), [one.values() for one in report["steps"]])]
    lines += ["", "## Events of CloudFormation with a reason", ""]
    lines += _table(
        ("at", "resource", "status", "reason"),
        [(one["at"], one["resource"], one["status"], one["reason"]) for one in report["events"] if one["reason"]],
    )
    lines += ["", "## Requests", "", "Those that only read are in the JSON.", ""]
    lines += _table(
        ("step", "call", "request id", "status"),
        [
            (one["step"], one["call"], one["request id"], one["error"] or one["status"])
            for one in report["requests"]
            if not one["call"].split(":")[1].startswith(READS)
        ],
    )
    return "\n".join(lines) + "\n"


def _left(report):
    lines = []
    for one in report["left"]:
        lines += [
            f"- {one['kind']} `{one['name']}`",
            "",
            "  ```sh",
            *[f"  {it}" for it in one["commands"]],
            "  ```",
            "",
        ]
        if one["kind"] == "stack" and len(report["left"]) > 1:
            lines += [WITH_THE_STACK, ""]
    return lines + [f"- It was not possible to look: {one}" for one in report["could not look"]]


def _table(head, rows):
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    return [f"| {line} |" for line in lines]


def write(report, folder, name):
    """Returns the two files. JSON first: it has everything."""
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / f"{name}.json", folder / f"{name}.md"
    files[0].write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    files[1].write_text(markdown(report))
    return files
