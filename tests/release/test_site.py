"""The commands of the launch page, as they are there, by the real AWS CLI and SAM, on the emulated AWS."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse

from orchestera_local import orchestera_platform, permissions
from orchestera_local.aws import SECRET_KEY
from orchestera_local.stack import ROOT, Stack
from orchestera_release import link, product
from orchestera_site import build

AWSCLI = ROOT / ".tools/awscli/bin"
NAME, ROLLOUT = link.STACK_NAMES["flat"], link.STACK_NAMES["stack-set"]
FILES = {"one-account": product.FLAT, "no-function": product.NATIVE}
ROLE_IS_GONE = "aws iam --region us-east-1 get-role --role-name OrchesteraAccessRole"


class Commands(HTMLParser):
    """What stands in the figures of a page, by their ids: the text that its reader copies."""

    def __init__(self, page):
        super().__init__()
        self.of, self.inside = {}, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "figure":
            self.id = dict(attributes)["id"]
        elif tag == "code" and self.id:
            self.inside, self.of[self.id] = self.id, ""

    def handle_endtag(self, tag):
        if tag == "code":
            self.inside = None
        elif tag == "figure":
            self.id = None

    id = None

    def handle_data(self, data):
        if self.inside:
            self.of[self.inside] += data


@pytest.fixture(scope="module")
def commands(dist):
    # As after a release: the artefacts are signed by its key.
    with pytest.MonkeyPatch.context() as patch:
        for module in (build, link):
            patch.setattr(module, "RELEASE_KEY", dist / product.PUBLIC_KEY)
        return Commands(build.page(product.BUCKET_PREFIX)).of


# The CLI looks at once and then again after half a minute; this looks until there is something to see.
WAITS = f"""#!/bin/sh
if [ "$1 $2" = "cloudformation wait" ]; then
  for ARGUMENT in "$@"; do STACK="$ARGUMENT"; done
  while {AWSCLI}/aws cloudformation describe-stacks --region us-east-1 --stack-name "$STACK" \\
    --query 'Stacks[0].StackStatus' --output text 2> /dev/null | grep -q IN_PROGRESS
  do sleep 0.1; done
