"""What README.md, the documents and the launch page all say: docs/facts.yaml, checked, and as Markdown.

A block of a document between `<!-- facts: NAME -->` and `<!-- end -->` is written from it. Without --write, this only
checks that each block is as it would be written.
"""

import os
import re
import sys
import textwrap
from pathlib import Path

from ruamel.yaml import YAML

from orchestera_release.command_line import parser
from orchestera_release.product import ROOT

FILE = "docs/facts.yaml"
WIDTH = 120
# A text, a list of texts, or for a list of rows the fields of each.
SHAPE = {
    "what": str,
    "account_check": {"title": str, "right": str, "console": str, "terminal": str, "compare": str},
    "steps": [str],
    "resources": [{"what": str, "details": str}],
    "cost": {"month": str, "source": str, "items": [{"item": str, "month": str, "price": str, "link": str}]},
    "time": str,
    "stop": str,
    "undo": str,
    "questions": [{"question": str, "answer": str}],
    "reviewer_questions": [{"permission": str, "why": str, "risk": str, "limit": str}],
}
# In CommonMark a comment is a block of its own, so it needs no blank line beside it.
BLOCK = re.compile(r"(<!-- facts: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")


def load(path=ROOT / FILE):
    """The facts as plain values: dicts, lists and texts of one line."""
    facts = YAML(typ="safe").load(Path(path).read_text())
    problems = list(_problems(facts, SHAPE, ""))
    if problems:
        raise ValueError(f"{path}: " + "; ".join(problems))
    return facts


def render(name, facts, document):
    """A block as Markdown, with links that start at the folder of the document."""
    return BLOCKS[name](_linked(facts, document))


def rendered(text, facts, document):
    """The text of a document with all its blocks as they should be."""
    return BLOCK.sub(lambda block: f"{block[1]}{render(block[2], facts, document)}\n{block[4]}", text)


def documents():
    """The documents that have blocks, by their paths in the repository."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        if "<!-- facts: " in (text := path.read_text()):
            yield str(path.relative_to(ROOT)), text


def _problems(value, shape, at):
    """What is missing, what is too much, and what is not one line of text."""
    if shape is str:
        if not isinstance(value, str) or not value.strip() or "\n" in value:
            yield f"{at} is not a text of one line"
    elif isinstance(shape, list):
        if not isinstance(value, list) or not value:
            yield f"{at} is not a list"
        else:
            for number, one in enumerate(value, 1):
                yield from _problems(one, shape[0], f"{at}[{number}]")
    elif not isinstance(value, dict):
        yield f"{at or 'the file'} has no fields"
    else:
        for name in value.keys() - shape.keys():
            yield f"{at}.{name} is not known".lstrip(".")
        for name, inner in shape.items():
            where = f"{at}.{name}".lstrip(".")
            if name in value:
                yield from _problems(value[name], inner, where)
            else:
                yield f"{where} is missing"


def _linked(value, document):
    """The facts with links as the document has to write them."""
    if isinstance(value, str):
        return LINK.sub(lambda link: f"]({_from(document, link[1])})", value)
    if isinstance(value, list):
        return [_linked(one, document) for one in value]
    return {name: _linked(one, document) for name, one in value.items()}


def _from(document, target):
    """A link of the repository's root, as the document has to write it."""
    file, hash_sign, heading = target.partition("#")
    if file == document and heading:
        return f"#{heading}"
    return os.path.relpath(file, os.path.dirname(document)) + hash_sign + heading


def _paragraph(text, first="", rest=""):
    """Wrapped. Links and code may be broken at their spaces, as everywhere in the documents."""
    return textwrap.fill(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    ruler = "|" + "---|" * len(head)
    return "\n".join(ruler if cells[0] == "---" else f"| {' | '.join(cells)} |" for cells in lines)


def _numbered(texts):
    return "\n".join(_paragraph(text, f"{number}. ", "   ") for number, text in enumerate(texts, 1))


def _bulleted(texts):
    return "\n".join(_paragraph(text, "- ", "  ") for text in texts)


def _account_check(facts):
    check = facts["account_check"]
    return f"{_paragraph(check['right'])}\n\n{_bulleted([check['console'], check['terminal'], check['compare']])}"


def _cost(facts):
    cost = facts["cost"]
    rows = [[one["item"], one["month"], one["price"], one["link"]] for one in cost["items"]]
    table = _table(["what", "a month", "price", "AWS's page"], rows)
    return f"{_paragraph(cost['month'])}\n\n{table}\n\n{_paragraph(cost['source'])}"


BLOCKS = {
    "what": lambda facts: _paragraph(facts["what"]),
    "account-check": _account_check,
    "steps": lambda facts: _numbered(facts["steps"]),
    "resources": lambda facts: _table(
        ["what appears in your account", "details"], [[one["what"], one["details"]] for one in facts["resources"]]
    ),
    "cost": _cost,
    "in-short": lambda facts: _bulleted(
        [
            f"**What it costs:** {facts['cost']['month']}",
            f"**How long it takes:** {facts['time']}",
            f"**How to stop the access:** {facts['stop']}",
            f"**How to undo it:** {facts['undo']}",
        ]
    ),
    "time": lambda facts: _paragraph(facts["time"]),
    "undo": lambda facts: _paragraph(facts["undo"]),
    "questions": lambda facts: "\n\n".join(
        f"**{one['question']}**\n\n{_paragraph(one['answer'])}" for one in facts["questions"]
    ),
    "reviewer-questions": lambda facts: _table(
        ["permission", "why", "risk", "how to limit it"],
        [[one["permission"], one["why"], one["risk"], one["limit"]] for one in facts["reviewer_questions"]],
    ),
}


def main(arguments=None):
    options = parser("orchestera_site.facts", __doc__, "--write")
    options.add_argument("--write", action="store_true", help="write the blocks of the documents")
    write = options.parse_args(arguments).write
    try:
        facts = load()
        wanted = {name: (text, rendered(text, facts, name)) for name, text in documents()}
    except ValueError as problem:
        sys.exit(str(problem))
    except KeyError as unknown:
        sys.exit(f"No block has the name {unknown}. The names are: {', '.join(BLOCKS)}")
    different = {name: new for name, (old, new) in wanted.items() if old != new}
    if write:
        for name, text in different.items():
            (ROOT / name).write_text(text)
    elif different:
        sys.exit(
            f"Not as {FILE} says: {', '.join(different)}. "
            "To write the blocks: .venv/bin/python -m orchestera_site.facts --write"
        )


if __name__ == "__main__":
    main()
