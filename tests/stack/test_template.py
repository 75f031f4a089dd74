"""The template as a text: what cannot be seen by deploying it."""

import json
import re

import pytest
import tomllib
from samcli.yamlhelper import yaml_parse
from under_test import RELEASES, statements

from orchestera_local import permissions
from orchestera_local import stack as stacks
from orchestera_local.stack import ACCESS, FUNCTION, ROOT

CARGO = tomllib.loads((ROOT / "Cargo.toml").read_text())


@pytest.fixture
def resources(template):
    return template["Resources"]


def test_every_parameter_has_a_default_a_description_a_label_and_a_group(template):
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"]) == sorted(interface["ParameterLabels"])
    for name, parameter in template["Parameters"].items():
        assert "Default" in parameter and parameter["Description"], name
        if "AllowedPattern" in parameter:
            # Without it the console shows the pattern itself.
            assert parameter["ConstraintDescription"], name


def test_a_crafted_link_can_neither_name_another_platform_nor_preset_the_external_id(template):
    assert "PlatformAccountId" not in template["Parameters"] and "PlatformAccountId" not in str(template["Resources"])
    assert template["Parameters"]["ExternalId"]["NoEcho"] is True


def test_every_edition_and_no_other_can_be_chosen(template):
    parameter = template["Parameters"]["PolicyEdition"]
    assert parameter["AllowedValues"] == permissions.EDITIONS and parameter["Default"] == "2025-09-29"


def test_no_attempt_of_the_function_outlives_cloudformations_wait(resources):
    function = resources[FUNCTION]["Properties"]
    invoke = function["EventInvokeConfig"]
    assert (invoke["MaximumRetryAttempts"], age := invoke["MaximumEventAgeInSeconds"]) == (1, 240)
    condition, *timeouts = function["Timeout"]["Fn::If"]
    of_the_wait, *waits = resources[ACCESS]["Properties"]["ServiceTimeout"]["Fn::If"]
    assert condition == of_the_wait == "IsNewAccount"
    for timeout, wait, expected in zip(timeouts, waits, [(900, 1260), (60, 420)], strict=True):
        assert (timeout, wait) == expected and age + timeout < wait


def test_only_who_says_so_has_a_new_account(template):
    parameter = template["Parameters"]["NewAccount"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("false", ["true", "false"])
    assert template["Conditions"]["IsNewAccount"] == {"Fn::Equals": [{"Ref": "NewAccount"}, "true"]}


def test_access_comes_after_everything_else_that_could_fail(resources):
    needed, open_ = set(), [ACCESS]
    while open_:
        resource = resources.get(open_.pop(), {})
        text = str(resource)
        names = set(resource.get("DependsOn", [])) | set(re.findall(r"'(?:Ref|Fn::GetAtt)': \[?'(\w+)", text))
        open_ += names - needed
        needed |= names
    # SAM's name for the function's EventInvokeConfig.
    assert needed >= set(resources) - {ACCESS} | {f"{FUNCTION}EventInvokeConfig"}


def test_the_functions_role_is_written_out_without_wildcards_and_managed_policies(resources):
    role = resources["FunctionRole"]["Properties"]
    assert not role.keys() & {"ManagedPolicyArns", "Policies", "RoleName"}
    assert "Policies" not in resources[FUNCTION]["Properties"]
    for statement in statements({"Resources": resources}):
        assert (
            statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"} and statement["Effect"] == "Allow"
        )
        assert not any("*" in action for action in permissions.as_list(statement["Action"]))
        assert statement["Resource"] in (
            {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/OrchesteraAccessRole"},
            {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/OrchesteraAccessPolicy"},
            {"Fn::GetAtt": ["FunctionLogGroup", "Arn"]},
            {"Fn::Sub": "arn:${AWS::Partition}:iam::${MemberAccountId}:role/${MemberRoleName}"},
            {"Ref": "AWS::StackId"},
        )


def test_every_write_to_what_is_there_but_the_off_switch_spares_what_another_stack_has_tagged(resources):
    spared = {"aws:ResourceTag/orchestera:stack-id": {"Ref": "AWS::StackId"}}
    for statement in statements({"Resources": resources}):
        actions = permissions.as_list(statement["Action"])
        if all(
            action.startswith(("iam:Get", "iam:List", "iam:Create", "logs:")) and action != "iam:CreatePolicyVersion"
            for action in actions
        ):
            continue
        if actions in (["iam:PutRolePolicy"], ["sts:AssumeRole"], ["cloudformation:DescribeStacks"]):
            continue
        assert statement["Condition"]["StringEqualsIfExists"] == spared, statement["Sid"]


def test_nothing_is_named_that_a_second_stack_or_a_new_account_would_stumble_over(resources):
    function = resources[FUNCTION]["Properties"]
    assert not function.keys() & {"FunctionName", "ReservedConcurrentExecutions"}
    assert "LogGroupName" not in resources["FunctionLogGroup"]["Properties"]
    assert resources["FunctionLogGroup"]["DeletionPolicy"] == "Delete"


def test_the_release_is_that_of_the_crate(resources):
    assert resources[ACCESS]["Properties"]["Release"] == CARGO["package"]["version"]


def test_the_output_release_is_that_of_the_crate(template):
    assert template["Outputs"]["Release"]["Value"] == CARGO["package"]["version"]


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_the_logical_ids_of_every_release_are_frozen(template, release):
    released = yaml_parse(release.read_text())
    for name in (ACCESS, FUNCTION):
        assert template["Resources"][name]["Type"] == released["Resources"][name]["Type"]
    assert template["Outputs"].keys() >= released["Outputs"].keys()
    # A stack is updated with the parameters that it has.
    assert template["Parameters"].keys() >= released["Parameters"].keys()


def test_there_is_a_released_template_to_upgrade_from():
    assert len(RELEASES) >= 3


def test_the_template_fits_into_a_request(account, template):
    assert len(json.dumps(stacks.packaged(template, account))) < 51200
