"""What was made by hand after the guide: taken over, kept, put back exactly."""

import json

import pytest
from under_test import NOTHING, failing_afterwards, left, tags_of

from orchestera_local import guide, orchestera_platform, permissions
from orchestera_local.guide import POLICY, ROLE
from orchestera_local.stack import ACCESS

SOME = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
FORMS = {
    "root": {},
    "bare id": {"trust_policy": guide.trust(principal=orchestera_platform.PLATFORM)},
    "external id": {"trust_policy": guide.trust("theirs")},
    "later edition": {"edition": "2026-02-06", "MaxSessionDuration": 7200, "Tags": [{"Key": "Team", "Value": "data"}]},
}


def by_hand(account, form):
    """The guide's pair with something added by the customer. Returns a session of the platform that is running."""
    role = guide.follow(account, **FORMS[form])
    iam = account.client("iam")
    iam.put_role_policy(RoleName=ROLE, PolicyName="theirs", PolicyDocument=SOME)
    arn = f"arn:aws:iam::{account.id}:policy/{POLICY}"
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=SOME, SetAsDefault=False)
    return role


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


def external_id_of(form):
    return "theirs" if form == "external id" else None


def test_a_running_platform_is_adopted_without_being_cut_off_and_put_back_by_the_deletion(
    aws, account, stack, access, template, form
):
    role = by_hand(account, form)
    before, platform = guide.everything(account), orchestera_platform.caller(aws)
    session = orchestera_platform.session(platform, role, external_id_of(form))
    outputs = stack.deploy(template)
    assert outputs["RoleArn"] == role and outputs["Verified"] == "true"
    assert outputs["ExternalId"] == (external_id_of(form) or "")
    assert permissions.is_allowed(session.client("ec2").describe_vpcs)
    assert orchestera_platform.session(platform, role, external_id_of(form))
    assert access.document() == permissions.edition("2025-09-29")
    assert tags_of(access.role())["orchestera:ownership"] == "adopted"

    # An update that gives an external id is what changes the trust; and its way back.
    assert stack.deploy(template, ExternalId="given")["ExternalId"] == "given"
    assert orchestera_platform.session(platform, role, "given")
    assert orchestera_platform.session(platform, role, external_id_of(form)) is None
    assert stack.deploy(template, PolicyEdition="2026-02-06")["ExternalId"] == (external_id_of(form) or "")

    assert stack.delete() == "DELETE_COMPLETE"
    assert guide.everything(account) == before
    assert orchestera_platform.session(platform, role, external_id_of(form))


def test_a_stack_that_fails_after_adopting_puts_everything_back(account, stack, template, form):
    by_hand(account, form)
    before = guide.everything(account)
    assert stack.create(failing_afterwards(template), MaxSessionDuration=43200, OnDelete="DeleteAll") == (
        "ROLLBACK_COMPLETE"
    )
    assert guide.everything(account) == before


def test_a_boundary_is_put_back_within_the_functions_rights(account, stack, iam, access, template):
    one, two = (iam.create_policy(PolicyName=name, PolicyDocument=SOME)["Policy"]["Arn"] for name in ("one", "two"))
    guide.follow(account, PermissionsBoundary=one)
    before = guide.everything(account)
    for chosen in ("", two):
        stack.id = None
        stack.deploy(template, PermissionsBoundaryArn=chosen)
        assert access.role().get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "") == chosen
        assert stack.delete() == "DELETE_COMPLETE"
        assert guide.everything(account) == before


def test_delete_all_takes_what_was_adopted_once_an_update_has_said_so(account, stack, template):
    guide.follow(account)
    stack.deploy(template)
    stack.deploy(template, OnDelete="DeleteAll")
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_on_existing_fail_and_what_is_not_the_guides_stop_the_stack_and_nothing_is_changed(account, stack, template):
    foreign = guide.trust(principal=["arn:aws:iam::017059471480:root", "arn:aws:iam::999988887777:root"])
    guide.follow(account, trust_policy=foreign)
    before = guide.everything(account)
    for parameters, words in [
        ({}, "its trust policy is not the guide's"),
        ({"OnExisting": "Fail"}, "OnExisting is Fail"),
    ]:
        assert stack.create(template, **parameters) == "ROLLBACK_COMPLETE"
        assert words in " ".join(stack.reasons())
        assert stack.delete() == "DELETE_COMPLETE"
        assert guide.everything(account) == before


def test_drift_of_an_adopted_pair_is_repaired_and_the_record_survives(account, stack, iam, access, template):
    by_hand(account, "external id")
    before = guide.everything(account)
    stack.deploy(template)
    adopted = guide.everything(account)
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(guide.trust(principal="999988887777")))
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=access.policy_arn)
    # Any property that changes makes CloudFormation send an Update.
    stack.deploy(template, OnDelete="DeleteAll")
    stack.deploy(template)
    assert guide.everything(account) == adopted
    assert stack.resource(ACCESS) == f"{account.id}/{ROLE}/{POLICY}"
    assert stack.delete() == "DELETE_COMPLETE"
    assert guide.everything(account) == before
