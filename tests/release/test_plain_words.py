"""The lint for plain words of `make check`: what it refuses, with what advice, and what it lets pass."""

import subprocess

import pytest

from orchestera_release.product import ROOT
from orchestera_site import plain_words


def found(tmp_path, text, name="a.md"):
    path = tmp_path / name
    path.write_text(text)
    return [str(fault) for fault in plain_words.faults(path, name)]


PRIVATE = [
    ("The stack takes both resources away.", '"takes both resources away": Write "remove"'),
    ("It was taken\naway.", '"taken away": Write "remove"'),
    ("Something changed behind this stack's back.", 'Write "outside the stack"'),
    ("`Active` lets the platform in again.", '"lets the platform in": Write "allow access"'),
    ("What lets too much in.", 'Write "allow access"'),
    ("Nobody is let in.", 'Write "allow access"'),
    ("The role is shut.", '"shut": Write "deny"'),
    ("It shuts the platform out.", '"shuts": Write "deny"'),
    ("Whoever can write tags.", '"Whoever": Write "anyone who"'),
    ("It belongs to whomever it names.", "anyone who"),
    ("Whomever it was given to since.", '"given to since"'),
    ("Roles may still bear it.", '"bear it": Write "use"'),
    ("Roles that bear the boundary.", '"bear the"'),
    ("If the role is already there.", '"already there": Write "exists already"'),
    ("What is there before, stays.", '"is there before"'),
    ("It carries on from what is there.", 'Write "what exists"'),
    ("Nobody could enter the member account.", 'Write "assume the role in the account"'),
    ("The role by which that account is entered.", '"account is entered"'),
    ("Each is judged alone.", '"judged": Write "check"'),
    ("Make a role in that account.", '"Make a role": Write "create"'),
    ("The account in which to make role and policy.", '"make role": Write "create"'),
    ("The boundary is made in this account.", '"boundary is made": Write "created"'),
    ("Resources that were made by hand.", '"made by hand"'),
    ("What the platform has already made.", '"platform has already made"'),
    ("It makes the two, and keeps them right.", '"keeps them right": Write "keep as configured"'),
    ("It allows more than is wanted.", '"than is wanted"'),
    ("Compare it with what is wanted.", '"what is wanted"'),
    ("It cannot be made anew.", '"anew"'),
    ("Somebody pulled the plug.", '"pulled the plug"'),
    ("Locks that were picked.", "which deny"),
    ("It is the same, to the letter.", '"to the letter"'),
    ("If musl cannot be had.", '"cannot be had"'),
    ("It stays for ever.", '"for ever"'),
    ("An organisation has organisational units.", "with z"),
    ("Unrecognised behaviour.", "-or"),
    ("Who wants no trust in a bucket publishes elsewhere.", '"Who wants no": Write "If you ..."'),
]


@pytest.mark.parametrize("text, advice", PRIVATE)
def test_a_private_word_is_refused_with_what_to_write_instead(text, advice, tmp_path):
    assert any(advice in one for one in found(tmp_path, text + "\n")), found(tmp_path, text)


GOOD = [
    "Remove both resources.",
    "Take the key out of the list, and move it.",
    "Shut down the server.",
    "Enter the member account ID in the console. Enter the email address.",
    "Bear in mind that IAM is eventually consistent.",
    "This makes the stack fail, and makes the role useless to others.",
    "The policy is made of statements. Make sure that the role exists.",
    "The platform makes sure that it has access.",
    "Let us know in the issue. This lets you sign in. It lets them read it in the console.",
    "Who may assume the role? Anyone who has the external ID.",
    "## Who may assume the role\n\n| Who has access | what for |\n|---|---|",
    "A customer who wants a boundary sets `Guardrail`.",
    "There are already five versions. Keep right to your plan.",
    "Organization, organizational units, behavior, an analysis, an organism.",
    "`whoever`, `shut` and [text](https://example.com/whoever) are not read.",
    "Other files:\n\n```\nwhoever is shut\n```\n\n    let the platform in\n",
]