fi
exec {AWSCLI}/aws "$@"
"""


@pytest.fixture
def shell(aws, account, published, tmp_path):
    """Runs commands as a reader who copied them, in a folder with the published files."""
    shutil.copytree(published, tmp_path / "files")
    waits = tmp_path / "bin/aws"
    waits.parent.mkdir()
    waits.write_text(WAITS)
    waits.chmod(0o755)

    def run(text, folder=tmp_path / "files", caller=account, fails=False):
        """What they say; or their errors, if the last of them is one that `fails`."""
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=folder,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            env={name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
            | {
                "PATH": f"{waits.parent}:{AWSCLI}:{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "AWS_ENDPOINT_URL": aws.endpoint,
                "AWS_ACCESS_KEY_ID": caller.id,
                "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
                "SAM_CLI_TELEMETRY": "0",
            },
        )
        assert (ran.returncode != 0) == fails, ran.stdout + ran.stderr
        return ran.stderr if fails else ran.stdout

    return run


@pytest.mark.parametrize("choice", FILES)
def test_the_aws_cli_lines_make_the_stack_show_it_suspend_it_update_it_and_remove_it(
    choice, aws, account, commands, shell, older
):
    outputs = values(shell(commands[f"{choice}-aws"]))
    platform = orchestera_platform.caller(aws)
    assert lets_in(platform, outputs)
    trust, attached, inline, document = documents(shell(commands["look"]))
    (statement,) = trust["Statement"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": outputs["ExternalId"]}}
    assert (attached, inline) == ([f"arn:aws:iam::{account.id}:policy/OrchesteraAccessPolicy"], [])
    assert document == permissions.edition("2025-09-29")

    shell(commands[f"{choice}-suspend"])
    assert not lets_in(platform, outputs)
    assert documents(shell(commands["look"]))[1:3] == [[], ["OrchesteraSuspended"]]
    shell(commands[f"{choice}-resume"])
    assert lets_in(platform, outputs)
    shell(older(commands[f"{choice}-update"], FILES[choice]))
    shell(commands[f"{choice}-update"])
    assert template_of(account) == yaml_parse((product.folder() / FILES[choice]).read_text())
    # An external id that is not named would be another one.
    assert lets_in(platform, outputs) and values(shell(outputs_of(commands[f"{choice}-aws"]))) == outputs
    assert "NoSuchEntity" in to_the_end(shell, commands[f"{choice}-remove"])


def test_the_aws_cli_lines_for_many_accounts_give_each_of_a_unit_its_stack(
    aws, organization, unit, join, commands, shell, older
):
    members = [join(), join()]

    def typed(name):
        """As somebody types it who has read the ids of these units."""
        text = commands[f"many-accounts-{name}"]
        return text.replace("ou-abcd-11112222,ou-abcd-33334444", unit).replace("r-abcd", organization.root)

    assert "ou-abcd-11112222,ou-abcd-33334444" in commands["many-accounts-aws"]
    found = shell(typed("organization"))
    assert organization.root in found and unit in found
    shell(typed("aws"))

    def instances():
        return {line.split("\t")[0]: line.split("\t")[1] for line in shell(typed("instances")).splitlines()}

    assert instances() == {member.id: "SUCCEEDED" for member in members}
    platform = orchestera_platform.caller(aws)
    both = [values(shell(typed("outputs"), caller=member)) for member in members]
    assert all(lets_in(platform, outputs) for outputs in both)
    assert both[0]["ExternalId"] != both[1]["ExternalId"]
    shell(typed("suspend"))
    assert not any(lets_in(platform, outputs) for outputs in both)
    shell(typed("resume"))
    shell(older(typed("update"), product.STACK_SET))
    shell(typed("update"))
    assert template_of(organization.management, ROLLOUT) == yaml_parse(
        (product.folder() / product.STACK_SET).read_text()
    )
    assert all(lets_in(platform, outputs) for outputs in both)
    shell(typed("remove"))
    for member in members:
        assert "NoSuchEntity" in shell(ROLE_IS_GONE, caller=member, fails=True)


def template_of(account, name=NAME):
    body = account.client("cloudformation").get_template(StackName=name)["TemplateBody"]
    return yaml_parse(body) if isinstance(body, str) else body


@pytest.fixture
def older(tmp_path):
    """An update to what an earlier release may have had: in AWS as here, one that changes nothing is refused."""

    def with_older_template(text, name):
        template = yaml_parse((product.folder() / name).read_text())
        template["Description"] += " An earlier one."
        resources = template["Resources"]
        # The last one of the native template is the role: a policy's description cannot be changed.
        resource, described = ("Access", "Release") if "Access" in resources else (list(resources)[-1], "Description")
        resources[resource]["Properties"][described] = "0.0.1"
        path = tmp_path / "older.json"
        path.write_text(json.dumps(template))
        changed, count = re.subn(r"--template-url \S+", f"--template-body file://{path}", text)
        assert count == 1
        return changed

    return with_older_template


def values(text):
    return dict(line.split("\t") for line in text.splitlines() if "\t" in line)


def lets_in(platform, outputs):
    """Whether the platform gets in with the external id; without it never."""
    role, external_id = outputs["RoleArn"], outputs["ExternalId"]
    assert re.fullmatch(r"[0-9a-f]{32}", external_id)
    assert orchestera_platform.session(platform, role) is None
    return orchestera_platform.session(platform, role, external_id) is not None


def to_the_end(shell, text):
    """The last of these commands fails, because what it asks for is gone; its error is returned."""
    before, last = text.rsplit("\n", 1)
    shell(before)
    return shell(last, fails=True)


def documents(text):
    """The JSON values of a text, one behind the other."""
    decoder, values, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        values.append(value)
    return values


def outputs_of(text):
    return text[text.index("aws cloudformation describe-stacks") :]


def test_a_role_can_be_shut_by_hand_at_once(aws, account, commands, shell):
    outputs = values(shell(commands["no-function-aws"]))
    session = orchestera_platform.session(orchestera_platform.caller(aws), outputs["RoleArn"], outputs["ExternalId"])
    session.client("ec2").describe_vpcs()
    # AWS's own policy, which the AWS on loopback does not have.
    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSDenyAll.html
    arn = "arn:aws:iam::aws:policy/AWSDenyAll"
    assert arn in commands["shut-now"]
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    made = account.client("iam").create_policy(PolicyName="AWSDenyAll", PolicyDocument=json.dumps(deny))
    shell(commands["shut-now"].replace(arn, made["Policy"]["Arn"]))
    with pytest.raises(ClientError, match="not authorized"):
        session.client("ec2").describe_vpcs()


def test_what_is_published_is_downloaded_and_checked_by_the_commands(commands, shell, published, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    checked = [f"{name}: OK" for name in product.SUMMED] + ["Verified OK"]
    assert shell(commands["download"], folder=empty).splitlines()[-len(checked) :] == checked
    assert {path.name for path in empty.iterdir()} == {path.name for path in published.iterdir()}
    _, check_sums, check_signature = commands["download"].rsplit("\n", 2)
    for changed, check in [(product.NATIVE, check_sums), (product.SUMS, check_signature)]:
        shell(check, folder=empty)
        (empty / changed).write_text((empty / changed).read_text() + "# more\n")
        shell(check, folder=empty, fails=True)


def test_sam_deploys_the_file_that_was_downloaded(account, commands, shell):
    shell(commands["no-function-sam"])
    stack = Stack(account)
    stack.id = stack.name
    assert stack.outputs()["AccessState"] == "Active" and len(stack.outputs()["ExternalId"]) == 32


def test_sam_deploys_the_stack_set_that_was_downloaded(organization, unit, join, commands, shell):
    member = join()
    shell(commands["many-accounts-sam"].replace("ou-abcd-11112222,ou-abcd-33334444", unit))
    assert "RoleArn" in shell(commands["many-accounts-outputs"], caller=member)


def test_the_sam_lines_for_one_account_are_those_of_the_readme(commands):
    # `tests/stack/test_commands.py` runs them.
    assert commands["one-account-sam"].splitlines() == ["sam build", "sam deploy"]
    assert "\nsam build && sam deploy\n" in (ROOT / "README.md").read_text()
