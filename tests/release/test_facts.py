"""docs/facts.yaml, and what the documents take from it."""

import copy
import re

import pytest
from ruamel.yaml import YAML

from orchestera_release.product import ROOT
from orchestera_site import facts


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A folder with a README.md and a document, each with one block, in the place of the repository."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# A\n\n<!-- facts: undo -->\nold\n<!-- end -->\n\nB\n")
    (tmp_path / "docs/admin.md").write_text("# C\n\n<!-- facts: resources -->\n<!-- end -->\n")
    (tmp_path / "docs/other.md").write_text("# D\n")
    monkeypatch.setattr(facts, "ROOT", tmp_path)
    return tmp_path


def test_the_blocks_of_the_documents_are_as_the_facts_say():
    facts.main([])


def test_each_block_is_in_a_document():
    used = {name for _, text in facts.documents() for _, name, _, _ in facts.BLOCK.findall(text)}
    assert used == facts.BLOCKS.keys()


def test_the_facts_are_plain_values_of_one_line():
    loaded = facts.load()
    assert {type(value) for value in loaded.values()} == {str, dict, list}
    assert len(loaded["steps"]) == 4 and len(loaded["reviewer_questions"]) == 5
    assert re.findall(r"\.(?= |$)", loaded["what"]) == ["."] * 2


@pytest.mark.parametrize(
    "change, problem",
    [
        (lambda it: it.pop("undo"), "undo is missing"),
        (lambda it: it["cost"].pop("month"), "cost.month is missing"),
        (lambda it: it["questions"][1].pop("answer"), "questions[2].answer is missing"),
        (lambda it: it["resources"][0].update(details=" "), "resources[1].details is not a text of one line"),
        (lambda it: it.update(time="one\ntwo"), "time is not a text of one line"),
        (lambda it: it.update(steps=[]), "steps is not a list"),
        (lambda it: it.update(account_check=[]), "account_check has no fields"),
        (lambda it: it["cost"].update(mouth="0"), "cost.mouth is not known"),
    ],
)
def test_facts_that_are_not_complete_are_refused(tmp_path, change, problem):
    changed = copy.deepcopy(facts.load())
    change(changed)
    file = tmp_path / "facts.yaml"
    YAML().dump(changed, file)
    with pytest.raises(ValueError) as error:
        facts.load(file)
    assert problem in str(error.value)


def test_a_block_that_differs_is_named_and_can_be_written(repository):
    with pytest.raises(SystemExit) as error:
        facts.main([])
    assert "README.md, docs/admin.md." in str(error.value) and "--write" in str(error.value)
    facts.main(["--write"])
    facts.main([])
    readme = (repository / "README.md").read_text()
    assert readme.startswith("# A\n\n<!-- facts: undo -->\nDelete the stack.")
    assert readme.endswith("\n<!-- end -->\n\nB\n")
    assert (repository / "docs/other.md").read_text() == "# D\n"


def test_a_link_starts_at_the_folder_of_the_document(repository):
    table = facts.render("resources", facts.load(), "README.md")
    assert "](policies/README.md)" in table and "](docs/security.md#the-limit)" in table
    table = facts.render("resources", facts.load(), "docs/admin.md")
    assert "](../policies/README.md)" in table and "](security.md#the-limit)" in table
    assert "](#the-limit)" in facts.render("resources", facts.load(), "docs/security.md")


def test_a_block_that_is_not_known_is_named(repository):
    (repository / "docs/other.md").write_text("<!-- facts: recources -->\n<!-- end -->\n")
    with pytest.raises(SystemExit) as error:
        facts.main([])
    assert "'recources'" in str(error.value) and "resources" in str(error.value)


def test_every_link_of_the_facts_leads_to_a_file():
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / facts.FILE).read_text())
    files = {link.split("#")[0] for link in links if "://" not in link}
    assert files and [name for name in files if not (ROOT / name).exists()] == []
