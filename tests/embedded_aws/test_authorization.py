"""Which resource and which condition keys a call to IAM is judged by. Each repair allows and denies what IAM does."""

import json

import pytest
from botocore.exceptions import ClientError

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
READ_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


@pytest.fixture
def root(account):
    return account.client("iam")


@pytest.fixture
def arn(account):
    return lambda kind, name: f"arn:aws:iam::{account.id}:{kind}/{name}"


@pytest.fixture
def somebody(account, root):
    """An IAM client of a user who has one statement."""

    def with_statement(action, resource="*", condition=None):
        root.create_user(UserName="somebody")
        statement = {"Effect": "Allow", "Action": action, "Resource": resource} | (
            {"Condition": condition} if condition else {}
        )
        root.put_user_policy(
            UserName="somebody",
            PolicyName="it",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        key = root.create_access_key(UserName="somebody")["AccessKey"]
        return type(account)(
            account.endpoint,
            account.id,
            {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]},
        ).client("iam")

    return with_statement


def denied(call, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"] == "AccessDenied"


def test_create_policy_is_judged_on_the_policys_arn(somebody, arn):
    iam = somebody("iam:CreatePolicy", arn("policy", "mine"))
    iam.create_policy(PolicyName="mine", PolicyDocument=READ_ALL)
    assert denied(iam.create_policy, PolicyName="other", PolicyDocument=READ_ALL)


def test_a_role_with_a_path_is_judged_on_its_own_arn(somebody, root, arn):
    root.create_role(RoleName="teller", Path="/bank/", AssumeRolePolicyDocument=TRUST)
    root.create_role(RoleName="clerk", AssumeRolePolicyDocument=TRUST)
    iam = somebody("iam:GetRole", arn("role", "bank/*"))
    iam.get_role(RoleName="teller")
    assert denied(iam.get_role, RoleName="clerk")


def test_a_group_with_a_path_is_judged_on_its_own_arn(somebody, root, arn):
    for name, path in (("tellers", "/bank/"), ("clerks", "/")):
        root.create_group(GroupName=name, Path=path)
    iam = somebody("iam:GetGroup", arn("group", "bank/*"))
    iam.get_group(GroupName="tellers")
    assert denied(iam.get_group, GroupName="clerks")


def test_the_policy_simulator_is_judged_on_the_arn_of_whom_it_is_asked_about(somebody, root, arn):
    for name in ("teller", "clerk"):
        root.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam = somebody("iam:SimulatePrincipalPolicy", arn("role", "teller"))
    asked = {"ActionNames": ["s3:GetObject"]}
    iam.simulate_principal_policy(PolicySourceArn=arn("role", "teller"), **asked)
    assert denied(iam.simulate_principal_policy, PolicySourceArn=arn("role", "clerk"), **asked)
    assert denied(iam.simulate_principal_policy, PolicySourceArn=arn("user", "somebody"), **asked)


def test_a_role_is_made_on_the_arn_that_it_will_have(somebody, arn):
    iam = somebody("iam:CreateRole", arn("role", "bank/*"))
    iam.create_role(RoleName="teller", Path="/bank/", AssumeRolePolicyDocument=TRUST)
    assert denied(iam.create_role, RoleName="clerk", AssumeRolePolicyDocument=TRUST)


def test_a_role_is_added_to_an_instance_profile_by_the_right_to_the_profile(somebody, root, arn):
    for name in ("mine", "other"):
        root.create_instance_profile(InstanceProfileName=name)
        root.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam = somebody("iam:AddRoleToInstanceProfile", arn("instance-profile", "mine"))
    iam.add_role_to_instance_profile(InstanceProfileName="mine", RoleName="other")
    assert denied(iam.add_role_to_instance_profile, InstanceProfileName="other", RoleName="mine")


@pytest.mark.parametrize("verb", ["attach", "detach"])
def test_attaching_and_detaching_know_iam_policy_arn(somebody, root, arn, verb):
    root.create_role(RoleName="role", AssumeRolePolicyDocument=TRUST)
    for name in ("mine", "other"):
        root.create_policy(PolicyName=name, PolicyDocument=READ_ALL)
        if verb == "detach":
            root.attach_role_policy(RoleName="role", PolicyArn=arn("policy", name))
    iam = somebody(f"iam:{verb.title()}RolePolicy", "*", {"ArnEquals": {"iam:PolicyARN": arn("policy", "mine")}})
    call = getattr(iam, f"{verb}_role_policy")
    call(RoleName="role", PolicyArn=arn("policy", "mine"))
    assert denied(call, RoleName="role", PolicyArn=arn("policy", "other"))


def test_create_role_knows_the_boundary_in_the_request(somebody, root, arn):
    for name in ("limit", "other"):
        root.create_policy(PolicyName=name, PolicyDocument=READ_ALL)
    iam = somebody("iam:CreateRole", "*", {"StringEquals": {"iam:PermissionsBoundary": arn("policy", "limit")}})
    iam.create_role(RoleName="a", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn("policy", "limit"))
    assert denied(
        iam.create_role, RoleName="b", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn("policy", "other")
    )
    # No boundary, no key: StringEquals never matches what is absent.
    assert denied(iam.create_role, RoleName="c", AssumeRolePolicyDocument=TRUST)


def test_setting_a_boundary_knows_the_one_in_the_request_and_not_the_one_that_is_there(somebody, root, arn):
    for name in ("limit", "other"):
        root.create_policy(PolicyName=name, PolicyDocument=READ_ALL)
    root.create_role(RoleName="role", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn("policy", "limit"))
    iam = somebody(
        "iam:PutRolePermissionsBoundary", "*", {"StringEquals": {"iam:PermissionsBoundary": arn("policy", "limit")}}
    )
    assert denied(iam.put_role_permissions_boundary, RoleName="role", PermissionsBoundary=arn("policy", "other"))
    root.put_role_permissions_boundary(RoleName="role", PermissionsBoundary=arn("policy", "other"))
    iam.put_role_permissions_boundary(RoleName="role", PermissionsBoundary=arn("policy", "limit"))


def test_the_other_calls_know_the_boundary_that_the_role_has(somebody, root, arn):
    for name in ("limit", "mine"):
        root.create_policy(PolicyName=name, PolicyDocument=READ_ALL)
    root.create_role(RoleName="limited", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn("policy", "limit"))
    root.create_role(RoleName="free", AssumeRolePolicyDocument=TRUST)
    iam = somebody(
        [
            "iam:AttachRolePolicy",
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "iam:UpdateRoleDescription",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:DeleteRole",
            "iam:DeleteRolePermissionsBoundary",
        ],
        "*",
        {"StringEquals": {"iam:PermissionsBoundary": arn("policy", "limit")}},
    )
    root.create_role(RoleName="open", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn("policy", "limit"))
    iam.delete_role_permissions_boundary(RoleName="open")
    assert denied(iam.delete_role_permissions_boundary, RoleName="open")
    for call, request in [
        (iam.attach_role_policy, {"PolicyArn": arn("policy", "mine")}),
        (iam.put_role_policy, {"PolicyName": "inline", "PolicyDocument": READ_ALL}),
        (iam.update_assume_role_policy, {"PolicyDocument": TRUST}),
        (iam.update_role, {"MaxSessionDuration": 7200}),
        (iam.update_role_description, {"Description": "it"}),
        (iam.delete_role_policy, {"PolicyName": "inline"}),
        (iam.detach_role_policy, {"PolicyArn": arn("policy", "mine")}),
        (iam.delete_role, {}),
    ]:
        assert denied(call, RoleName="free", **request)
        call(RoleName="limited", **request)


def test_the_tags_of_a_policy_are_known_and_an_absent_one_is_absent(somebody, root, arn):
    for name, tags in (
        ("mine", [{"Key": "owner", "Value": "me"}]),
        ("other", [{"Key": "owner", "Value": "you"}]),
        ("free", []),
    ):
        root.create_policy(PolicyName=name, PolicyDocument=READ_ALL, Tags=tags)
    iam = somebody(
        ["iam:DeletePolicy", "iam:TagPolicy"], "*", {"StringEqualsIfExists": {"aws:ResourceTag/owner": "me"}}
    )
    iam.delete_policy(PolicyArn=arn("policy", "mine"))
    assert denied(iam.delete_policy, PolicyArn=arn("policy", "other"))
    iam.tag_policy(PolicyArn=arn("policy", "free"), Tags=[{"Key": "owner", "Value": "you"}])
    assert denied(iam.delete_policy, PolicyArn=arn("policy", "free"))


def test_the_tags_of_a_role_are_known(somebody, root):
    for name in ("me", "you"):
        root.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "owner", "Value": name}])
    iam = somebody("iam:DeleteRole", "*", {"StringEquals": {"aws:ResourceTag/owner": "me"}})
    iam.delete_role(RoleName="me")
    assert denied(iam.delete_role, RoleName="you")


