"""Part of `make check`: every command that a person may copy can be pasted into bash and into zsh as it stands.

tests/release/test_pasted_commands.py runs all of them in both shells. This finds what can be told without a shell, and
says what to do instead. tree-sitter parses the commands, because it also reads a command that is wrong.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import tree_sitter_bash
from tree_sitter import Language, Parser

from orchestera_release.command_line import parser
from orchestera_site.command_snippets import PROMPT, all_snippets

BASH = Parser(Language(tree_sitter_bash.language()))
# Upper case that is no placeholder: values of AWS and of openssl, a file of ours.
VALUES = {
    *("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND", "OPERATION_RESULT_STATUS", "INTERSECTION"),
    *(
        "CURRENT",
        "FAILED",
        "ERROR",
        "WARN",
        "ALARM",
        "EC",
        "DIGEST",
        "ECDSA_SHA_256",
        "SHA256SUMS",
        "AKIADUMMYDUMMYDUMMY0",
    ),
}
# What every shell has.
ENVIRONMENT = {"HOME", "PWD", "PATH", "USER", "SHELL", "TMPDIR", "LANG"}
# Names that one might choose, but that bash or zsh set themselves, tie to another variable, or refuse to set.
# https://zsh.sourceforge.io/Doc/Release/Parameters.html
# https://zsh.sourceforge.io/Doc/Release/Zsh-Modules.html#The-zsh_002fparameter-Module
# https://www.gnu.org/software/bash/manual/html_node/Bash-Variables.html
SPECIAL = {
    *("status", "path", "cdpath", "fpath", "manpath", "mailpath", "prompt", "watch", "signals", "argv", "options"),
    *("commands", "functions", "aliases", "parameters", "history", "modules", "UID", "EUID", "GID", "EGID", "PPID"),
    *("USERNAME", "LOGNAME", "HOST", "VENDOR", "GROUPS", "RANDOM", "SECONDS", "LINES", "COLUMNS", "PROMPT", "IFS"),
}
COMMAND_RULES = {
    **dict.fromkeys(("mapfile", "readarray", "shopt", "compgen"), "{} is a command of bash alone."),
    **dict.fromkeys(("exit", "exec", "set"), "{} changes or ends the shell that the reader types in."),
}
PLACEHOLDER = re.compile(r"(?<![\w$.{])(?<!^-)(?<!^--)[A-Z]{2}[A-Z0-9]*(?:[_-][A-Z0-9]+)*(?![\w=(-]|\.md)")
OTHER_PLACEHOLDER = re.compile(r"<[A-Za-z][\w-]*(?: [\w-]+)*>|\.\.\.|\byour[-_]\w+|\bxxx+\b|\{\{.*?\}\}")
TO_EDIT = '{0} has to be edited inside the command. Set {1} to an example before, on a line of its own, and use "${1}".'

# What can be told from the text alone. {} is what was found.
TEXT_RULES = [
    (PROMPT, "Leave out the prompt sign: it would be run."),
    (re.compile(r"\t"), "Write blanks: a shell completes words at a tab."),
    (re.compile(r"\\[ \t]+$", re.MULTILINE), "A blank after the last \\ ends the command there."),
    (re.compile(r"[^\x00-\x7f]"), "{} is no sign of a shell, such as a straight quote or -."),
    (OTHER_PLACEHOLDER, "{} has to be edited inside the command. Set a variable before, on a line of its own."),
]
# What the two shells read differently in the unquoted part of a word.
UNQUOTED_RULES = [
    (r"[*?[]", "Quote it: where no file of that name is there, zsh runs nothing (no matches found)."),
    (r"^=.", "Quote it: zsh takes =word for the path of a command."),
    (r"[=:]~", 'Write "$HOME" for ~ here: zsh does not replace it after = or :.'),
    (r"^\^", "Quote it: ^ at the beginning changes and repeats the command before."),
]
# What is wrong wherever the grammar has a node of this type.
NODE_RULES = {
    "comment": "Say it in the text around the command: # begins no comment in a command that is typed into zsh.",
    "ERROR": "A quote or a bracket is not closed, or opens nothing, so that the shell waits for more or refuses it.",
    "array": "Use no array: zsh counts its elements from 1, bash from 0.",
    "heredoc_redirect": "Write a here-document as a file of the repository, or use printf.",
    "`": "A ` outside single quotes runs a command. Write $(...) for that, or quote the text with '.",
}
EXPANSIONS = {"simple_expansion", "expansion", "command_substitution"}
# In these, a node is no word of its own. Neither shell splits the value of an assignment or replaces a glob in it.
NO_WORD_IN = {"concatenation", "string", "variable_assignment", "expansion"}


@dataclass(frozen=True)
class Fault:
    file: str
    line: int
    command: str
    what: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.command.strip()}\n    {self.what}"


def faults(snippet):
    """What is wrong with a snippet, from its first line to its last."""
    found = [
        (snippet.text.count("\n", 0, match.start()), advice.format(match[0]))
        for rule, advice in TEXT_RULES
        for match in rule.finditer(snippet.text)
    ]
    # A prompt sign would be parsed as a part of the command.
    found += _faults_of_the_commands(PROMPT.sub("", snippet.text).encode(), {*snippet.exported, *ENVIRONMENT})
    lines = snippet.text.split("\n")
    for row, what in sorted(dict.fromkeys(found), key=lambda one: one[0]):
        yield Fault(snippet.file, snippet.line + row, lines[row], what)


def _faults_of_the_commands(source, is_set):
    """The row and the advice for what is wrong with parsed commands. `is_set` grows by the variables that they set."""
    for node in _children_first(BASH.parse(source).root_node):
        found = list(_of_a_node(node, source, is_set))
        if node.parent and node.parent.type not in NO_WORD_IN:
            found += _of_a_word(node)
        for name in _variables(node):
            if name in SPECIAL:
                found.append(f"{name} belongs to the shell, which treats it in a way of its own. Use another name.")
            # Before a command, an assignment is for that command alone, and not for its own words.
            if node.type != "variable_assignment" or node.parent.type != "command":
                is_set.add(name)
        yield from ((node.start_point.row, what) for what in found)


def _children_first(node):
    """So that the value of an assignment comes before the assignment, and a command after its words."""
    for child in node.children:
        yield from _children_first(child)
    yield node


def _of_a_node(node, source, is_set):
    """What the type of a node tells, with its text and what follows it: zsh may read that as a part of a variable."""
    text, following = node.text.decode(), source[node.end_byte :].decode()
    if rule := NODE_RULES.get("ERROR" if node.is_missing else node.type):
        yield rule
    match node.type:
        case "word" | "string_content" | "raw_string":
            for token in set(PLACEHOLDER.findall(text)) - VALUES:
                yield TO_EDIT.format(token, token.replace("-", "_"))
            # In bash, single quotes within double quotes do not keep ! from calling back an earlier command.
            may_call_back = node.type != "raw_string" or _is_within_a_string(node)
            if may_call_back and re.search(r"(?<!\\)!(?=[^\s=])", text + following[:1]):
                yield "Outside single quotes ! may call back an earlier command. Quote the text with ', or avoid the !."
        case "variable_name" if node.parent.type in EXPANSIONS and text.isidentifier() and text not in is_set:
            yield f"{text} is not set. Set it to an example on a line of its own before: {text}=..."
        case "simple_expansion" if re.match(r":[A-Za-z&]|\[", following):
            name = text.strip().removeprefix("$")
            yield f"zsh reads ${name}{following[:2]} as an operation on the variable. Write ${{{name}}} instead."
        case "expansion" if {"!", "subscript"} & {child.type for child in node.children}:
            yield f"Not in zsh: {text.strip()}. Use a plain variable."
        case "test_command" if re.match(r"\[ .* == ", text):
            yield "Write = for ==: in [ ], zsh takes =word for the path of a command."
        case "command":
            name, *words = _words(node)
            if name in COMMAND_RULES:
                yield COMMAND_RULES[name].format(name)
            if name == "echo" and any("\\" in word for word in words):
                yield "echo treats \\ differently in bash and zsh. Use printf."
            if name == "read" and {"-a", "-p", "-n", "-t", "-N"} & set(words):
                yield "This option of read is another one in zsh."


def _of_a_word(node):
    """What a word of a command lacks in quotes, whether it is one node or is put together of several."""
    parts = node.children if node.type == "concatenation" else [node]
    if EXPANSIONS & {part.type for part in parts}:
        yield "Put double quotes around the $...: bash splits it at blanks, zsh does not."
    # What is quoted or expanded is left out.
    unquoted = "".join(re.sub(r"\\.", "\0", part.text.decode()) if part.type == "word" else "\0" for part in parts)
    yield from (advice for rule, advice in UNQUOTED_RULES if re.search(rule, unquoted))


def _variables(node):
    """The names of the variables that a node sets."""
    match node.type:
        case "variable_assignment":
            return [node.child_by_field_name("name").text.decode()]
        case "variable_name" if node.parent.type == "for_statement":
            return [node.text.decode()]
        case "command" if _words(node)[0] == "read":
            return [word for word in _words(node)[1:] if word.isidentifier()]
    return []


def _words(command):
    """The name of a command, and its arguments."""
    words = command.children_by_field_name("name") + command.children_by_field_name("argument")
    return [word.text.decode() for word in words]


def _is_within_a_string(node):
    return bool(node.parent) and (node.parent.type == "string" or _is_within_a_string(node.parent))


def main(arguments=None):
    options = parser("orchestera_site.command_lint", __doc__, "target/templates")
    options.add_argument("folder", type=Path, help="with the templates, as orchestera_release.templates writes them")
    folder = options.parse_args(arguments).folder
    found = [fault for snippet in all_snippets(folder) for fault in faults(snippet)]
    if found:
        print(*found, sep="\n", file=sys.stderr)
        sys.exit(f"Commands that cannot be pasted into bash and zsh as they stand: {len(found)}. See CONTRIBUTING.md.")


if __name__ == "__main__":
    main()
