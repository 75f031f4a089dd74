"""Part of `make check`: the text of the documents and of the templates is short and plain.

It reads every Markdown document of the repository. Of the templates it reads the descriptions, the labels, the messages
of the constraints and rules, the outputs and the comments. It reports:

- private words and British spelling, with what to write instead;
- sentences of more than 30 words;
- lines of Markdown of more than 120 characters. Lines of a table and lines that are only an address may be longer.

A code span counts as one word, and a link counts by its text. Text in code is not read. command_lint.py checks the
commands.

--report prints the average length of a sentence and the share of passive sentences for each document. Neither has a
target. A sentence counts as passive if a form of "be" is followed by a past participle, with at most one adverb between
them. A past participle is a word in -ed or -en, or one of a list of irregular ones. The share is an estimate.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from orchestera_release import template_text
from orchestera_release.command_line import parser
from orchestera_release.product import ROOT
from orchestera_site import command_snippets

LONGEST_SENTENCE = 30
LONGEST_LINE = 120
MARKDOWN = MarkdownIt("commonmark").enable("table")
TEMPLATES = ("template.yaml", "organization.yaml", "templates/native.yaml", "templates/stack-set.yaml")
# In the place of a code span: one word, of a private use character, so that no rule finds anything in it.
CODE = "\ue000"

OBJECT = (
    r"(?:roles?|polic(?:y|ies)|stacks?|stacksets?|(?:member )?accounts?|buckets?|users?|groups?|permission sets?"
    r"|(?:permissions )?boundar(?:y|ies)|trust polic(?:y|ies)|organi[sz]ations?)"
)
ARTICLE = r"(?:(?:the|a|an|its|your|our|their|each|every|both|this|that|these|new|two|another|no|one) )*"
# What may follow the object of "make", so that "make the stack fail" is not found.
END = r"(?=[.,;:)]|$| (?:and|or|that|which|in|of|for|with|first|by|there|itself|again)\b)"
WHO = r"(?:the platform|us|you|them|nobody|no one|anybody|anyone|everybody|everyone|somebody|people|more|too much)"
# What to write instead of words that are almost always private. They are searched without regard to case.
WORDS = [
    (r"\b(?:tak(?:e|es|en|ing)|took)(?: \w+){0,3} away\b", 'Write "remove", "delete" or "detach".'),
    (r"\bbehind (?:\w+|\w+ stack)'s back\b", 'Write "outside the stack" or "drift".'),
    (
        rf"\blet(?:s|ting)? (?:{WHO} )?in\b(?! (?:the|this|that|an?)\b)",
        'Write "allow access", "platform access" or "can assume the role".',
    ),
    (
        rf"\bshut(?:s|ting)?\b(?![ -]down)|\bshut(?:s|ting)? {WHO}",
        'Write "deny", "suspend", "close" or "remove access".',
    ),
    (r"\bwhom?ever\b", 'Write "anyone who" or "the user who", or say "you".'),
    (r"\bgiven to since\b", 'Write "was given to later".'),
    (
        r"\bbear(?:s|ing)? (?:it|them|the|an?|its?|our|no|that|this)\b|\b(?:is|are|was) borne\b",
        'Write "use" or "carry".',
    ),
    (r"\b(?:is|are|was|were|stays?) there (?:before|already)\b|\balready there\b", 'Write "exists already".'),
    (r"\bwhat (?:is|was|stays) there\b", 'Write "what exists" or "existing resources".'),
    (
        rf"\benter(?:s|ed|ing)? {ARTICLE}(?:member |management )accounts?\b(?! (?:ids?|numbers?|names?|emails?)\b)"
        r"|\baccounts? (?:is|are|was|were|be|been) entered\b",
        'Write "assume the role in the account" or "sign in to the account".',
    ),
    (r"\bjudg(?:e|es|ed|ing)\b", 'Write "check" or "evaluate".'),
    (rf"\bma(?:ke|kes|king|de) {ARTICLE}{OBJECT}{END}", 'Write "create".'),
    (
        rf"\b{OBJECT} (?:is|are|was|were|be|been|being) (?:already )?made\b(?! (?:of|from|by \w+ing)\b)",
        'Write "created".',
    ),
    (r"\b(?:makes?|made|making)(?: it| them| one| you)? by hand\b|\bmakes? the two\b", 'Write "create".'),
    (r"\bplatform (?:has )?(?:already )?(?:made|makes)\b(?! (?:sure|use|up|it|no)\b)", 'Write "created" or "creates".'),
    (r"\bke(?:eps?|pt) (?:it|them|both) right\b|\bkept right\b", 'Write "keep as configured".'),
    (
        r"\bthan is wanted\b|\bwhat (?:is|are|was) wanted\b",
        'Write "than configured", "what is configured" or "the desired state".',
    ),
    (r"\banew\b", 'Write "again" or "new".'),
    (r"\bpull(?:s|ed)? the plug\b", 'Write "suspend" or "remove access on purpose".'),
    (r"\blocks? (?:\w+ ){0,2}picked\b|\bpicked (?:the )?locks?\b", "Say which deny was removed."),
    (r"\bto the letter\b", 'Write "exactly" or "byte for byte".'),
    (r"\b(?:cannot|can|could|may) (?:not )?be had\b", 'Write "is available" or "is not available".'),
    (r"\bfor ever\b", 'Write "permanently" or "forever".'),
    (r"\bthe same, by its name\b", "Name the value."),
    (
        r"\b\w*(?:organis|recognis|optimis|minimis|authoris|customis|initialis|summaris|normalis|serialis)"
        r"(?:e|es|ed|er|ing|ations?|ational)?\b",
        'Spell it with z, as in "organization".',
    ),
    (r"\b(?:behaviours?|colours?|favours?)\b", 'Spell it with -or, as in "behavior".'),
    (r"\blicences?\b", 'Write "license".'),
    (r"\bcentres?\b", 'Write "center".'),
    (r"\bwhilst\b", 'Write "while".'),
]
WORDS = [(re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in WORDS]
# A sentence with no subject but "who", which is no question.
WHO_SENTENCE = re.compile(r"^Who (?:wants|needs|uses|follows|runs|gives|has|may|can|cannot)\b.*[^?]$")
TOO_LONG = 'A sentence of {} words, at most {}: "{} ...". Make two of it, or leave something out.'
LINE_TOO_LONG = "A line of {} characters, at most {}. Rewrap the paragraph."


@dataclass(frozen=True)
class Exemption:
    """A text that may stay. `words` are of the fault: the words that are found, or how the sentence begins."""

    file: str
    words: str
    reason: str


EXCEPTIONS = []
UNUSED = "The exception for {!r} in plain_words.py is not needed any longer. Delete it."

# A full stop at the end of these ends no sentence; nor after a single capital letter, as in "US East (N. Virginia)".
ABBREVIATIONS = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|approx|incl|No)|\b[A-Z])\.$")
# A middle dot stands between the links of a menu.
END_OF_SENTENCE = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s)|\s·(?=\s)")
ONLY_AN_ADDRESS = re.compile(r"\s*(?:[-*>]\s+|\[[^\]]+\]:\s+)*<?https?://\S+?>?[.,;]?\s*")
BE = r"\b(?:am|is|are|was|were|be|been|being)"
# Irregular past participles that do not end in -en.
IRREGULAR = (
    *("bound", "bought", "brought", "built", "caught", "cut", "done", "drawn", "found", "gone", "held", "hit", "kept"),
    *("known", "laid", "led", "left", "lent", "lost", "made", "meant", "met", "paid", "put", "read", "run", "said"),
    *("seen", "sent", "set", "shown", "shut", "sold", "split", "spent", "taught", "told", "thrown", "torn", "worn"),
    *("understood", "withdrawn", "won", "wound"),
)
NO_PARTICIPLE = ("open", "even", "often", "then", "when", "ten", "seven", "eleven", "children", "need", "indeed", "red")
PASSIVE = re.compile(
    rf"{BE}(?: (?:not|never|only|also|still|already|always|now|then|first|all|both|once|again|\w+ly))?"
    rf" (?!(?:{'|'.join(NO_PARTICIPLE)})\b)(?:\w+ed|\w+en|{'|'.join(IRREGULAR)})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Fault:
    file: str
    line: int
    what: str
    # Of the text: what an exception names.
    words: str = ""

    def __str__(self):
        return f"{self.file}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Prose:
    """A paragraph, a list item, a cell, a heading, or a text of a template; a line of it is a line of the file.

    What is quoted (a Reason, a message) is written elsewhere, so that the length of its sentences is not this file's.
    """

    line: int
    text: str
    is_quoted: bool = False
    # Not a heading, a cell or a label, which may be a part of a sentence.
    is_sentences: bool = True

    def sentences(self):
        """Each with its first line."""
        start = 0
        ends = [match.end() for match in END_OF_SENTENCE.finditer(self.text) if not _is_abbreviation(self.text, match)]
        for end in (*ends, len(self.text)):
            sentence = self.text[start:end]
            if sentence.strip():
                blank = len(sentence) - len(sentence.lstrip())
                yield self.line + self.text.count("\n", 0, start + blank), " ".join(sentence.split())
            start = end


def _is_abbreviation(text, match):
    return bool(ABBREVIATIONS.search(text[: match.start() + 1]))


def words(sentence):
    """The words of a sentence: what is between blanks and has a letter or a digit."""
    return [word for word in sentence.split() if any(sign.isalnum() or sign == CODE for sign in word)]


def of_markdown(text):
    """The prose of a document."""
    quotes, row, around = 0, 0, ""
    for token in MARKDOWN.parse(text):
        if token.type == "tr_open":
            row = token.map[0]
        quotes += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type == "inline":
            line = token.map[0] if token.map else row
            yield Prose(line + 1, _text(token.children), quotes > 0, around == "paragraph_open")
        around = token.type


def _text(tokens):
    parts = []
    for token in tokens:
        match token.type:
            case "text":
                parts.append(token.content)
            case "code_inline":
                parts.append(CODE)
            case "softbreak" | "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(_text(token.children))
            case "html_inline" if token.content.startswith("<br"):
                parts.append(". ")
    return "".join(parts)


def of_a_template(path):
    """The text that CloudFormation shows, and the comments."""
    text = path.read_text()
    yield from _shown(template_text.read(path))
    for block in re.finditer(r"^[ \t]*#.*(?:\n[ \t]*#.*)*", text, re.MULTILINE):
        yield Prose(text.count("\n", 0, block.start()) + 1, re.sub(r"^[ \t]*#", "", block[0], flags=re.MULTILINE))


def _shown(node, path=()):
    if isinstance(node, CommentedMap):
        for key, value in node.items():
            if isinstance(value, str) and _is_shown((*path, key)):
                # A block scalar begins on the line after its key.
                yield Prose(node.lc.key(key)[0] + 1, str(value).strip(), is_sentences=key != "default")
            else:
                yield from _shown(value, (*path, key))
    elif isinstance(node, CommentedSeq):
        for value in node:
            yield from _shown(value, path)


def _is_shown(path):
    is_text = path[-1] in ("Description", "ConstraintDescription", "AssertDescription", "default")
    return is_text or (path[0] == "Outputs" and path[-1] == "Value")


def long_lines(text):
    """The numbers of the lines that are too long, and their lengths."""
    tables = [token.map for token in MARKDOWN.parse(text) if token.type == "table_open"]
    for number, line in enumerate(text.split("\n")):
        in_a_table = any(first <= number < last for first, last in tables)
        if len(line) > LONGEST_LINE and not in_a_table and not ONLY_AN_ADDRESS.fullmatch(line):
            yield number + 1, len(line)


def prose_of(path):
    if path.suffix == ".md":
        return list(of_markdown(path.read_text()))
    return list(of_a_template(path))


def faults(path, name):
    """What is wrong with a file, from its first line to its last, exceptions included."""
    found = list(_faults(path, name))
    return sorted(found, key=lambda fault: fault.line)


def _faults(path, name):
    for prose in prose_of(path):
        for line, sentence in prose.sentences():
            count = len(words(sentence))
            if count > LONGEST_SENTENCE and not prose.is_quoted:
                start = _quoted(" ".join(sentence.split()[:8]))
                yield Fault(name, line, TOO_LONG.format(count, LONGEST_SENTENCE, start), start)
            if WHO_SENTENCE.search(sentence) and prose.is_sentences:
                start = _quoted(" ".join(sentence.split()[:3]))
                yield Fault(name, line, f'"{start}": Write "If you ...", or name the user.', start)
        # Of the same length, so that a place in it is a place in the text.
        text = prose.text.replace("\n", " ")
        for pattern, instead in WORDS:
            for match in pattern.finditer(text):
                line = prose.line + prose.text.count("\n", 0, match.start())
                yield Fault(name, line, f'"{_quoted(match[0])}": {instead}', _quoted(match[0]))
    if path.suffix == ".md":
        for line, length in long_lines(path.read_text()):
            yield Fault(name, line, LINE_TOO_LONG.format(length, LONGEST_LINE))


def _quoted(text):
    return text.replace(CODE, "`…`")


def without_exceptions(found, exceptions):
    """The faults that no exception excuses, and one for each exception that excuses nothing."""
    used = set()
    for fault in found:
        excuse = next((one for one in exceptions if one.file == fault.file and one.words == fault.words), None)
        if excuse:
            used.add(excuse)
        else:
            yield fault
    for one in exceptions:
        if one not in used:
            yield Fault(one.file, 1, UNUSED.format(one.words))


def report(path, name):
    """A line about a file: sentences, average length, passive ones. A heading or label is a sentence without a verb."""
    sentences = [sentence for prose in prose_of(path) for _, sentence in prose.sentences()]
    # Names and labels say nothing about sentences.
    sentences = [sentence for sentence in sentences if len(words(sentence)) > 4]
    average = sum(len(words(sentence)) for sentence in sentences) / max(len(sentences), 1)
    passive = sum(bool(PASSIVE.search(sentence)) for sentence in sentences) / max(len(sentences), 1)
    return f"{name:40} {len(sentences):9} {average:14.1f} {passive:9.0%}"


def files():
    return [*command_snippets.documents(), *(ROOT / name for name in TEMPLATES)]


def main(arguments=None):
    options = parser("orchestera_site.plain_words", __doc__, "docs/setup.md")
    options.add_argument("--report", action="store_true", help="print the length of sentences instead, file by file")
    options.add_argument("files", nargs="*", type=Path, help="instead of all documents and templates")
    options = options.parse_args(arguments)
    names = [(path, str(path.resolve().relative_to(ROOT))) for path in options.files or files()]
    if options.report:
        print(f"{'file':40} {'sentences':>9} {'average words':>14} {'passive':>9}")
        print(*(report(path, name) for path, name in names), sep="\n")
        return
    read = {name for _, name in names}
    exceptions = [one for one in EXCEPTIONS if one.file in read]
    found = list(without_exceptions((fault for path, name in names for fault in faults(path, name)), exceptions))
    if found:
        print(*found, sep="\n", file=sys.stderr)
        sys.exit(f"Places that are not in plain words: {len(found)}. See CONTRIBUTING.md.")


if __name__ == "__main__":
    main()
