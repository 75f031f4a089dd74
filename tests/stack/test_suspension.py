"""The kill switch: nobody gets in, nothing works, nothing is lost."""

import json

from under_test import NOTHING, ROLE, left

from orchestera_local import orchestera_platform, permissions

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


def with_statement(iam, principal, action):
    """Another Allow in the role's trust policy, as the grantee or anybody who may change it writes it."""
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"].append({"Effect": "Allow", "Principal": principal, "Action": action})
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))


def name_somebody_who_is_deleted_then(aws, iam):
    another = aws.account("999988887777").client("iam")
    leaver = another.create_user(UserName="leaver")["User"]
    with_statement(iam, {"AWS": leaver["Arn"]}, "sts:AssumeRole")
    another.delete_user(UserName="leaver")


def test_the_switch_works_although_the_trust_policy_names_somebody_who_was_deleted(aws, stack, iam, access, template):
    outputs = stack.deploy(template)
    platform = orchestera_platform.caller(aws)
    name_somebody_who_is_deleted_then(aws, iam)
    # Without the external id nobody can say what else the trust policy is to hold, so that what is there stays.
    iam.untag_role(RoleName=ROLE, TagKeys=["orchestera:external-id"])
    iam.untag_policy(PolicyArn=access.policy_arn, TagKeys=["orchestera:external-id"])
    assert stack.deploy(template, AccessState="Suspended")["Verified"] == "true"
    assert orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"]) is None
    assert access.attached() == []
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == ["OrchesteraSuspended"]


def test_a_delete_closes_a_role_without_our_tags_to_whomever_it_trusts_and_ends_open_sessions(
    aws, account, stack, iam, access, template
):
    permissions.make_buckets(account)
    outputs = stack.deploy(template)
    platform = orchestera_platform.caller(aws)
    session = orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"])
    provider = f"arn:aws:iam::{account.id}:oidc-provider/token.example.com"
    with_statement(iam, {"Federated": provider}, "sts:AssumeRoleWithWebIdentity")
    name_somebody_who_is_deleted_then(aws, iam)
    federated = {"RoleArn": outputs["RoleArn"], "RoleSessionName": "somebody", "WebIdentityToken": "dummy-token"}
    # MiniStack believes the call which provider has signed the token.
    federated["ProviderId"] = "token.example.com"
    assert permissions.is_allowed(account.client("sts").assume_role_with_web_identity, **federated)
    iam.untag_role(RoleName=ROLE, TagKeys=["orchestera:stack-id", "orchestera:logical-id"])
    assert stack.delete() == "DELETE_FAILED"
    assert "lost the tags" in " ".join(stack.reasons())
    assert not permissions.is_allowed(account.client("sts").assume_role_with_web_identity, **federated)
    assert orchestera_platform.session(platform, outputs["RoleArn"], outputs["ExternalId"]) is None
    assert not any(allowed for *_, allowed in permissions.try_calls(session)), "open sessions end"
    assert stack.delete() == "DELETE_COMPLETE"
    assert access.role() is not None, "for a person to delete"
