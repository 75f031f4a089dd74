"""The stack where something goes wrong: it says what to do, loses nothing, and leaves nothing behind."""

import copy
import json
import time

import pytest
from under_test import NOTHING, POLICY, ROLE, failing_afterwards, for_names, left, statements, tags_of

from orchestera_local.stack import ACCESS, Stack

NO_SUCH_BOUNDARY = "arn:aws:iam::111122223333:policy/none"


def test_an_update_that_fails_rolls_back_to_what_was_there(stack, access, template):
    outputs = stack.deploy(template)
    before = access.all()
    assert stack.update(template, PolicyEdition="2026-02-06", PermissionsBoundaryArn=NO_SUCH_BOUNDARY) == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    assert "Check PermissionsBoundaryArn" in " ".join(stack.reasons())
    assert access.all() == before and stack.outputs() == outputs


def test_an_update_that_fails_elsewhere_rolls_back_what_access_had_done(stack, access, template):
    outputs = stack.deploy(template)
    before = access.all()
    assert stack.update(failing_afterwards(template), PolicyEdition="2026-02-06", MaxSessionDuration=7200) == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    assert access.all() == before and stack.outputs() == outputs


def test_a_create_that_fails_rolls_back_and_leaves_nothing(account, stack, template):
    assert stack.create(template, PermissionsBoundaryArn=NO_SUCH_BOUNDARY) == "ROLLBACK_COMPLETE"
    assert "Check PermissionsBoundaryArn" in " ".join(stack.reasons())
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_a_create_that_fails_elsewhere_takes_access_away_again(account, stack, template):
    assert stack.create(failing_afterwards(template)) == "ROLLBACK_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_what_cloudformation_no_longer_waits_for_is_undone_all_the_same(account, stack, access, template):
    # CloudFormation waits for two seconds only, while the Create looks for the boundary. The Delete, with an id that
    # CloudFormation made up, arrives while the Create still runs, and nobody waits for that one either.
    impatient = copy.deepcopy(template)
    impatient["Resources"][ACCESS]["Properties"]["ServiceTimeout"] = 2
    assert stack.create(impatient, PermissionsBoundaryArn=NO_SUCH_BOUNDARY) == "ROLLBACK_FAILED"
    assert "did not receive a response" in " ".join(stack.reasons())
    ends, seen, quiet_since = time.monotonic() + 90, False, time.monotonic()
    while time.monotonic() < quiet_since + 20:
        if access.role() or access.policy():
            seen, quiet_since = True, time.monotonic()
        assert time.monotonic() < ends, access.all()
        time.sleep(0.2)
    assert seen, "the Create was under way"


