"""The lint of `make check`: which commands it refuses, with what advice, and which it lets pass."""

import re
import subprocess

import pytest

from orchestera_release import templates
from orchestera_release.product import ROOT
from orchestera_site import command_lint, command_snippets

REFUSED = [
    # Comments.
    ("make run     # see it happen", "begins no comment"),
    ("STATE=Suspended    # or Active", "begins no comment"),
    ("# first\nmake run", "begins no comment"),
    ("make run\n  # then\nmake test", "begins no comment"),
    ("aws iam list-roles; # all", "begins no comment"),
    ("aws iam list-roles |# all\ntr a b", "begins no comment"),
    ('ROLES="$(aws iam list-roles # all\n)"', "begins no comment"),
    # Prompt signs.
    ("$ make run", "Leave out the prompt sign"),
    ("  $ make run", "Leave out the prompt sign"),
    ("% make run", "Leave out the prompt sign"),
    ("> make run", "Leave out the prompt sign"),
    ("me@laptop:~$ make run", "Leave out the prompt sign"),
    ("(.venv) $ make run", "Leave out the prompt sign"),
    ("make tools\n$ make run", "Leave out the prompt sign"),
    # What would have to be edited.
    ("aws cloudformation describe-stacks --stack-name STACK", 'Set STACK to an example before, .*use "\\$STACK"'),
    ("aws iam get-policy --policy-arn arn:aws:iam::ACCOUNT:policy/A", "ACCOUNT has to be edited"),
    ("aws a OrganizationalUnitIds=OU,Accounts=ACCOUNT", "OU has to be edited"),
    ('aws logs tail "THAT" --filter-pattern \'"REQUEST-ID"\'', 'use "\\$REQUEST_ID"'),
    ("aws s3 cp https://example.com/VERSION/a.yaml .", "VERSION has to be edited"),
    ("STACK=NAME\naws x", "NAME has to be edited"),
    ("make bench-NAME", "NAME has to be edited"),
    ("aws iam get-role --role-name <role>", "<role> has to be edited"),
    ("aws iam get-role --role-name your-role", "your-role has to be edited"),
    ("aws iam get-role --role-name ...", "has to be edited"),
    ("aws iam get-role --role-name xxxx", "xxxx has to be edited"),
    ('aws iam get-role --role-name "{{ role }}"', "{{ role }} has to be edited"),
    ("aws iam get-role --role-name …", "is no sign of a shell"),
    # Variables.
    ('aws x --stack-name "$STACK"', "STACK is not set"),
    ('aws x "${STACK}"', "STACK is not set"),
    ('STACK=a aws x "$STACK"', "STACK is not set"),
    ('aws x "$STACK"\nSTACK=a', "STACK is not set"),
    ('STACK="$STACK-b"', "STACK is not set"),
    # What bash and zsh do not do alike.
    ("STACK=a\naws x $STACK", "Put double quotes around"),
    ("STACK=a\naws x --name=$STACK-b", "Put double quotes around"),
    ("aws x $(aws y)", "Put double quotes around"),
    ("for ONE in $(aws y); do aws x; done", "Put double quotes around"),
    ("aws x --query Roles[0].Arn", "no matches found"),
    ("aws x --query Roles[].Arn", "no matches found"),
    ("aws s3 ls s3://bucket/*", "no matches found"),
    ("curl https://example.com/?a=b", "no matches found"),
    ("aws x =word", "zsh takes =word"),
    ("[ a == b ]", "zsh takes =word"),
    ("make dist SIGNING_KEY=~/key.pem", 'Write "\\$HOME" for ~'),
    ("make PATHS=a:~/b", 'Write "\\$HOME" for ~'),
    ("aws x \"Roles[?Name!'a']\"", "call back an earlier command"),
    ("aws x a!b", "call back an earlier command"),
    ('aws x "hello!"', "call back an earlier command"),
    ("X=\"$(aws x --query '!a')\"", "call back an earlier command"),
    ("^a^b", "changes and repeats"),
    ("status=1", "status belongs to the shell"),
    ("path=/tmp\naws x", "path belongs to the shell"),
    ("aws x | while read -r status; do aws y; done", "status belongs to the shell"),
    ("for path in a b; do aws x; done", "path belongs to the shell"),
    ("export prompt=a", "prompt belongs to the shell"),
    ('ID=a\naws "x:$ID:role/y"', "Write \\$\\{ID\\} instead"),
    ('ID=a\naws "$ID[0]"', "Write \\$\\{ID\\} instead"),
    ('ALL=(a b)\naws "${ALL[0]}"', "zsh counts its elements from 1"),
    ('aws "${ALL[0]}"', "Not in zsh"),
    ('A=a\naws "${!A}"', "Not in zsh"),
    ("mapfile -t ALL", "a command of bash alone"),
    ("shopt -s extglob", "a command of bash alone"),
    ("read -p Name NAME", "This option of read"),
    ("echo 'a\\nb'", "Use printf"),
    ("set -e\naws x", "the shell that the reader types in"),
    ("aws x || exit 1", "the shell that the reader types in"),
    ('aws x --query "Roles[?a==`b`]"', "outside single quotes runs a command"),
    # What does not end.
    ("aws x 'a", "waits for more"),
    ('aws x "a', "waits for more"),
    ("aws x &&", "waits for more"),
    ("aws x |", "waits for more"),
    ('X="$(aws x"', "waits for more"),
    ("aws x \\ \n  y", "A blank after the last"),
    ("aws x \ty", "completes words at a tab"),
    ("aws x “a”", "is no sign of a shell"),
    ("aws x --a –b", "is no sign of a shell"),
    ("cat <<EOF\na\nEOF", "here-document"),
]


