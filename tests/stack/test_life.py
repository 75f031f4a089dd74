"""The stack from its creation to its deletion, where nothing goes wrong."""

import json

import pytest
from samcli.yamlhelper import yaml_parse
from under_test import NOTHING, RELEASES, ROLE, Access, for_names, left, tags_of

from orchestera_local import orchestera_platform, permissions
from orchestera_local.stack import ACCESS, FUNCTION, Stack
from orchestera_release import product


def test_create_makes_a_role_that_only_the_platform_with_the_external_id_may_assume(
    aws, account, stack, access, template
):
    outputs = stack.deploy(template)
    assert outputs == {
        "RoleArn": f"arn:aws:iam::{account.id}:role/OrchesteraAccessRole",
        "PolicyArn": f"arn:aws:iam::{account.id}:policy/OrchesteraAccessPolicy",
        "PolicyEdition": "2025-09-29",
        "ExternalId": outputs["ExternalId"],
        "Verified": "true",
        "AccessState": "Active",
        "ForeignPolicies": "",
        "Release": product.VERSION,
    }
    assert len(outputs["ExternalId"]) == 32
    assert access.document() == permissions.edition("2025-09-29")
    assert access.attached() == [outputs["PolicyArn"]]
    assert tags_of(access.role()) == tags_of(access.policy())
    assert tags_of(access.role())["orchestera:stack-id"] == stack.id

    # Who comes in is told by account and external id together.
    platform, stranger = orchestera_platform.caller(aws), orchestera_platform.caller(aws, f"2{account.id[1:]}")
    role_arn, external_id = outputs["RoleArn"], outputs["ExternalId"]
    for caller, presented, comes_in in [
        (platform, external_id, True),
        (platform, None, False),
        (platform, "another-id", False),
        (platform, external_id.upper(), False),
        (stranger, external_id, False),
        (stranger, None, False),
    ]:
        assert (orchestera_platform.session(caller, role_arn, presented) is not None) == comes_in, presented


def test_the_external_id_of_one_account_does_not_open_the_role_of_another(aws, account, stack, template):
    """The confused deputy: a customer of the platform names another one's role as theirs."""
    outputs = stack.deploy(template)
    victim = Stack(aws.account(f"3{account.id[1:]}"))
    theirs = victim.deploy(template)
    assert theirs["ExternalId"] != outputs["ExternalId"]
    platform = orchestera_platform.caller(aws)
    assert orchestera_platform.session(platform, theirs["RoleArn"], outputs["ExternalId"]) is None
    assert orchestera_platform.session(platform, theirs["RoleArn"], theirs["ExternalId"]) is not None
    # Somebody who gives their own stack the victim's external id has opened their own role with it, and no other.
    stack.deploy(template, ExternalId=theirs["ExternalId"])
    assert orchestera_platform.session(platform, outputs["RoleArn"], theirs["ExternalId"]) is not None
    assert orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"]) is None
    victim.delete()


def test_the_external_id_is_generated_given_or_not_asked_for(stack, access, template):
    def asked_for():
        (statement,) = access.role()["AssumeRolePolicyDocument"]["Statement"]
        return statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")

    generated = stack.deploy(template)["ExternalId"]
    assert asked_for() == generated
    assert stack.deploy(template, ExternalId="given@2026")["ExternalId"] == asked_for() == "given@2026"
    assert "ExternalId" not in stack.deploy(template, RequireExternalId="false")
    assert asked_for() is None
    assert stack.deploy(template)["ExternalId"] == asked_for() == generated, "blank means the one that was generated"


def test_update_to_another_edition_is_in_place(stack, access, template):
    before = stack.deploy(template)
    physical_id, role_id = stack.resource(ACCESS), access.role()["RoleId"]
    after = stack.deploy(template, PolicyEdition="2026-02-06", MaxSessionDuration=7200)
    assert access.document() == permissions.edition("2026-02-06") and after["PolicyEdition"] == "2026-02-06"
    assert access.role()["MaxSessionDuration"] == 7200
    assert (stack.resource(ACCESS), access.role()["RoleId"], after["ExternalId"]) == (
        physical_id,
        role_id,
        before["ExternalId"],
    )


def test_a_boundary_is_put_changed_and_removed_within_the_functions_rights(account, stack, iam, access, template):
    boundaries = [
        iam.create_policy(
            PolicyName=name,
            PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
            ),
        )["Policy"]["Arn"]
        for name in ("one", "two")
    ]
    for boundary in [boundaries[0], boundaries[1], "", boundaries[0]]:
        stack.deploy(template, PermissionsBoundaryArn=boundary)
        assert access.role().get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "") == boundary
    assert stack.delete() == "DELETE_COMPLETE"
    assert access.role() is None


def test_delete_leaves_nothing(account, stack, template):
    stack.deploy(template)
    stack.deploy(template, PolicyEdition="2026-02-06")
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_retain_leaves_the_role_and_takes_our_tags_off(account, stack, access, template):
    stack.deploy(template, OnDelete="Retain")
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING | {"roles": ["OrchesteraAccessRole"], "policies": ["OrchesteraAccessPolicy"]}
    assert not [key for key in tags_of(access.role()) | tags_of(access.policy()) if key.startswith("orchestera:")]


def test_drift_made_by_hand_is_repaired_by_the_next_update(stack, iam, access, template):
    stack.deploy(template)
    wanted = access.all()
    iam.update_assume_role_policy(
        RoleName=ROLE,
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "arn:aws:iam::999988887777:root"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=access.policy_arn)
    iam.create_policy_version(
        PolicyArn=access.policy_arn,
        SetAsDefault=True,
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        ),
    )
    iam.untag_role(RoleName=ROLE, TagKeys=["orchestera:stack-id", "orchestera:external-id"])
    iam.update_role(RoleName=ROLE, MaxSessionDuration=43200)
    # Anything that changes a property of the resource makes CloudFormation send an Update.
    outputs = stack.deploy(template, OnExisting="Fail")
    assert outputs["Verified"] == "true"
    assert access.all() == wanted


def test_other_names_are_given_at_create(account, stack, template):
    outputs = stack.deploy(for_names(template, "AnotherRole", "AnotherPolicy"))
    another = Access(account, "AnotherRole", "AnotherPolicy")
    assert another.attached() == [outputs["PolicyArn"]]
    assert stack.resource(ACCESS) == f"{account.id}/AnotherRole/AnotherPolicy"
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_an_upgrade_from_an_earlier_release_keeps_the_function_and_the_resource(
    account, stack, access, template, release
):
    before = stack.deploy(yaml_parse(release.read_text()))
    kept = [stack.resource(FUNCTION), stack.resource(ACCESS), access.role()["RoleId"], access.policy()["PolicyId"]]
    after = stack.deploy(template)
    assert [
        stack.resource(FUNCTION),
        stack.resource(ACCESS),
        access.role()["RoleId"],
        access.policy()["PolicyId"],
    ] == kept
    assert after["ExternalId"] == before["ExternalId"] and after["Verified"] == "true"
    # The new release is what makes CloudFormation send an Update, and so what makes the new function converge.
    assert (
        len(
            [
                event
                for event in stack.events()
                if event["LogicalResourceId"] == ACCESS and event["ResourceStatus"] == "UPDATE_COMPLETE"
            ]
        )
        == 1
    )
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING
