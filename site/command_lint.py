"""Part of `make check`: every command that a person may copy can be pasted into bash and into zsh as it stands.

It reads the shell blocks and the inline commands of every Markdown document, the inline commands of the page, and the
page's own commands. tests/release/test_pasted_commands.py runs all of them in both shells; here is what can be told
without a shell, with what to do instead.
"""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import choices
import commands
import product
from markdown_it import MarkdownIt
from product import ROOT

SHELL_BLOCKS = {"sh", "bash", "zsh", "shell", "console", "shell-session", "terminal"}
# By which an inline command begins.
PROGRAMS = {
    *("apt-get", "aws", "cargo", "cargo-lambda", "curl", "export", "git", "make", "node", "npm", "openssl", "pip"),
    *("pytest", "python", "python3", "rustup", "sam", "sha256sum", "source", "zsh", "bash"),
}
# Upper case that is no placeholder: values of AWS and of openssl, a file of ours.
VALUES = {
    *("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND", "INTERSECTION", "DIFFERENCE", "NONE"),
    *("FAILED", "CURRENT", "OPERATION_RESULT_STATUS", "DELEGATED_ADMIN", "SELF", "DIGEST", "ECDSA_SHA_256"),
    *("EC", "ERROR", "WARN", "SHA256SUMS", "AKIADUMMYDUMMYDUMMY0"),
}
# What every shell has.
ENVIRONMENT = {"HOME", "PWD", "PATH", "USER", "SHELL", "TMPDIR", "LANG"}
# That bash or zsh set themselves, tie to another variable, or refuse to set.
# https://zsh.sourceforge.io/Doc/Release/Parameters.html
# https://zsh.sourceforge.io/Doc/Release/Zsh-Modules.html#The-zsh_002fparameter-Module
# https://www.gnu.org/software/bash/manual/html_node/Bash-Variables.html
SPECIAL = {
    *("status", "path", "cdpath", "fpath", "manpath", "mailpath", "module_path", "fignore", "prompt", "psvar", "watch"),
    *("pipestatus", "signals", "argv", "histchars", "options", "commands", "functions", "builtins", "aliases"),
    *("parameters", "history", "historywords", "jobstates", "jobdirs", "jobtexts", "dirstack", "modules", "userdirs"),
    *("nameddirs", "usergroups", "reswords", "funcstack", "funcfiletrace", "funcsourcetrace", "functrace", "patchars"),
    *("terminfo", "termcap", "keymaps", "widgets", "zsh_eval_context", "galiases", "saliases", "errnos", "sysparams"),
    *("UID", "EUID", "GID", "EGID", "PPID", "USERNAME", "TTY", "TTYIDLE", "LINENO", "RANDOM", "SECONDS", "ERRNO"),
    *("HISTCHARS", "HISTCMD", "KEYTIMEOUT", "LINES", "COLUMNS", "WORDCHARS", "NULLCMD", "READNULLCMD", "IFS"),
    *("PROMPT", "RPROMPT", "PS1", "PS2", "PS3", "PS4", "CPUTYPE", "MACHTYPE", "OSTYPE", "VENDOR", "HOST", "LOGNAME"),
    *("ARGC", "TRY_BLOCK_ERROR", "ZSH_SUBSHELL", "ZSH_NAME", "ZSH_VERSION", "DIRSTACK", "FUNCNAME", "GROUPS"),
    *("PIPESTATUS", "BASHOPTS", "SHELLOPTS", "BASH_VERSINFO", "EPOCHSECONDS", "EPOCHREALTIME", "SHLVL"),
}
ONLY_IN_BASH = {"mapfile", "readarray", "shopt", "compgen", "caller", "help"}
ONLY_IN_SCRIPTS = {"exit", "logout", "exec", "set"}
KEYWORDS = {"do", "then", "else", "elif", "if", "while", "until", "!", "{", "}", "time", "[[", "done", "fi"}
PLACEHOLDER = re.compile(r"(?<![\w$.{])(?<!^-)(?<!^--)[A-Z]{2}[A-Z0-9]*(?:[_-][A-Z0-9]+)*(?![\w-])")
IN_BRACKETS = re.compile(r"<[A-Za-z][\w-]*(?: [\w-]+)*>")
OTHER_PLACEHOLDER = re.compile(r"<[A-Za-z][\w -]*>|\.\.\.|\byour[-_]\w+|\bxxx+\b|\{\{.*?\}\}")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
PROMPT = re.compile(r"\s*(?:\$|%|>|❯|➜|\(\.?venv\) *\$|[\w.-]+@[\w.-]+\S*[$#%]|\S*[$%]>?)\s+\S")
PROMPTS = "Leave out the prompt sign: it would be run."