@pytest.mark.parametrize("text, advice", REFUSED)
def test_a_command_that_cannot_be_pasted_as_it_stands_is_refused_with_what_to_do_instead(text, advice):
    found = list(command_lint.faults(command_snippets.Snippet("a.md", 10, text)))
    assert any(re.search(advice, one.what) for one in found), found


GOOD = [
    "make run",
    "make tools && source .venv/bin/activate",
    "aws x 'a # b' \"c # d\"",
    "aws x a#b ab# --name=#1",
    "aws x https://us-east-1.console.aws.amazon.com/cloudformation/home#/stacks",
    "aws x 'https://console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/create/review?a=b'",
    'STACK=orchestera-access\naws x --stack-name "$STACK"',
    'ACCOUNT=111122223333\naws x "arn:aws:iam::${ACCOUNT}:role/A" "$ACCOUNT/b" "$ACCOUNT-c"',
    'ACCOUNT="$(aws sts get-caller-identity --query Account --output text)"\naws x "$ACCOUNT"',
    'PARAMETERS=$(aws x \\\n  --query \'A[?(B==`"C"`)==`false`]\') &&\n  aws y --parameters "$PARAMETERS"',
    "aws x --query 'Roles[?Status!=`\"CURRENT\"`].[A, B]' --filter 'a*b?'",
    'make bench CONTENDERS="product floor" ROUNDS=5',
    "make link PARAMETERS='PolicyEdition=2026-02-06 Guardrail=On'",
    'for FILE in \\\n  a b\ndo aws s3 cp "s3://b/$FILE" .; done',
    "aws x | tr '\\t' '\\n' | while read -r account; do aws y \"$account\"; done",
    'export REGION=us-east-1\naws x "$REGION"',
    "openssl genpkey -pkeyopt ec_paramgen_curve:P-256 -out ~/key.pem",
    "aws x --capabilities CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND",
    'PATH="$PWD/.venv/bin:$PATH" AWS_REGION=us-east-1 \\\nAWS_SECRET_ACCESS_KEY=dummy \\\ncargo-lambda lambda watch',
    'make dist SIGNING_KEY="$HOME/key.pem"',
    'aws x "a"=b',
    "aws x 'a!b' a\\!b \\*",
    "[ a != b ] && aws x",
    "aws x \\\n  > file",
    "curl -LO https://example.com/a",
    "git add README.md",
    'ID=a\naws x "${ID//::/*}"',
    'aws x "a!=b"',
    "! aws x && aws y",
    "",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_command_that_both_shells_read_alike_passes(text):
    assert list(command_lint.faults(command_snippets.Snippet("a.md", 1, text))) == []


def test_a_fault_is_told_once_a_line_and_a_prompt_sign_is_no_part_of_the_command():
    prompt, glob = command_lint.faults(command_snippets.Snippet("a.md", 1, "$ make a* b*"))
    assert "Leave out the prompt sign" in prompt.what and "no matches found" in glob.what


def written(tmp_path, text):
    path = tmp_path / "a.md"
    path.write_text(text)
    return [
        str(one) for snippet in command_snippets.of_a_document(path, "a.md") for one in command_lint.faults(snippet)
    ]


@pytest.mark.parametrize("language", ["sh", "bash", "zsh", "shell", "console", ""])
def test_a_block_of_a_document_is_refused_by_file_line_and_command(language, tmp_path):
    (found,) = written(tmp_path, f"# A\n\nText.\n\n```{language}\nmake tools\nmake run # all\n```\n")
    place, advice = found.split("\n")
    assert place == "a.md:7: make run # all" and "Say it in the text" in advice


def test_blocks_in_lists_and_quotes_indented_ones_and_inline_commands_are_read_and_other_languages_are_not(tmp_path):
    assert written(tmp_path, "- a\n\n  ```sh\n  make a # b\n  ```\n")
    assert written(tmp_path, "> ```sh\n> make a # b\n> ```\n")
    assert written(tmp_path, "~~~sh\nmake a # b\n~~~\n")
    assert written(tmp_path, "Text:\n\n    make a # b\n")
    assert written(tmp_path, "```\n$ any-program\n```\n")
    for inline in ("`aws logs tail THAT --follow`", "``make a # b``", "`LIBC=gnu make a # b`", "| a | `sam x $Y` |"):
        assert written(tmp_path, f"Text\nand {inline}.\n")
    for good in ("```json\n{ # }\n```\n", "```\nno command # here\n```\n", "`make help`, `aws`, `AWS_REGION`, `ID`\n"):
        assert not written(tmp_path, good)


def test_a_variable_that_an_earlier_block_exports_is_set_and_one_that_it_only_sets_is_not(tmp_path):
    blocks = '```sh\n{}=a\n```\n\n```sh\naws x "$SET"\n```\n'
    assert not written(tmp_path, blocks.format("export SET"))
    assert written(tmp_path, blocks.format("SET"))


def test_make_check_refuses_a_command_of_the_page_and_names_it(tmp_path, monkeypatch, capsys):
    for name, template in templates.published(command_snippets.product.BUCKET_PREFIX).items():
        (tmp_path / name).write_text(templates.content(name, template))
    command_lint.main([str(tmp_path)])
    shut_now = command_snippets.commands.shut_now

    def with_a_comment(region):
        one = shut_now(region)
        return command_snippets.commands.Command(one.id, one.title, f"{one.text}    # at once")

    monkeypatch.setattr(command_snippets.commands, "shut_now", with_a_comment)
    with pytest.raises(SystemExit, match="as they stand: 1\\."):
        command_lint.main([str(tmp_path)])
    assert "site/orchestera_site/commands.py, command shut-now:2: " in capsys.readouterr().err


def test_make_check_runs_the_lint():
    rule = subprocess.run(["make", "--dry-run", "check"], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    assert rule.index("orchestera_release.templates target/t") < rule.index("orchestera_site.command_lint target/t")
