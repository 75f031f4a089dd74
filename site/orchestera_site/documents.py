"""Markdown as the page needs it: the tables of the documents, and the texts of docs/facts.yaml, as HTML."""

import posixpath
import re

from markdown_it import MarkdownIt

from orchestera_release.product import ROOT

_markdown = MarkdownIt("commonmark").enable("table")
# What the page itself has of a document.
_HERE = {"policies/README.md": "#permissions", "docs/security.md#what-the-function-may-do": "#function-permissions"}


def table(path, heading=None):
    """The first table of a document, or of a section of it: its head, and rows of cells, all as HTML."""
    head, *rows = _rows(_markdown.parse(section(path, heading)), posixpath.dirname(path))
    return head, rows


def section(path, heading=None):
    """The text under the heading of the second level that begins with these words. Without one, the whole document."""
    text = (ROOT / path).read_text()
    if heading is None:
        return text
    (found,) = re.findall(rf"^## {re.escape(heading)}.*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found


def inline(text, folder=""):
    """Markdown of one line as HTML. Its links begin at `folder`."""
    (token,) = _markdown.parseInline(text)
    return _rendered(token, folder)


def _rows(tokens, folder):
    """Each row of the first table, as a list of cells."""
    row = None
    for token in tokens:
        match token.type:
            case "tr_open":
                row = []
            case "inline" if row is not None:
                row.append(_rendered(token, folder))
            case "tr_close":
                yield row
                row = None
            case "table_close":
                return


def _rendered(token, folder):
    """The page is one file that can lie anywhere. So a document of the repository is named instead of linked."""
    children, document = [], None
    for one in token.children:
        if one.type == "link_open" and not one.attrs["href"].startswith(("https://", "#")):
            path = posixpath.normpath(posixpath.join(folder, one.attrs["href"]))
            here = _HERE.get(path) or _HERE.get(path.partition("#")[0])
            if here is None:
                document = path.partition("#")[0]
                continue
            one.attrs["href"] = here
        elif one.type == "link_close" and document:
            children += _markdown.parseInline(f" (`{document}`)")[0].children
            document = None
            continue
        children.append(one)
    token.children = children
    return _markdown.renderer.render([token], _markdown.options, {})