@pytest.mark.parametrize("names", [("AnotherRole", POLICY), (ROLE, "AnotherPolicy"), (ROLE.lower(), POLICY)])
def test_an_update_of_a_name_is_refused_and_its_rollback_changes_nothing(account, stack, access, template, names):
    stack.deploy(template)
    before, physical_id = access.all(), stack.resource(ACCESS)
    assert stack.update(for_names(template, *names)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "An update cannot change" in " ".join(stack.reasons())
    assert access.all() == before and stack.resource(ACCESS) == physical_id
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_a_second_stack_in_the_account_fails_cleanly_and_leaves_the_first_alone(account, stack, access, template):
    stack.deploy(template)
    before = access.all()
    second = Stack(account, "second")
    assert second.create(template) == "ROLLBACK_COMPLETE"
    assert stack.id in " ".join(second.reasons())
    assert access.all() == before
    assert second.delete() == "DELETE_COMPLETE"
    assert access.all() == before
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_what_somebody_else_attached_is_detached_and_not_deleted(account, stack, iam, template):
    stack.deploy(template)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    theirs = iam.create_policy(PolicyName="Theirs", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=theirs)
    iam.put_role_policy(RoleName=ROLE, PolicyName="inline", PolicyDocument=json.dumps(document))
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING | {"policies": ["Theirs"]}
    assert iam.get_policy(PolicyArn=theirs)["Policy"]["AttachmentCount"] == 0


def test_without_our_tags_the_delete_shuts_the_role_says_what_to_remove_and_then_succeeds(
    account, stack, iam, access, template
):
    stack.deploy(template)
    ours = [key for key in tags_of(access.role()) if key.startswith("orchestera:")]
    iam.untag_role(RoleName=ROLE, TagKeys=ours)
    iam.untag_policy(PolicyArn=access.policy_arn, TagKeys=ours)
    assert stack.delete() == "DELETE_FAILED"
    reason = " ".join(stack.reasons())
    assert ROLE in reason and POLICY in reason and "delete" in reason.lower()
    assert access.attached() == []
    assert "Deny" in [statement["Effect"] for statement in access.role()["AssumeRolePolicyDocument"]["Statement"]]
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING | {"roles": [ROLE], "policies": [POLICY]}


def test_a_role_in_an_instance_profile_is_named_and_deleted_once_it_has_left(account, stack, iam, access, template):
    stack.deploy(template)
    before = access.all()
    iam.create_instance_profile(InstanceProfileName="machines")
    iam.add_role_to_instance_profile(InstanceProfileName="machines", RoleName=ROLE)
    assert stack.delete() == "DELETE_FAILED"
    assert "machines" in " ".join(stack.reasons())
    assert access.all() == before
    iam.remove_role_from_instance_profile(InstanceProfileName="machines", RoleName=ROLE)
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_a_right_that_the_function_has_lost_is_named_and_nothing_is_changed(account, stack, iam, access, template):
    stack.deploy(template)
    before = access.all()
    lost = copy.deepcopy(template)
    for statement in statements(lost):
        if statement.get("Sid") == "ConvergeThePolicy":
            statement["Action"].remove("iam:CreatePolicyVersion")
    assert stack.update(lost, PolicyEdition="2026-02-06") == "UPDATE_ROLLBACK_COMPLETE"
    assert "iam:CreatePolicyVersion" in " ".join(stack.reasons())
    assert access.all() == before


def test_a_boundary_that_is_not_there_is_named_and_nothing_is_left_or_changed(account, stack, access, template):
    missing = f"arn:aws:iam::{account.id}:policy/Missing"
    assert stack.create(template, PermissionsBoundaryArn=missing) == "ROLLBACK_COMPLETE"
    assert f"the permissions boundary {missing} does not exist" in " ".join(stack.reasons())
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING
    stack.id = None
    stack.deploy(template)
    before = access.all()
    assert stack.update(template, PermissionsBoundaryArn=missing) == "UPDATE_ROLLBACK_COMPLETE"
    assert access.all() == before


@pytest.mark.parametrize(
    "region, parameters, words",
    [
        ("eu-central-1", {}, "serves us-east-1 only"),
        ("us-east-1", {"PolicyEdition": "2024-01-01"}, "PolicyEdition"),
        ("us-east-1", {"MaxSessionDuration": 60}, "MaxSessionDuration"),
        ("us-east-1", {"ExternalId": "x"}, "ExternalId"),
        ("us-east-1", {"ExternalId": "not valid!"}, "ExternalId"),
        ("us-east-1", {"PermissionsBoundaryArn": "Boundary"}, "PermissionsBoundaryArn"),
        ("us-east-1", {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:role/Boundary"}, "PermissionsBoundaryArn"),
        ("us-east-1", {"AccessState": "Asleep"}, "AccessState"),
        ("us-east-1", {"RequireExternalId": "false", "ExternalId": "given"}, "would not be asked for"),
        (
            "us-east-1",
            {"PermissionsBoundaryName": "arn:aws:iam::111122223333:policy/Boundary"},
            "PermissionsBoundaryName",
        ),
        (
            "us-east-1",
            {"PermissionsBoundaryName": "x", "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/x"},
            "one boundary",
        ),
        ("us-east-1", {"Guardrail": "On", "PermissionsBoundaryName": "x"}, "one boundary"),
        ("us-east-1", {"Guardrail": "On", "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/x"}, "one boundary"),
        ("us-east-1", {"Guardrail": "On", "MemberAccountId": "999988887777"}, "cannot use it"),
        ("us-east-1", {"MemberAccountId": "1"}, "MemberAccountId"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
def test_a_wrong_region_or_value_stops_the_stack_before_anything_is_made(
    account, stack, template, region, parameters, words
):
    stack.cloudformation = account.client("cloudformation", region)
    with pytest.raises(stack.cloudformation.exceptions.ClientError) as error:
        stack.create(template, **parameters)
    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert words in error.value.response["Error"]["Message"]
    assert left(account) == NOTHING
