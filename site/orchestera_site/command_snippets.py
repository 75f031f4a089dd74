"""Collects every command that a person may copy: from the Markdown documents, the page's text and the page's commands.

command_lint.py judges them; tests/release/test_pasted_commands.py runs them in bash and in zsh.
"""

import re
import subprocess
from dataclasses import dataclass

from markdown_it import MarkdownIt

from orchestera_release import product
from orchestera_release.link import OWN_PREFIX
from orchestera_release.product import ROOT
from orchestera_site import choices, commands

SHELL_BLOCKS = {"sh", "bash", "zsh", "shell", "console", "shell-session", "terminal"}
# By which an inline command begins.
PROGRAMS = {
    *("apt-get", "aws", "cargo", "cargo-lambda", "curl", "export", "git", "make", "node", "npm", "openssl"),
    *("orchestera", "pip", "pytest", "python", "python3", "rustup", "sam", "sha256sum", "source", "sudo", "tar"),
    *("zsh", "bash"),
}
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
# At the beginning of a line, but not of one that continues the line before.
PROMPT = re.compile(
    r"(?<!\\\n)^[ \t]*(?:\$|%|>|❯|➜|\(\.?venv\) *\$|[\w.-]+@[\w.-]+\S*[$#%]|\S*[$%]>?)[ \t]+(?=\S)", re.MULTILINE
)


@dataclass(frozen=True)
class Snippet:
    """A block or an inline command, as it is copied. `exported` are the variables that earlier blocks export."""

    file: str
    line: int
    text: str
    exported: frozenset = frozenset()


def documents(root=ROOT):
    """The Markdown documents of the repository."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=root, text=True, capture_output=True, check=True)
    return [root / name for name in listed.stdout.splitlines()]


def of_a_document(path, name):
    """The shell blocks of a document, and its inline commands."""
    text = path.read_text()
    lines = text.split("\n")
    exported = frozenset()
    for token in MarkdownIt("commonmark").parse(text):
        if token.type in ("fence", "code_block"):
            first = token.map[0] + (token.type == "fence")
            content = token.content.rstrip("\n")
            language = (token.info.lower().split() or [""])[0]
            if language in SHELL_BLOCKS or (not language and _looks_like_commands(content)):
                yield Snippet(name, first + 1, content, exported)
                exported |= _exported(content)
        elif token.type == "inline":
            line = token.map[0]
            for child in token.children:
                if child.type == "code_inline" and _is_command(child.content):
                    start = child.content.split()[0]
                    here = next((at for at in range(line, token.map[1]) if f"`{start}" in lines[at]), line)
                    yield Snippet(name, here + 1, child.content)


def of_the_pages_text(path, name):
    """The inline commands of a part of the page."""
    for number, line in enumerate(path.read_text().split("\n"), 1):
        for content in re.findall(r"<code[^>]*>([^<{]*)</code>", line):
            if _is_command(content):
                yield Snippet(name, number, content)


def of_the_page(folder, prefix=OWN_PREFIX):
    """The page's commands for every choice, from the templates in a folder, with every default."""
    region = product.REGIONS[0]
    place = f"{product.bucket(prefix, region)}/{product.key('')}"
    download = commands.download(region, place, product.SUMMED, product.SUMS, product.SIGNATURE, product.PUBLIC_KEY)
    for one in (*_of_choices(folder, prefix), commands.verify(region), commands.look(region), download):
        yield _of_the_page(one)
    yield _of_the_page(commands.shut_now(region))
    for choice in choices.all_choices(folder, prefix, has_links=False):
        for one in (commands.own_link(choice), *commands.launch(choice)):
            yield _of_the_page(one, " without a release")


def _of_choices(folder, prefix):
    for choice in choices.all_choices(folder, prefix):
        yield from (*commands.launch(choice), *commands.lifecycle(choice))


def _of_the_page(command, when=""):
    file = f"site/orchestera_site/commands.py, command {command.id}{when}"
    return Snippet(file, 1, command.text.replace(commands.CHOSEN, ""))


def all_snippets(folder):
    """Everything that somebody may copy. `folder` has the published templates."""
    for path in documents():
        yield from of_a_document(path, str(path.relative_to(ROOT)))
    for path in sorted((ROOT / "site/page").glob("*.html")):
        yield from of_the_pages_text(path, str(path.relative_to(ROOT)))
    yield from of_the_page(folder)


def _exported(content):
    exports = [line.split()[1:] for line in content.splitlines() if line.startswith("export ")]
    return {word.split("=")[0] for words in exports for word in words if ASSIGNMENT.match(word)}


def _looks_like_commands(content):
    return bool(PROMPT.search(content)) or any(_is_command(line) for line in content.splitlines())


def _is_command(text):
    """Whether an inline text is a command with words of its own, and not only a name."""
    words = [word for word in text.split() if not ASSIGNMENT.match(word)]
    is_program = bool(words) and (words[0] in PROGRAMS or words[0].startswith((".venv/", ".ci/", "./")))
    return is_program and len(text.split()) > 1