@pytest.mark.parametrize("text", GOOD)
def test_other_words_pass(text, tmp_path):
    assert found(tmp_path, text + "\n") == []


def counted(count, word="word"):
    return " ".join(["Word", *[word] * (count - 1)]) + "."


def test_a_sentence_of_31_words_is_refused_by_its_line_and_one_of_30_passes(tmp_path):
    assert not found(tmp_path, f"# A\n\n{counted(30, 'w')}\n{counted(30, 'w')}\n")
    (long,) = found(tmp_path, f"# A\n\nFirst.\nSecond. {counted(31, 'w')}\n")
    assert long.startswith("a.md:4: A sentence of 31 words, at most 30: ") and "Make two of it" in long


@pytest.mark.parametrize(
    "text",
    ["- {}\n", "1. {}\n", "- a\n\n  {}\n", "| a | b |\n|---|---|\n| c | {} |\n", "*{}*\n", "## {}\n"],
)
def test_lists_tables_and_headings_are_read(text, tmp_path):
    assert not found(tmp_path, text.format(counted(12)))
    assert "A sentence of 31 words" in found(tmp_path, text.format(counted(31, "w")))[0]


def test_the_line_of_a_cell_is_that_of_its_row(tmp_path):
    (one,) = found(tmp_path, "| a | b |\n|---|---|\n| c | d |\n| e | whoever |\n")
    assert one.startswith("a.md:4: ")


def sentences(text):
    return [sentence for prose in plain_words.of_markdown(text) for _, sentence in prose.sentences()]


@pytest.mark.parametrize(
    "text, count",
    [
        ("One. Two! Three? four.", 4),
        ("In one case, e.g. Lambda, i.e. a function, it waits. Then it ends.", 2),
        ("US East (N. Virginia) is served. No. 2 is not.", 2),
        ("Version 0.4.0 of template.yaml has 1.5 pages. It is new.", 2),
        ("Read [the page](https://example.com/a.html). Then stop.", 2),
        ('It says "stop." Then it stops. (It does.) Good.', 4),
        ("It reads `a. b. c`. `d` follows.", 2),
        ("One, two etc. Three.", 2),
        ("a<br>b", 2),
        ("[One](a) · [Two](b)", 2),
    ],
)
def test_sentences_end_where_they_end(text, count):
    assert len(sentences(text)) == count, sentences(text)


def test_a_code_span_is_one_word_and_a_link_has_those_of_its_text():
    (text,) = sentences("Run `aws iam get-role --role-name a` in [the AWS console](https://a.b/c) - ![an icon](x.png).")
    assert plain_words.words(text) == ["Run", plain_words.CODE, "in", "the", "AWS", "console", "an", "icon."]


def test_the_sentences_of_a_quote_may_be_long_but_its_words_are_plain(tmp_path):
    assert found(tmp_path, f"> {counted(31, 'w')}\n") == []
    assert found(tmp_path, "> Whoever deploys the stack.\n")


def test_a_line_of_121_characters_is_refused_unless_it_cannot_be_broken(tmp_path):
    (long,) = found(tmp_path, "# A\n\n" + "a" * 121 + "\n")
    assert long == "a.md:3: A line of 121 characters, at most 120. Rewrap the paragraph."
    assert found(tmp_path, "```\n" + "a" * 121 + "\n```\n")
    address = "https://example.com/" + "a" * 120
    for text in ("a" * 120, address, f"- <{address}>", f"[a]: {address}", f"| {'a' * 120} |\n|---|\n| b |"):
        assert not found(tmp_path, text + "\n")
    assert found(tmp_path, f"See {address}\n")


TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: {0}
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      - Label: {{ default: "{1}" }}
        Parameters: [A]
    ParameterLabels:
      A: {{ default: "{2}" }}