@dataclass(frozen=True)
class Pasted:
    """What somebody copies: a block or an inline command. `exported` are the variables that earlier blocks export."""

    file: str
    line: int
    text: str
    exported: frozenset = frozenset()


@dataclass(frozen=True)
class Fault:
    file: str
    line: int
    command: str
    what: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.command.strip()}\n    {self.what}"


@dataclass
class Word:
    """A word of a command. `marks` says of each character how it is quoted: U not at all, D, S, or E by a backslash."""

    at: int
    text: str = ""
    marks: str = ""
    # Of expansions, how the first character of each is quoted.
    expansions: list = field(default_factory=list)

    def add(self, text, mark):
        self.text += text
        self.marks += mark * len(text)

    def unquoted(self):
        return "".join(char if mark == "U" else "\0" for char, mark in zip(self.text, self.marks, strict=True))


class Shell:
    """Reads a text as a shell does, and notes what it finds."""

    def __init__(self, text, is_set):
        self.text, self.at, self.is_set = text, 0, set(is_set)
        self.found, self.exported = [], set()

    def fault(self, at, what):
        self.found.append((at, what))

    def read(self):
        self.commands(end=None, in_double=False)
        return self.found

    def peek(self, length=1):
        return self.text[self.at : self.at + length]

    def commands(self, end, in_double):
        """Commands up to `end`, a closing bracket, or to the end of the text."""
        words, open_since = [], None
        while True:
            char = self.peek()
            if not char:
                self.command(words)
                if end:
                    self.fault(len(self.text), f"A {end} is missing, so that the shell waits for more.")
                if open_since is not None:
                    self.fault(open_since, "Nothing follows the last operator, so that the shell waits for more.")
                return
            if char == end:
                self.command(words)
                self.at += 1
                return
            if char in " \t":
                self.at += 1
            elif char == "\n":
                self.command(words)
                words = []
                self.at += 1
            elif self.peek(2) == "\\\n":
                self.at += 2
            elif char == "#":
                self.fault(
                    self.at,
                    "Say it in the text before or after the command: in zsh, the shell of macOS, # begins no comment "
                    "in a typed command, and what follows is run.",
                )
                self.at = (self.text + "\n").index("\n", self.at)
            elif char in ";&|":
                operator = re.match(r"[;&|]+", self.text[self.at :])[0]
                open_since = self.at if operator in ("&&", "||", "|", "|&") else None
                self.command(words)
                words = []
                self.at += len(operator)
                continue
            elif bracketed := IN_BRACKETS.match(self.text, self.at):
                self.edited(self.at, bracketed[0])
                self.at += len(bracketed[0])
            elif char in "<>":
                operator = re.match(r"[<>&|]+", self.text[self.at :])[0]
                if operator in ("<<", "<<-"):
                    self.fault(self.at, "Write a here-document as a file of the repository, or use printf.")
                self.at += len(operator)
            elif char == "(":
                self.at += 1
                self.commands(")", in_double)
            elif char == ")":
                self.fault(self.at, "A ) closes nothing.")
                self.at += 1
            else:
                words.append(self.word(in_double))
                open_since = None

    def word(self, in_double):
        """One word, its quotes included."""
        word = Word(self.at)
        while (char := self.peek()) and char not in " \t\n;&|<>()":
            if self.peek(2) == "\\\n":
                self.at += 2
            elif char == "\\":
                word.add(self.peek(2), "E")
                self.at += 2
            elif char == "'":
                self.single(word, in_double)
            elif char == '"':
                self.double(word)
            elif char == "$":
                self.expansion(word, "U", in_double)
            elif char == "`":
                self.backtick()
            else:
                self.exclamation(in_double)
                word.add(char, "U")
                self.at += 1
        if self.peek() == "(" and ASSIGNMENT.fullmatch(word.text):
            self.fault(word.at, "Use no array: zsh counts its elements from 1, bash from 0.")
        return word

    def single(self, word, in_double):
        end = self.text.find("'", self.at + 1)
        if end < 0:
            self.fault(self.at, "The quote ' is not closed, so that the shell waits for more.")
            end = len(self.text)
        for at in range(self.at, end):
            # In bash, a quote within double quotes does not keep "!" from calling back an earlier command.
            if in_double and self.text[at] == "!":
                self.check_exclamation(at)
        word.add(self.text[self.at : end + 1], "S")
        self.at = end + 1

    def double(self, word):
        start = self.at
        word.add('"', "D")
        self.at += 1
        while (char := self.peek()) != '"':
            if not char:
                self.fault(start, 'The quote " is not closed, so that the shell waits for more.')
                return
            if char == "\\":
                word.add(self.peek(2), "D")
                self.at += 2
            elif char == "$":
                self.expansion(word, "D", True)
            elif char == "`":
                self.backtick()
            else:
                self.exclamation(True)
                word.add(char, "D")
                self.at += 1
        word.add('"', "D")
        self.at += 1

    def backtick(self):
        self.fault(
            self.at, "A ` outside single quotes runs a command. Write $(...) for that, or quote the text with '."
        )
        self.at += 1

    def exclamation(self, in_double):
        if self.peek() == "!":
            self.check_exclamation(self.at)

    def check_exclamation(self, at):
        following = self.text[at + 1 : at + 2]
        if following and following not in " \t\n=":
            self.fault(
                at, "Outside single quotes ! may call back an earlier command. Quote the text with ', or avoid the !."
            )

    def expansion(self, word, mark, in_double):
        """What begins with $: a variable or the output of commands."""
        start = self.at
        rest = self.text[start:]
        if rest.startswith("$("):
            word.add("$", mark)
            word.expansions.append(mark)
            self.at += 2
            # What is written there is a shell's again, quotes included.
            self.commands(")", in_double)
            return
        if rest.startswith("$'") and mark == "U":
            self.at += 1
            self.single(word, in_double)
            return
        if braced := re.match(r"\$\{([#!]?)(\w*)([^}]*)\}", rest):
            prefix, name, operation = braced.groups()
            if prefix == "!" or operation.startswith("["):
                self.fault(start, f"Not in zsh: {braced[0]}. Use a plain variable.")
            self.use(start, name)
            text = braced[0]
        elif plain := re.match(r"\$([A-Za-z_]\w*|[0-9@*#?$!_-])", rest):
            text, name = plain[0], plain[1]
            following = rest[len(text) :]
            if re.match(r":[A-Za-z&]", following) or following.startswith("["):
                self.fault(
                    start,
                    f"zsh reads {text}{following[:2]} as an operation on the variable. Write ${{{name}}} instead.",
                )
            if name[0].isalpha() or name[0] == "_":
                self.use(start, name)
        else:
            word.add("$", mark)
            self.at += 1
            return
        word.expansions.append(mark)
        # The name is nothing that was typed as a value.
        word.add("$" * len(text), "E")
        self.at = start + len(text)

    def use(self, at, name):
        if name and name not in self.is_set | ENVIRONMENT:
            self.fault(at, f"{name} is not set. Set it to an example on a line of its own before: {name}=...")

    def command(self, words):
        """Judges a command that was read: its assignments, its first word, and the rest."""
        assigned = []
        rest = list(words)
        while rest and ASSIGNMENT.match(rest[0].unquoted()):
            one = rest.pop(0)
            assigned.append(one.text.split("=")[0].rstrip("+"))
            self.assign(one.at, assigned[-1])
            self.typed(one, after=one.text.index("=") + 1)
        if not rest:
            # Before a command, an assignment is for that command alone, and not for its own words.
            self.is_set |= set(assigned)
            return
        while rest and rest[0].text in KEYWORDS:
            first = rest.pop(0)
            if first.text == "[[":
                return
        if not rest:
            return
        first, *others = rest
        if first.text != words[0].text and ASSIGNMENT.match(first.unquoted()):
            return self.command(rest)
        name = first.text
        if name in ONLY_IN_BASH:
            self.fault(first.at, f"{name} is a command of bash alone.")
        if name in ONLY_IN_SCRIPTS:
            self.fault(first.at, f"{name} changes or ends the shell that the reader types in.")
        if name == "echo" and any("\\" in one.text for one in others):
            self.fault(first.at, "echo treats \\ differently in bash and zsh. Use printf.")
        if name == "read" and any(one.text in ("-a", "-p", "-n", "-t", "-N") for one in others):
            self.fault(first.at, "This option of read is another one in zsh.")
        if name == "for" and others:
            self.assign(others[0].at, others[0].text)
            self.is_set.add(others[0].text)
            others = others[1:]
        elif name == "read":
            for one in others:
                if not one.text.startswith(("-", "$", '"')):
                    self.assign(one.at, one.text)
                    self.is_set.add(one.text)
        elif name in ("export", "local", "readonly", "declare", "typeset"):
            for one in others:
                variable = one.text.split("=")[0]
                if "=" in one.text:
                    self.assign(one.at, variable)
                    self.is_set.add(variable)
                    if name == "export":
                        self.exported.add(variable)
        for one in [first, *others]:
            self.unquoted(one)
            self.typed(one, after=re.match(r"(?:[A-Za-z_][\w-]*=)?", one.text).end())

    def assign(self, at, name):
        if name in SPECIAL:
            self.fault(at, f"{name} belongs to the shell: zsh or bash treats it in a way of its own. Use another name.")

    def unquoted(self, word):
        """What bash and zsh make of an unquoted word, where they differ."""
        plain = word.unquoted()
        if "U" in word.expansions:
            self.fault(word.at, "Put double quotes around the $...: bash splits it at blanks, zsh does not.")
        if re.search(r"[*?]", plain) or ("[" in plain and plain not in ("[", "[[")):
            self.fault(word.at, "Quote it: where no file of that name is there, zsh runs nothing (no matches found).")
        if re.match(r"=.", plain):
            self.fault(word.at, "Quote it: zsh takes =word for the path of a command.")
        if re.search(r"[=:]~", plain):
            self.fault(word.at, 'Write "$HOME" for ~ here: zsh does not replace it after = or :.')
        if plain.startswith("^"):
            self.fault(word.at, "Quote it: ^ at the beginning changes and repeats the command before.")

    def typed(self, word, after):
        """Placeholders in what is typed as a value."""
        value = word.text[after:]
        for found in PLACEHOLDER.finditer(value):
            token = found[0]
            behind = value[found.end() : found.end() + 1]
            if token in VALUES or behind in ("=", "(") or value[found.end() :].startswith((".md", ".sig")):
                continue
            name = token.replace("-", "_")
            self.fault(
                word.at,
                f"{token} has to be edited inside the command. Set {name} to an example before, on a line of its own, "
                f'and use "${name}".',
            )
        for found in OTHER_PLACEHOLDER.finditer(value):
            self.edited(word.at, found[0])

    def edited(self, at, text):
        self.fault(
            at,
            f"{text} has to be edited inside the command. Set a variable to an example before, on a line of its own.",
        )


