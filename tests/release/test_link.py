"""`make link`: what it prints, and what it refuses."""

import subprocess
import sys
from urllib.parse import parse_qsl, urlsplit

import pytest
from samcli.yamlhelper import yaml_parse

from orchestera_release import link, product
from orchestera_release.product import ROOT, Refused

# There is no link to the buckets of the releases before the first one.
PREFIX = "a-company-of-ours"


def opened(address):
    """What the console reads from a link: region, template, stack name and parameters."""
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
    region, template, name, parameters, other = opened(link.quick_create(parameters=chosen, prefix=PREFIX))
    assert (region, name, parameters, other) == ("us-east-1", "orchestera-access", chosen, {})
    assert template == product.url(PREFIX, "us-east-1", product.FLAT) and product.VERSION in template


@pytest.mark.parametrize("kind, file", link.TEMPLATES.items())
def test_each_template_has_a_link_and_every_parameter_that_it_may_fill_in_is_one_of_the_templates(dist, kind, file):
    _, template, *_ = opened(link.quick_create(kind, prefix=PREFIX))
    assert template.endswith(f"/{file}")
    published = yaml_parse((dist / file).read_text())["Parameters"]
    may = link.presettable(link.template(kind, product.BUCKET_PREFIX))
    assert may.keys() < published.keys() and {"PolicyEdition", "AccessState", "MaxSessionDuration"} <= may.keys()
    forbidden = {"ExternalId", "MemberAccountId", "MemberRoleName", "PermissionsBoundaryArn", "Accounts"}
    forbidden |= {"AccountEmail", "AccountId", "AdminUserNames", "OrganizationalUnitId", "AcceptPaidPlan", "NewAccount"}
    forbidden |= {"DevelopmentAccountEmail", "ProductionAccountEmail", "IdentityCenterPrincipal", "BillingContact"}
    forbidden |= {"OperationsContact", "SecurityContact"}
    assert not may.keys() & (forbidden | {"FunctionPermissionsBoundaryArn", "OrganizationalUnitIds"})


def test_the_link_for_the_management_account_presets_no_email_address():
    with_defaults = link.quick_create("organization", prefix=PREFIX)
    assert opened(with_defaults)[2:4] == ("orchestera-organization", {})
    assert "%40" not in with_defaults and "@" not in with_defaults
    chosen = {"AdminGroupRights": "SwitchOnly", "AccountName": "Spark at work"}
    assert opened(link.quick_create("organization", parameters=chosen, prefix=PREFIX))[3] == chosen


REFUSED = [
    ({"parameters": {"policyEdition": "2026-02-06"}}, "no parameter policyEdition.*Did you mean PolicyEdition"),
    ({"parameters": {"Nothing": "1"}}, "no parameter Nothing.*It has PolicyEdition, "),
    ({"parameters": {"PlatformAccountId": "999988887777"}}, "no parameter PlatformAccountId"),
    ({"parameters": {"ExternalId": "dummy"}}, "ExternalId is NoEcho"),
    ({"kind": "native", "parameters": {"ExternalId": "dummy"}}, "ExternalId is NoEcho"),
    ({"parameters": {"RequireExternalId": "false"}}, "RequireExternalId .* decides who gets access to it"),
    ({"parameters": {"MemberAccountId": "111122223333"}}, "MemberAccountId belongs to an account"),
    ({"parameters": {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/B"}}, "belongs to an account"),
    ({"kind": "stack-set", "parameters": {"OrganizationalUnitIds": "r-abcd"}}, "belongs to an account"),
    ({"kind": "stack-set", "parameters": {"Accounts": "111122223333"}}, "Accounts belongs to an account"),
    ({"kind": "native", "parameters": {"Guardrail": "On"}}, "no parameter Guardrail"),
    ({"kind": "organization", "parameters": {"AccountEmail": "a@example.com"}}, "AccountEmail belongs to an account"),
    ({"kind": "organization", "parameters": {"AdminUserNames": "somebody"}}, "decides who gets access to it"),
    ({"kind": "organization", "parameters": {"IdentityCenterPrincipal": "user:ann"}}, "decides who gets access to it"),
    ({"kind": "organization", "parameters": {"DevelopmentAccountEmail": "a@example.com"}}, "belongs to an account"),
    ({"kind": "organization", "parameters": {"SecurityContact": "a; b; c@d.example; 1"}}, "belongs to an account"),
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
        link.quick_create(prefix=PREFIX, **asked)


def test_all_problems_are_told_at_once():
    with pytest.raises(Refused) as refused:
        link.quick_create(
            prefix=PREFIX, region="x", stack_name="1", parameters={"ExternalId": "x", "AccessState": "Open"}
        )
    assert len(str(refused.value).splitlines()) == 4


def list_of_pairs(allowed=r"[A-Za-z]+=[\w =]*"):
    """A template with tags as a list: CloudFormation matches each member, without the spaces around it."""
    return {"Parameters": {"Tags": {"Type": "CommaDelimitedList", "Default": "", "AllowedPattern": f"^$|^{allowed}$"}}}


def test_each_member_of_a_list_is_matched_and_a_pattern_without_words_is_quoted():
    assert not list(link.problems(list_of_pairs(), {"Tags": "CostCenter=Data Platform, Team=a=b"}))
    (problem,) = link.problems(list_of_pairs(), {"Tags": "CostCenter=Data Platform,wrong"})
    assert problem.startswith("Tags is 'CostCenter=Data Platform,wrong'. It must match ^$|")


def run(*options, prefix=PREFIX):
    options = (f"--bucket-prefix={prefix}", *options) if prefix else options
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
    ran = run(prefix="Not_A_Bucket")
    assert (ran.returncode, ran.stdout) == (1, "") and "The bucket prefix" in ran.stderr


@pytest.mark.parametrize("kind", link.TEMPLATES)
def test_there_is_no_link_to_the_buckets_of_the_releases_before_the_first_one(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(link, "RELEASE_KEY", tmp_path / "none.pub")
    for prefix in (None, product.BUCKET_PREFIX):
        with pytest.raises(Refused, match="No release is published yet, so there is no link"):
            link.quick_create(kind, prefix=prefix)
    assert opened(link.quick_create(kind, prefix=PREFIX))
    # On the emulated AWS, where nobody sees it.
    assert opened(link.quick_create(kind, is_emulated=True))
    link.RELEASE_KEY.write_text("the key of the releases\n")
    assert product.BUCKET_PREFIX in link.quick_create(kind)


@pytest.mark.skipif(link.RELEASE_KEY.is_file(), reason="the first release has been published")
@pytest.mark.parametrize("options", [[], ["--template=organization"], [f"--bucket-prefix={product.BUCKET_PREFIX}"]])
def test_the_command_refuses_and_says_how_to_create_a_link_of_your_own(options):
    ran = run(*options, prefix=None)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "https:" not in ran.stderr and "console.aws" not in ran.stderr
    assert f"make dist publish link BUCKET_PREFIX={link.OWN_PREFIX}" in ran.stderr
    assert f"upload templates/published/{product.NATIVE} in" in ran.stderr
    assert "orchestera-access-us-east-1, and decide what the console shows" in ran.stderr
    assert "## The buckets" in (ROOT / "docs/releasing.md").read_text()
