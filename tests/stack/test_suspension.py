"""The kill switch: nobody gets in, nothing works, nothing is lost."""

import json

import orchestera_platform
import permissions
from conftest import NOTHING, ROLE, left

ALLOW_EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def attempts_at_undoing(session, access):
    """What a session could do against its own suspension, if anything worked."""
    iam = session.client("iam")
    role = {"RoleName": ROLE}
    trust = {"Version": "2012-10-17", "Statement": []}
    return [
        (iam.delete_role_policy, role | {"PolicyName": "OrchesteraSuspended"}),
        (iam.put_role_policy, role | {"PolicyName": "OrchesteraSuspended", "PolicyDocument": ALLOW_EVERYTHING}),
        (iam.put_role_policy, role | {"PolicyName": "mine", "PolicyDocument": ALLOW_EVERYTHING}),
        (iam.update_assume_role_policy, role | {"PolicyDocument": json.dumps(trust)}),
        (iam.attach_role_policy, role | {"PolicyArn": access.policy_arn}),
        (iam.attach_role_policy, role | {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        (iam.untag_role, role | {"TagKeys": ["orchestera:stack-id"]}),
        (iam.delete_role, role),
        (iam.create_role, {"RoleName": "Another", "AssumeRolePolicyDocument": json.dumps(trust)}),
        (session.client("cloudformation").describe_stacks, {}),
        (session.client("lambda").list_functions, {}),
    ]


def test_suspension_ends_open_sessions_stands_above_every_allow_and_is_undone_exactly(
    aws, account, stack, iam, access, template
):
    permissions.make_buckets(account)
    outputs = stack.deploy(template, PolicyEdition="2026-02-06")
    # Somebody has given the role everything; the session could undo anything.
    iam.put_role_policy(RoleName=ROLE, PolicyName="theirs", PolicyDocument=ALLOW_EVERYTHING)
    platform = orchestera_platform.caller(aws)
    session = orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"])
    assert permissions.is_allowed(session.client("iam").list_users)
    before = access.all()

    assert stack.deploy(template, PolicyEdition="2026-02-06", AccessState="Suspended")["Verified"] == "true"
    assert orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"]) is None
    assert not any(allowed for *_, allowed in permissions.try_calls(session))
    suspended = access.all()
    for call, request in attempts_at_undoing(session, access):
        assert not permissions.is_allowed(call, **request), call
    assert access.all() == suspended
    assert access.attached() == []
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == ["theirs", "OrchesteraSuspended"]

    assert stack.deploy(template, PolicyEdition="2026-02-06")["Verified"] == "true"
    assert access.all() == before
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == ["theirs"]
    assert permissions.is_allowed(session.client("iam").list_users), "a session that is still open works again"
    assert orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"]) is not None


def test_a_suspended_stack_is_updated_suspended_and_deleted_whole(account, stack, iam, access, template):
    stack.deploy(template, AccessState="Suspended")
    stack.deploy(template, AccessState="Suspended", PolicyEdition="2026-02-06")
    assert access.attached() == []
    assert access.document() == permissions.edition("2026-02-06")
    # One lock picked by hand; anything that makes CloudFormation send an Update shuts it again.
    iam.delete_role_policy(RoleName=ROLE, PolicyName="OrchesteraSuspended")
    stack.deploy(template, AccessState="Suspended", OnExisting="Fail")
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == ["OrchesteraSuspended"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_the_switch_works_although_the_platform_marked_the_role_as_anothers(aws, stack, access, template):
    outputs = stack.deploy(template)
    platform = orchestera_platform.caller(aws)
    session = orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"])
    forged = [{"Key": "orchestera:stack-id", "Value": "arn:aws:cloudformation:us-east-1:111122223333:stack/another/1"}]
    session.client("iam").tag_role(RoleName=ROLE, Tags=forged)
    assert stack.update(template, AccessState="Suspended") == "UPDATE_ROLLBACK_FAILED"
    assert "belongs to resource Access of the stack" in " ".join(stack.reasons())
    assert not permissions.is_allowed(session.client("ec2").describe_vpcs)
    # What opens it again is the account's own people settling whose the role is.
    access.iam.tag_role(RoleName=ROLE, Tags=[{"Key": "orchestera:stack-id", "Value": stack.id}])
    assert stack.delete() == "DELETE_COMPLETE"
    assert access.role() is None