def faults(pasted):
    """What is wrong with one of them."""
    found, lines = [], pasted.text.split("\n")
    shell = Shell(pasted.text, pasted.exported)
    found += shell.read()
    at, continued = 0, False
    for line in lines:
        if not continued and PROMPT.match(line):
            found.append((at, PROMPTS))
        if "\t" in line:
            found.append((at, "Write blanks: a shell completes words at a tab."))
        if re.search(r"\\[ \t]+$", line):
            found.append((at, "A blank after the last \\ ends the command there."))
        if odd := re.search(r"[^\x00-\x7f]", line):
            found.append((at, f"{odd[0]} is no sign of a shell, such as a straight quote or -."))
        continued = line.endswith("\\")
        at += len(line) + 1
    seen = set()
    for at, what in sorted(found, key=lambda one: one[0]):
        number = pasted.text.count("\n", 0, at)
        command = lines[min(number, len(lines) - 1)]
        if (number, what) not in seen:
            seen.add((number, what))
            yield Fault(pasted.file, pasted.line + number, command, what)


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
            language = token.info.split()[0].lower() if token.info.split() else ""
            if language in SHELL_BLOCKS or (not language and _looks_like_commands(content)):
                yield Pasted(name, first + 1, content, exported=exported)
                shell = Shell(content, exported)
                shell.read()
                exported |= shell.exported
        elif token.type == "inline":
            line = token.map[0]
            for child in token.children:
                if child.type == "code_inline" and _is_command(child.content):
                    start = child.content.split()[0]
                    here = next((at for at in range(line, token.map[1]) if f"`{start}" in lines[at]), line)
                    yield Pasted(name, here + 1, child.content)


