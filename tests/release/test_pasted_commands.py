"""Every command of the documents and of the launch page, pasted into an interactive bash and an interactive zsh.

The programs are stubs that note their arguments. Both shells have to give them the same, and to complain of nothing.
"""

import json
import re
import shutil

import pytest
from needs import need
from terminal import Terminal

from orchestera_release import templates
from orchestera_release.product import ROOT
from orchestera_site import command_snippets

WAYS = [(shell, bracketed) for shell in ("bash", "zsh") for bracketed in (True, False)]


@pytest.fixture(scope="module")
def pasted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    for name, template in templates.published(command_snippets.product.BUCKET_PREFIX).items():
        (folder / name).write_text(templates.content(name, template))
    return list(command_snippets.all_snippets(folder))


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path / "terminal")


def faults(terminal, shell, bracketed, one):
    """What goes wrong with a text, in words: arguments that differ from those that were meant, and complaints."""
    exported = "".join(f"export {name}=us-east-1\n" for name in sorted(one.exported))
    meant, errors = terminal.script(exported + one.text)
    given, complaints = terminal.paste(shell, exported + one.text, bracketed)
    found = [*errors, *complaints]
    if given != meant:
        found.append(f"given: {given}\nmeant: {meant}")
    found += [
        f"a stray #: {call}"
        for call in given
        if any(re.search(r"(^|\s)#", argument) for argument in json.loads(call)[1])
    ]
    if not meant and not _sets_only(one.text):
        found.append("it runs nothing")
    return [f"{one.file}:{one.line}: {what}" for what in found]


def _sets_only(text):
    return all(re.match(r"export |source |[A-Z_]+=", line) for line in text.splitlines())


@pytest.mark.parametrize("shell, bracketed", WAYS)
def test_every_command_of_documents_and_page_gives_the_programs_the_same_in_every_shell(
    shell, bracketed, pasted, terminal
):
    need(shell)
    found = [what for one in pasted for what in faults(terminal, shell, bracketed, one)]
    assert not found, "\n\n".join(found)


def test_every_shell_block_of_every_document_and_every_command_of_the_page_is_among_them(pasted):
    count = 0
    for path in command_snippets.documents():
        blocks = re.findall(
            r"^```(?:sh|bash|console|shell|zsh)\n(.*?)\n```$", path.read_text(), re.DOTALL | re.MULTILINE
        )
        assert set(blocks) <= {one.text for one in pasted if one.file == str(path.relative_to(ROOT))}
        count += len(blocks)
    assert count > 30
    ids = {one.file.removeprefix("site/orchestera_site/commands.py, command ") for one in pasted}
    for choice in ("one-account", "new-account", "many-accounts", "no-function"):
        assert {f"{choice}-{what}" for what in ("aws", "sam", "suspend", "resume", "update", "remove")} <= ids
    assert {"look", "download", "shut-now", "many-accounts-organization", "many-accounts-instances"} <= ids
    assert {f"{choice}-own-link without a release" for choice in ("one-account", "new-account")} <= ids


DIFFERENT = [
    ("aws iam list-roles    # or list-users", "given"),
    ('STATE=Suspended    # or Active\naws x "$STATE"', "given|command not found"),
    ("aws iam get-role --query Roles[0]", "no matches found"),
    ('ID="1 2"\naws $ID', "given"),
    ('ID=1\naws "arn:aws:iam::$ID:role/a"', "given"),
    ("status=1\naws $status", "read-only"),
    ("make SIGNING_KEY=~/a.pem", "given"),
    ("aws =foo", "not found"),
    ("aws iam | # and then", "parse error|given|waits"),
]


@pytest.mark.parametrize("text, complaint", DIFFERENT)
def test_what_zsh_does_with_a_command_that_is_not_written_for_it_is_found(text, complaint, terminal):
    need("zsh")
    try:
        found = faults(terminal, "zsh", True, command_snippets.Snippet("a.md", 1, text))
    except AssertionError as waits:
        found = [str(waits)]
    assert re.search(complaint, "\n".join(found)), found


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("text", ['aws "a!b"', "aws a!b", "$ aws iam list-roles", "nothing-of-that-name --help"])
def test_an_event_that_is_not_found_and_a_prompt_sign_are_complained_of(shell, text, terminal):
    need(shell)
    assert re.search(
        "event not found|not found", "\n".join(faults(terminal, shell, True, command_snippets.Snippet("a.md", 1, text)))
    )


def test_a_machine_without_zsh_skips_and_says_so_and_ci_fails(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="zsh is not installed"):
        need("zsh")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="zsh is not installed"):
        need("zsh")
