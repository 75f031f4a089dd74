"""The templates that are published, deployed beside the SAM template: all of them make the same."""

import json

import pytest
from samcli.yamlhelper import yaml_parse
from under_test import NOTHING, RELEASES, Access, left

from orchestera_local.permissions import EDITIONS
from orchestera_local.stack import ACCESS, FUNCTION, Stack
from orchestera_release import flat as flattening
from orchestera_release import product, template_text, templates

NATIVE_CAPABILITIES = ("CAPABILITY_NAMED_IAM",)
EXTERNAL_ID = "dummy-external-id"
VERSION_OF_THE_CODE = flattening.ACCESS.version_of_the_code


@pytest.fixture
def flat(published):
    """The text of the flat template, whose code is in the publisher's bucket."""
    return (published / product.FLAT).read_text()


@pytest.fixture
def native(dist):
    return (dist / product.NATIVE).read_text()


@pytest.fixture
def boundary(iam):
    deny = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}'
    return iam.create_policy(PolicyName="Boundary", PolicyDocument=deny)["Policy"]["Arn"]


def granted(access, external_id):
    """What a stack made, without what differs from stack to stack: ids, owners, and an external id that is random."""
    role, policy = access.role(), access.policy()
    trust = json.dumps(role["AssumeRolePolicyDocument"], sort_keys=True).replace(external_id, "<external id>")
    inline = {
        name: access.iam.get_role_policy(RoleName=access.role_name, PolicyName=name)["PolicyDocument"]
        for name in access.iam.list_role_policies(RoleName=access.role_name)["PolicyNames"]
    }
    return {
        "role": {key: role.get(key) for key in ("RoleName", "Path", "Description", "MaxSessionDuration")},
        "trust": trust,
        "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "attached": access.attached(),
        "inline": inline,
        "policy": {key: policy.get(key) for key in ("PolicyName", "Path", "Description")},
        "document": access.document(),
    }


def made(stack, template, **parameters):
    """What a stack of this template makes, and its outputs; deleted again, without a trace."""
    outputs = stack.deploy(template, **parameters)
    access = Access(stack.account)
    found = granted(access, outputs["ExternalId"])
    for state in ("Suspended", "Active"):
        stack.deploy(template, **parameters, AccessState=state)
        found[state] = granted(access, outputs["ExternalId"])
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(stack.account) == NOTHING | {"policies": ["Boundary"]}
    return found, outputs


@pytest.mark.parametrize("edition", EDITIONS)
def test_all_templates_grant_the_same_to_the_same_and_say_the_same(account, template, flat, native, boundary, edition):
    chosen = {"PolicyEdition": edition, "MaxSessionDuration": "7200", "PermissionsBoundaryArn": boundary}
    by_sam = made(Stack(account), template, **chosen)
    by_flat = made(Stack(account, capabilities=["CAPABILITY_IAM"]), flat, **chosen)
    of_native = Stack(account, capabilities=NATIVE_CAPABILITIES)
    by_native = made(of_native, native, **chosen, ExternalId=EXTERNAL_ID)
    assert by_sam[0]["Active"] == {key: by_sam[0][key] for key in by_sam[0]["Active"]}
    assert by_sam[0] == by_flat[0] == by_native[0]
    assert by_sam[0]["boundary"] == boundary and by_sam[0]["Suspended"]["attached"] == []
    same = {name: value for name, value in by_sam[1].items() if name != "ExternalId"}
    assert same == {name: value for name, value in by_flat[1].items() if name != "ExternalId"}
    assert by_native[1].keys() <= by_sam[1].keys() and by_native[1].pop("ExternalId") == EXTERNAL_ID
    assert by_native[1].items() <= same.items()


def test_a_stack_goes_from_sam_to_the_flat_template_and_back_in_place(account, stack, access, template, flat):
    before = stack.deploy(template)
    kept = access.all(), stack.resource(FUNCTION), stack.resource(ACCESS)
    assert stack.deploy(flat, PolicyEdition=EDITIONS[1])["ExternalId"] == before["ExternalId"]
    assert stack.deploy(template, PolicyEdition=EDITIONS[0]) == before
    assert (access.all(), stack.resource(FUNCTION), stack.resource(ACCESS)) == kept
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_a_stack_of_the_last_release_goes_to_the_flat_template_in_place(account, stack, access, flat):
    before = stack.deploy(yaml_parse(RELEASES[-1].read_text()))
    kept = access.role()["RoleId"], access.policy()["PolicyId"], stack.resource(FUNCTION), stack.resource(ACCESS)
    after = stack.deploy(flat)
    assert (
        access.role()["RoleId"],
        access.policy()["PolicyId"],
        stack.resource(FUNCTION),
        stack.resource(ACCESS),
    ) == kept
    assert (after["ExternalId"], after["Verified"]) == (before["ExternalId"], "true")
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_the_flat_template_is_what_sams_transform_makes_but_for_the_pinned_code(dist, template):
    flat = yaml_parse((dist / product.FLAT).read_text())
    assert "Transform" not in flat
    added = {name: flat["Resources"].pop(name) for name in flat["Resources"].keys() - template["Resources"].keys()}
    assert {name: resource["Type"] for name, resource in added.items()} == {
        "AccessFunctionEventInvokeConfig": "AWS::Lambda::EventInvokeConfig",
        VERSION_OF_THE_CODE: "AWS::Lambda::Version",
    }
    function, written = flat["Resources"].pop(FUNCTION), template["Resources"].pop(FUNCTION)
    kept = ("Description", "Handler", "Runtime", "Timeout", "MemorySize", "Role", "Architectures", "LoggingConfig")
    assert {key: function["Properties"][key] for key in kept} == {key: written["Properties"][key] for key in kept}
    assert function["Properties"].keys() == {*kept, "Code"}
    # Nothing that needs the function comes before its code is known to be the published one.
    flat["Resources"][ACCESS]["DependsOn"].remove(VERSION_OF_THE_CODE)
    for name in ("FunctionPolicy", "DriftSchedule"):
        assert flat["Resources"][name].pop("DependsOn") == VERSION_OF_THE_CODE
    del template["Transform"]
    assert flat == template