def of_the_pages_text(path, name):
    """The inline commands of a part of the page."""
    for number, line in enumerate(path.read_text().split("\n"), 1):
        for content in re.findall(r"<code[^>]*>([^<{]*)</code>", line):
            if _is_command(content):
                yield Pasted(name, number, content)


def of_the_page(folder, prefix=product.BUCKET_PREFIX):
    """The page's commands for every choice, from the templates in a folder; with no parameter chosen."""
    offered = choices.all_choices(folder, prefix)
    region = product.REGIONS[0]
    place = f"{product.bucket(prefix, region)}/{product.key('')}"
    names = (product.SUMS, product.SIGNATURE, product.PUBLIC_KEY)
    all_of_them = [
        *(one for choice in offered for make in (commands.launch, commands.lifecycle) for one in make(choice)),
        commands.look(region),
        commands.download(region, place, product.SUMMED, *names),
        commands.shut_now(region),
    ]
    for one in all_of_them:
        yield Pasted(f"site/commands.py, command {one.id}", 1, one.text.replace(commands.CHOSEN, ""))


def all_pasted(folder):
    """Everything that somebody may copy. `folder` has the published templates."""
    for path in documents():
        yield from of_a_document(path, str(path.relative_to(ROOT)))
    for path in sorted((Path(__file__).parent / "page").glob("*.html")):
        yield from of_the_pages_text(path, str(path.relative_to(ROOT)))
    yield from of_the_page(folder)


def _looks_like_commands(content):
    return any(_is_command(line) or PROMPT.match(line) for line in content.splitlines())


def _is_command(text):
    """Whether an inline text is a command with words of its own, and not only a name."""
    words = [word for word in text.split() if not ASSIGNMENT.match(word)]
    is_program = bool(words) and (words[0] in PROGRAMS or words[0].startswith((".venv/", ".ci/", "./")))
    return is_program and len(text.split()) > 1


def main():
    found = [fault for pasted in all_pasted(Path(sys.argv[1])) for fault in faults(pasted)]
    if found:
        print(*found, sep="\n", file=sys.stderr)
        raise SystemExit(
            f"Commands that cannot be pasted into bash and zsh as they stand: {len(found)}. CONTRIBUTING.md says how."
        )


if __name__ == "__main__":
    main()
