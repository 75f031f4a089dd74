"""What IAM does and refuses."""

import json
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from orchestera_local.stack import Stack

DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def code_of(call, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"]


def test_a_policy_is_deleted_only_when_its_other_versions_are_gone(account):
    iam = account.client("iam")
    arn = iam.create_policy(PolicyName="policy", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=DOCUMENT, SetAsDefault=True)
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
    assert code_of(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"


def test_only_a_policy_that_is_there_can_be_a_boundary(account):
    iam = account.client("iam")
    arn = f"arn:aws:iam::{account.id}:policy/policy"
    role = {"RoleName": "role", "AssumeRolePolicyDocument": TRUST}
    assert code_of(iam.create_role, **role, PermissionsBoundary=arn) == "NoSuchEntity"
    iam.create_role(**role)
    assert code_of(iam.put_role_permissions_boundary, RoleName="role", PermissionsBoundary=arn) == "NoSuchEntity"
    iam.create_policy(PolicyName="policy", PolicyDocument=DOCUMENT)
    iam.put_role_permissions_boundary(RoleName="role", PermissionsBoundary=arn)
    iam.put_role_permissions_boundary(
        RoleName="role", PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess"
    )


def test_a_trust_policy_shows_who_was_deleted_by_the_id_and_cannot_be_written_with_it(aws, account):
    def trust(*principals):
        statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    iam, another = account.client("iam"), aws.account("999988887777").client("iam")
    leaver = another.create_user(UserName="leaver")["User"]
    stays = "arn:aws:iam::999988887777:root"
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust(leaver["Arn"], stays))
    another.delete_user(UserName="leaver")
    shown = iam.get_role(RoleName="role")["Role"]["AssumeRolePolicyDocument"]
    assert shown == json.loads(trust(leaver["UserId"], stays))
    update = {"RoleName": "role", "PolicyDocument": json.dumps(shown)}
    assert code_of(iam.update_assume_role_policy, **update) == "MalformedPolicyDocument"
    for accepted in [trust(stays), trust("*"), trust("999988887777")]:
        iam.update_assume_role_policy(RoleName="role", PolicyDocument=accepted)


def test_an_older_version_of_a_policy_is_put_in_force_again_with_the_right_to_it(account):
    iam = account.client("iam")
    arn = iam.create_policy(PolicyName="policy", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=DOCUMENT.replace("s3", "ec2"), SetAsDefault=True)
    iam.create_user(UserName="user")
    key = iam.create_access_key(UserName="user")["AccessKey"]
    credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    user = replace(account, credentials=credentials).client("iam")
    assert code_of(user.set_default_policy_version, PolicyArn=arn, VersionId="v1") == "AccessDenied"
    right = {"Effect": "Allow", "Action": "iam:SetDefaultPolicyVersion", "Resource": arn}
    iam.put_user_policy(
        UserName="user", PolicyName="it", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [right]})
    )
    user.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    defaults = {v["VersionId"]: v["IsDefaultVersion"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]}
    assert defaults == {"v1": True, "v2": False}
    assert code_of(iam.set_default_policy_version, PolicyArn=arn, VersionId="v9") == "NoSuchEntity"


def test_the_simulator_judges_by_the_context_keys_that_are_given(account):
    iam = account.client("iam")
    only_to_ec2 = {"StringNotEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["iam:*", "ec2:*"], "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*", "Condition": only_to_ec2},
        ],
    }
    for service, decision in [
        ("ec2.amazonaws.com", "allowed"),
        ("lambda.amazonaws.com", "explicitDeny"),
        (None, "explicitDeny"),
    ]:
        entry = {"ContextKeyName": "iam:PassedToService", "ContextKeyValues": [service], "ContextKeyType": "string"}
        answer = iam.simulate_custom_policy(
            PolicyInputList=[json.dumps(document)],
            ActionNames=["iam:PassRole", "ec2:RunInstances", "s3:GetObject"],
            ContextEntries=[entry] if service else [],
        )
        decisions = [result["EvalDecision"] for result in answer["EvaluationResults"]]
        assert decisions == [decision, "allowed", "implicitDeny"], service


@pytest.mark.parametrize("principal", ["Role", "User", "Group"])
def test_only_a_policy_that_is_there_can_be_attached(account, principal):
    iam = account.client("iam")
    create, attach = getattr(iam, f"create_{principal.lower()}"), getattr(iam, f"attach_{principal.lower()}_policy")
    create(**{f"{principal}Name": "one"} | ({"AssumeRolePolicyDocument": TRUST} if principal == "Role" else {}))
    arn = f"arn:aws:iam::{account.id}:policy/policy"
    assert code_of(attach, **{f"{principal}Name": "one"}, PolicyArn=arn) == "NoSuchEntity"
    iam.create_policy(PolicyName="policy", PolicyDocument=DOCUMENT)
    attach(**{f"{principal}Name": "one"}, PolicyArn=arn)


def test_a_role_of_a_template_has_the_boundary_that_the_template_gives_it(account):
    def template(boundary):
        trust = {"Version": "2012-10-17", "Statement": []}
        properties = {"RoleName": "limited", "AssumeRolePolicyDocument": trust} | boundary
        return {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}}

    def boundary():
        return account.client("iam").get_role(RoleName="limited")["Role"].get("PermissionsBoundary")

    stack, limit = Stack(account, capabilities=["CAPABILITY_NAMED_IAM"]), "arn:aws:iam::aws:policy/ReadOnlyAccess"
    stack.deploy(template({"PermissionsBoundary": limit}))
    assert boundary()["PermissionsBoundaryArn"] == limit
    stack.deploy(template({}))
    assert boundary() is None
    stack.deploy(template({"PermissionsBoundary": limit}))
    assert boundary()["PermissionsBoundaryArn"] == limit