Parameters:
  A:
    Type: String
    Default: whoever
    ConstraintDescription: >-
      Give one.
      {3}
    Description: {4}
Rules:
  One:
    Assertions:
      - Assert: !Equals [!Ref A, whoever]
        AssertDescription: {5}
Resources:
  # Why it is so.
  # {6}
  Whoever:
    Type: AWS::IAM::Role
    Properties:
      Description: {7}
      RoleName: whoever
Outputs:
  B:
    Description: {8}
    Value: {9}
"""
LINES = {0: 2, 1: 6, 2: 9, 3: 14, 4: 17, 5: 22, 6: 25, 7: 29, 8: 33, 9: 34}


@pytest.mark.parametrize("place", LINES)
def test_every_text_of_a_template_is_read_by_its_line(place, tmp_path):
    texts = ["Plain."] * len(LINES)
    assert found(tmp_path, TEMPLATE.format(*texts), "a.yaml") == []
    texts[place] = "Whoever asks."
    (one,) = found(tmp_path, TEMPLATE.format(*texts), "a.yaml")
    assert one.startswith(f"a.yaml:{LINES[place]}: "), one
    texts[place] = counted(31, "w")
    (one,) = found(tmp_path, TEMPLATE.format(*texts), "a.yaml")
    assert "A sentence of 31 words" in one


def test_an_exception_excuses_its_words_in_its_file_and_an_unused_one_is_reported():
    fault = plain_words.Fault("a.md", 3, "advice", "whoever")
    fits = plain_words.Exemption("a.md", "whoever", "AWS's own title.")
    assert list(plain_words.without_exceptions([fault], [fits])) == []
    for other in (plain_words.Exemption("b.md", "whoever", "."), plain_words.Exemption("a.md", "shut", ".")):
        first, second = plain_words.without_exceptions([fault], [other])
        assert first == fault and "is not needed any longer" in second.what


def test_every_exception_has_a_reason():
    assert all(len(one.reason.split()) > 3 for one in plain_words.EXCEPTIONS)


def test_the_command_names_the_places_and_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plain_words, "ROOT", tmp_path)
    path = tmp_path / "a.md"
    path.write_text("It is shut.\n\nWhoever.\n")
    with pytest.raises(SystemExit, match="not in plain words: 2\\. See CONTRIBUTING.md"):
        plain_words.main([str(path)])
    assert capsys.readouterr().err.startswith('a.md:1: "shut": ')
    path.write_text("It is closed.\n")
    plain_words.main([str(path)])


def test_the_report_has_the_length_of_sentences_and_the_share_of_passive_ones(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(plain_words, "ROOT", tmp_path)
    path = tmp_path / "a.md"
    path.write_text("A short heading\n\nThe role is always created by the stack. The function reads all of it.\n")
    plain_words.main(["--report", str(path)])
    _, line = capsys.readouterr().out.splitlines()
    assert line.split() == ["a.md", "2", "7.0", "50%"]


@pytest.mark.parametrize(
    "text", ["is created", "was not found", "are then written", "has been sent", "is quickly read"]
)
def test_a_form_of_be_with_a_past_participle_is_passive(text):
    assert plain_words.PASSIVE.search(f"The role {text} here.")


@pytest.mark.parametrize("text", ["is open", "is often there", "has created it", "is ready", "is a hundred"])
def test_other_forms_are_not_passive(text):
    assert not plain_words.PASSIVE.search(f"The role {text} here.")


def test_make_check_runs_the_lint():
    rule = subprocess.run(["make", "--dry-run", "check"], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    assert "-m orchestera_site.plain_words\n" in rule


def test_the_documents_and_the_templates_are_read():
    names = {str(path.relative_to(ROOT)) for path in plain_words.files()}
    assert {"README.md", "docs/security.md", "template.yaml", "templates/stack-set.yaml"} <= names
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, text=True, capture_output=True, check=True)
    assert set(listed.stdout.split()) < names