def test_an_identity_provider_is_judged_on_its_own_arn(somebody, root, arn):
    mine, other = "issuer.example.com/mine", "issuer.example.com/other"
    iam = somebody("iam:*OpenIDConnectProvider", arn("oidc-provider", mine))
    request = {"ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["0" * 40]}
    iam.create_open_id_connect_provider(Url=f"https://{mine}", **request)
    assert denied(iam.create_open_id_connect_provider, Url=f"https://{other}", **request)
    root.create_open_id_connect_provider(Url=f"https://{other}", **request)
    assert denied(iam.delete_open_id_connect_provider, OpenIDConnectProviderArn=arn("oidc-provider", other))
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn("oidc-provider", mine))


def test_a_service_linked_role_is_judged_by_its_service(somebody):
    iam = somebody(
        "iam:CreateServiceLinkedRole", "*", {"StringEquals": {"iam:AWSServiceName": "autoscaling.amazonaws.com"}}
    )
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    assert denied(iam.create_service_linked_role, AWSServiceName="spot.amazonaws.com")


def test_a_service_linked_role_is_judged_on_the_arn_that_it_will_have(somebody, arn):
    iam = somebody("iam:CreateServiceLinkedRole", arn("role", "aws-service-role/autoscaling.amazonaws.com/*"))
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    assert denied(iam.create_service_linked_role, AWSServiceName="spot.amazonaws.com")


