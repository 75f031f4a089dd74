"""`make link`: what it prints, and what it refuses."""

import subprocess
import sys
from urllib.parse import parse_qsl, urlsplit

import pytest
from samcli.yamlhelper import yaml_parse

from orchestera_release import link, product
from orchestera_release.product import ROOT, Refused


def opened(address):
    """What the console makes of a link: region, template, stack name and parameters."""
    parts = urlsplit(address)
    path, _, query = parts.fragment.partition("?")
    assert (parts.scheme, parts.path, path) == ("https", "/cloudformation/home", "/stacks/create/review")
    fields = dict(parse_qsl(query, strict_parsing=True, keep_blank_values=True))
    region = dict(parse_qsl(parts.query))["region"]
    assert parts.netloc == f"{region}.console.aws.amazon.com"
    parameters = {key.removeprefix("param_"): fields.pop(key) for key in list(fields) if key.startswith("param_")}
    return region, fields.pop("templateURL"), fields.pop("stackName"), parameters, fields


def test_the_link_opens_the_versioned_template_of_the_region_with_the_chosen_parameters():
    chosen = {"PolicyEdition": "2026-02-06", "MaxSessionDuration": "7200", "Guardrail": "On"}
    region, template, name, parameters, other = opened(link.quick_create(parameters=chosen))
    assert (region, name, parameters, other) == ("us-east-1", "orchestera-access", chosen, {})
    assert template == product.url(product.BUCKET_PREFIX, "us-east-1", product.FLAT) and product.VERSION in template


@pytest.mark.parametrize("kind, file", link.TEMPLATES.items())
def test_each_template_has_a_link_and_every_parameter_that_it_may_fill_in_is_one_of_the_templates(dist, kind, file):
    _, template, *_ = opened(link.quick_create(kind))
    assert template.endswith(f"/{file}")
    published = yaml_parse((dist / file).read_text())["Parameters"]
    may = link.presettable(link.template(kind, product.BUCKET_PREFIX))
    assert may.keys() < published.keys() and {"PolicyEdition", "AccessState", "MaxSessionDuration"} <= may.keys()
    forbidden = {"ExternalId", "MemberAccountId", "MemberRoleName", "PermissionsBoundaryArn", "Accounts"}
    forbidden |= {"AccountEmail", "AccountId", "AdminUserNames", "OrganizationalUnitId", "AcceptPaidPlan", "NewAccount"}
    assert not may.keys() & (forbidden | {"FunctionPermissionsBoundaryArn", "OrganizationalUnitIds"})


def test_the_link_for_the_management_account_presets_no_email_address():
    assert opened(link.quick_create("organization"))[2:4] == ("orchestera-organization", {})
    assert "%40" not in link.quick_create("organization") and "@" not in link.quick_create("organization")
    chosen = {"AdminGroupRights": "SwitchOnly", "AccountName": "Spark at work"}
    assert opened(link.quick_create("organization", parameters=chosen))[3] == chosen


REFUSED = [
    ({"parameters": {"policyEdition": "2026-02-06"}}, "no parameter policyEdition.*Did you mean PolicyEdition"),
    ({"parameters": {"Nothing": "1"}}, "no parameter Nothing.*It has PolicyEdition, "),
    ({"parameters": {"PlatformAccountId": "999988887777"}}, "no parameter PlatformAccountId"),
    ({"parameters": {"ExternalId": "dummy"}}, "ExternalId is NoEcho"),
    ({"kind": "native", "parameters": {"ExternalId": "dummy"}}, "ExternalId is NoEcho"),
    ({"parameters": {"RequireExternalId": "false"}}, "RequireExternalId .* decides who gets into it"),
    ({"parameters": {"MemberAccountId": "111122223333"}}, "MemberAccountId belongs to an account"),
    ({"parameters": {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/B"}}, "belongs to an account"),
    ({"kind": "stack-set", "parameters": {"OrganizationalUnitIds": "r-abcd"}}, "belongs to an account"),
    ({"kind": "stack-set", "parameters": {"Accounts": "111122223333"}}, "Accounts belongs to an account"),
    ({"kind": "native", "parameters": {"Guardrail": "On"}}, "no parameter Guardrail"),
    ({"kind": "organization", "parameters": {"AccountEmail": "a@example.com"}}, "AccountEmail belongs to an account"),
    ({"kind": "organization", "parameters": {"AdminUserNames": "somebody"}}, "decides who gets into it"),
    ({"kind": "organization", "parameters": {"AcceptPaidPlan": "true"}}, "AcceptPaidPlan belongs to an account"),
    ({"parameters": {"NewAccount": "true"}}, "NewAccount belongs to an account"),
    ({"parameters": {"PolicyEdition": "2024"}}, "must be one of 2025-09-29, 2026-02-06"),
    ({"parameters": {"MaxSessionDuration": "60"}}, "a number from 3600 to 43200"),
    ({"parameters": {"MaxSessionDuration": "1e4"}}, "a number from 3600 to 43200"),
    ({"region": "eu-west-1"}, "the platform serves us-east-1"),
    ({"stack_name": "1st"}, "The stack name is '1st'"),
    ({"stack_name": "a&param_ExternalId=x"}, "The stack name"),
    ({"kind": "sam"}, "must be one of flat, native, stack-set, organization"),
]


@pytest.mark.parametrize("asked, reason", REFUSED)
def test_what_the_console_would_ignore_or_a_stranger_could_misuse_is_refused(asked, reason):
    with pytest.raises(Refused, match=reason):
        link.quick_create(**asked)


def test_all_problems_are_told_at_once():
    with pytest.raises(Refused) as refused:
        link.quick_create(region="x", stack_name="1", parameters={"ExternalId": "x", "AccessState": "Open"})
    assert len(str(refused.value).splitlines()) == 4


def run(*options):
    command = [sys.executable, "-m", "orchestera_release.link", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_prints_the_link_and_nothing_else_or_every_reason():
    ran = run("--parameters=PolicyEdition=2026-02-06 AccessState='Suspended'", "--template=native", "--stack-name=mine")
    assert ran.returncode == 0, ran.stderr
    (line,) = ran.stdout.splitlines()
    assert opened(line)[2:4] == ("mine", {"PolicyEdition": "2026-02-06", "AccessState": "Suspended"})
    ran = run("--parameters=PolicyEdition 2026-02-06")
    assert (ran.returncode, ran.stdout) == (1, "") and "write Name=Value" in ran.stderr
    for given, reason in [("AccessState='Active", "No closing quotation"), ("Guardrail=On Guardrail=Off", "twice")]:
        ran = run(f"--parameters={given}")
        assert (ran.returncode, ran.stdout) == (1, "") and reason in ran.stderr and "Traceback" not in ran.stderr
    ran = run("--parameters=Guardrail=On PermissionsBoundaryName=x")
    assert (ran.returncode, ran.stdout) == (1, "") and 'A role has one boundary. Set Guardrail to "Off"' in ran.stderr
    ran = run("--bucket-prefix=Not_A_Bucket")
    assert (ran.returncode, ran.stdout) == (1, "") and "The bucket prefix" in ran.stderr
