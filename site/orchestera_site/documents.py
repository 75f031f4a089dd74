"""What the page takes from the documents of the repository: their tables, with code and emphasis."""

import re

from markdown_it import MarkdownIt

from orchestera_release.product import ROOT

_markdown = MarkdownIt("commonmark")
# What the page itself has of a document.
_HERE = {"policies/README.md": "#permissions"}


def table(path, heading=None):
    """The first table of a document, or of a section of it: its head, and rows of cells, all as HTML."""
    lines = [line for line in section(path, heading).splitlines() if line.startswith("|")]
    # A table ends where its lines do.
    head, _, *rows = [[inline(cell.strip()) for cell in line.strip("|").split("|")] for line in lines]
    return head, rows


def section(path, heading=None):
    """What stands under a heading of the second level that begins so; without one, the whole document."""
    text = (ROOT / path).read_text()
    if heading is None:
        return text
    (found,) = re.findall(rf"^## {re.escape(heading)}.*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found


def inline(text):
    """Markdown of one line as HTML. The page may lie anywhere, so that a document is named instead of linked."""
    (token,) = _markdown.parseInline(text)
    children, document = [], None
    for one in token.children:
        if one.type == "link_open":
            path = one.attrs["href"].removeprefix("../").partition("#")[0]
            if path in _HERE:
                one.attrs["href"] = _HERE[path]
            else:
                document = path
                continue
        elif one.type == "link_close" and document:
            children += _markdown.parseInline(f" (`{document}`)")[0].children
            document = None
            continue
        children.append(one)
    token.children = children
    return _markdown.renderer.render([token], _markdown.options, {})