def test_a_boundary_knows_the_tags_too(somebody, root, arn):
    root.create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "owner", "Value": "me"}])
    root.create_role(RoleName="free", AssumeRolePolicyDocument=TRUST)
    iam = somebody("iam:*")
    condition = {"StringEquals": {"aws:ResourceTag/owner": "me"}}
    statement = {"Effect": "Allow", "Action": "iam:UpdateRole", "Resource": "*", "Condition": condition}
    root.create_policy(
        PolicyName="limit", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    root.put_user_permissions_boundary(UserName="somebody", PermissionsBoundary=arn("policy", "limit"))
    iam.update_role(RoleName="mine")
    assert denied(iam.update_role, RoleName="free")


def test_every_call_to_lambda_is_judged(account, somebody):
    """Those that MiniStack has no action for were everybody's."""
    somebody("lambda:GetAccountSettings")
    key = account.client("iam").create_access_key(UserName="somebody")["AccessKey"]
    credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    client = type(account)(account.endpoint, account.id, credentials).client("lambda")
    assert client.get_account_settings()
    for call, request in [
        (client.list_code_signing_configs, {}),
        (client.update_function_event_invoke_config, {"FunctionName": "it"}),
        (client.delete_event_source_mapping, {"UUID": "it" * 18}),
        (client.delete_layer_version, {"LayerName": "it", "VersionNumber": 1}),
    ]:
        with pytest.raises(ClientError) as error:
            call(**request)
        assert error.value.response["Error"]["Code"] == "AccessDeniedException"