def test_the_flat_template_takes_nothing_but_the_code_that_it_was_published_with(account, stack, dist, flat):
    changed = flat.replace(product.code_sha256((dist / product.CODE).read_bytes()), product.code_sha256(b"other code"))
    assert changed != flat
    assert stack.create(changed) == "ROLLBACK_COMPLETE"
    assert any("CodeSHA256" in reason or "CodeSha256" in reason for reason in stack.reasons())
    assert Access(account).role() is None


def test_the_flat_template_keeps_the_comments_of_its_source_but_the_functions_own(dist):
    def comments(text):
        return {line.strip() for line in text.splitlines() if line.strip().startswith("# ")}

    source = templates.SAM.read_text()
    function = source[source.index(f"  {FUNCTION}:\n") : source.index("  # What the platform, and every role")]
    assert comments(source) - comments(function) == comments((dist / product.FLAT).read_text())


@pytest.mark.parametrize("name", product.TEMPLATES)
def test_a_published_template_is_short_enough_for_a_body_or_a_bucket_and_has_no_transform(dist, name):
    text = (dist / name).read_text()
    in_bucket = name == product.ORGANIZATION
    assert len(text.encode()) < (template_text.LONGEST_IN_BUCKET if in_bucket else template_text.LONGEST)
    template = yaml_parse(text)
    assert "Transform" not in template and "PlatformAccountId" not in template["Parameters"]
    nested = {
        logical_id for logical_id, it in template["Resources"].items() if it["Type"] == "AWS::CloudFormation::Stack"
    }
    accounts = {"AccessStack", "DevelopmentAccessStack", "ProductionAccessStack"}
    assert nested == (accounts if name == product.ORGANIZATION else set())
    assert template["Parameters"].get("ExternalId", {"NoEcho": True})["NoEcho"] is True


def test_the_native_template_asks_for_an_external_id_and_has_no_function(dist, native):
    template = yaml_parse(native)
    assert "Default" not in template["Parameters"]["ExternalId"]
    assert {resource["Type"] for resource in template["Resources"].values()} == {
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role",
    }


def test_the_stack_with_the_function_leaves_the_role_of_a_native_stack_alone(account, stack, access, template, native):
    other = Stack(account, "native", capabilities=NATIVE_CAPABILITIES)
    other.deploy(native, ExternalId=EXTERNAL_ID)
    before = access.all()
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    assert any(other.id in reason for reason in stack.reasons())
    assert access.all() == before


def test_the_stack_set_passes_on_every_parameter_that_accounts_can_share_under_the_same_rules(dist):
    flat, stack_set = (yaml_parse((dist / name).read_text()) for name in (product.FLAT, product.STACK_SET))
    properties = stack_set["Resources"]["AccessStackSet"]["Properties"]
    passed_on = {one["ParameterKey"]: one["ParameterValue"] for one in properties["Parameters"]}
    assert passed_on.keys() == flat["Parameters"].keys() - templates.ONLY_FOR_ONE_ACCOUNT
    assert sorted(templates.ONLY_FOR_ONE_ACCOUNT) == ["ExternalId", "MemberAccountId", "MemberRoleName", "NewAccount"]
    for name, value in passed_on.items():
        assert value == {"Ref": name}
        described, as_described = (template["Parameters"][name] for template in (stack_set, flat))
        assert described | {"Description": ""} == as_described | {"Description": ""}
    assert properties["TemplateURL"] == product.url(product.BUCKET_PREFIX, "us-east-1", product.FLAT)
    assert tuple(properties["StackInstancesGroup"][0]["Regions"]) == product.REGIONS


def test_the_regions_are_those_of_the_templates_own_rule(template):
    (assertion,) = template["Rules"]["ServedRegion"]["Assertions"]
    assert tuple(assertion["Assert"]["Fn::Contains"][0]) == product.REGIONS
