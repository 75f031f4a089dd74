"""The answers of Organizations, IAM's summary and Service Quotas have the shape of moto's, which we did not write."""

import itertools
import json

import boto3
import pytest
from creating import new_email
from moto import mock_aws
from shapes import different, motos, not_different, shape

SERVICE = "ssm.amazonaws.com"
SCP = "SERVICE_CONTROL_POLICY"
# By operation and key, where moto is behind AWS, with the reason.
KNOWN = {
    # moto has created the account before it answers. AWS says IN_PROGRESS; what it says in the end is compared.
    ("create_account", "AccountId"),
    ("create_account", "CompletedTimestamp"),
    # In botocore's model since 2026.
    ("create_organizational_unit", "Path"),
    ("describe_organizational_unit", "Path"),
    ("list_organizational_units_for_parent", "Path"),
    # "Service control policies automatically enabled in the root", says CreateOrganization in AWS's reference.
    ("list_roots", "PolicyTypes"),
}


def answers(client):
    """Of the same calls in the same order, by name."""
    said = {}

    def call(operation, **request):
        said[operation] = getattr(client, operation)(**request)
        return said[operation]

    call("create_organization", FeatureSet="ALL")
    call("describe_organization")
    root = call("list_roots")["Roots"][0]["Id"]
    unit = call("create_organizational_unit", ParentId=root, Name="it")["OrganizationalUnit"]["Id"]
    call("describe_organizational_unit", OrganizationalUnitId=unit)
    tags = [{"Key": "one", "Value": "1"}]
    request = call("create_account", Email=new_email(), AccountName="it", Tags=tags)["CreateAccountStatus"]["Id"]
    ended = call("describe_create_account_status", CreateAccountRequestId=request)["CreateAccountStatus"]
    call("list_create_account_status", States=["SUCCEEDED"])
    account = ended["AccountId"]
    call("list_accounts")
    call("describe_account", AccountId=account)
    call("list_parents", ChildId=account)
    call("move_account", AccountId=account, SourceParentId=root, DestinationParentId=unit)
    call("list_accounts_for_parent", ParentId=unit)
    call("list_organizational_units_for_parent", ParentId=root)
    call("tag_resource", ResourceId=account, Tags=tags)
    call("list_tags_for_resource", ResourceId=account)
    call("untag_resource", ResourceId=account, TagKeys=["one"])
    call("list_policies", Filter=SCP)
    call("list_policies_for_target", TargetId=account, Filter=SCP)
    call("describe_policy", PolicyId="p-FullAWSAccess")
    call("enable_aws_service_access", ServicePrincipal=SERVICE)
    call("list_aws_service_access_for_organization")
    call("register_delegated_administrator", AccountId=account, ServicePrincipal=SERVICE)
    call("list_delegated_administrators")
    call("list_delegated_services_for_account", AccountId=account)
    call("close_account", AccountId=account)
    return said


def test_what_is_known_to_differ_does(account):
    with mock_aws():
        expected = answers(motos("organizations"))
    found = answers(account.client("organizations"))
    assert not_different(KNOWN, expected, found) == set()


def test_every_answer_of_organizations_has_the_keys_and_types_of_motos(account):
    with mock_aws():
        expected = answers(motos("organizations"))
    found = answers(account.client("organizations"))
    assert different(KNOWN, expected, found) == {}


def test_the_refusals_have_the_codes_of_motos(account):
    def codes(client):
        calls = itertools.chain(
            [("describe_organization", {}), ("list_roots", {})],
            [("create_organization", {}), ("create_organization", {})],
            [("describe_account", {"AccountId": "9" * 12}), ("close_account", {"AccountId": "9" * 12})],
        )
        said = []
        for operation, request in calls:
            try:
                getattr(client, operation)(**request)
                said.append("")
            except client.exceptions.ClientError as error:
                said.append(error.response["Error"]["Code"])
        return said

    with mock_aws():
        expected = codes(motos("organizations"))
    assert codes(account.client("organizations")) == expected
    assert expected.count("") == 1 and "AlreadyInOrganizationException" in expected


def test_the_access_role_trusts_the_management_account_as_motos_does(account):
    def trust(organizations, iam_of):
        organizations.create_organization()
        created = organizations.create_account(Email=new_email(), AccountName="it")["CreateAccountStatus"]
        status = organizations.describe_create_account_status(CreateAccountRequestId=created["Id"])
        member, management = status["CreateAccountStatus"]["AccountId"], organizations.describe_organization()
        role = iam_of(member).get_role(RoleName="OrganizationAccountAccessRole")["Role"]
        document = role["AssumeRolePolicyDocument"]
        return json.dumps(document).replace(management["Organization"]["MasterAccountId"], "<management>")

    def motos_iam(member):
        role = f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole"
        given = motos("sts").assume_role(RoleArn=role, RoleSessionName="it")["Credentials"]
        return boto3.client(
            "iam",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    with mock_aws():
        expected = trust(motos("organizations"), motos_iam)
    ours = trust(
        account.client("organizations"),
        lambda member: account.assume(f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole").client("iam"),
    )
    assert ours == expected


@pytest.mark.parametrize("flag", ["AccountMFAEnabled", "AccountAccessKeysPresent", "AccountPasswordPresent"])
def test_the_summary_has_the_flags_of_the_root_user_as_aws_documents_them(account, flag):
    # moto has no AccountPasswordPresent: the names are those of IAM's own model.
    summary = account.client("iam").meta.service_model.operation_model("GetAccountSummary").output_shape
    assert flag in summary.members["SummaryMap"].key.enum
    assert type(account.client("iam").get_account_summary()["SummaryMap"][flag]) is int


def test_a_quota_has_the_keys_and_types_of_motos(account):
    with mock_aws():
        client = motos("service-quotas")
        known = client.list_aws_default_service_quotas(ServiceCode="vpc")["Quotas"][0]["QuotaCode"]
        expected = client.get_service_quota(ServiceCode="vpc", QuotaCode=known)
    ours = account.client("service-quotas").get_service_quota(ServiceCode="organizations", QuotaCode="L-29A0C5DF")
    assert shape(ours) == shape(expected)


def test_the_plan_has_the_keys_and_types_of_its_model(account):
    account.settings(account_plan="FREE")
    client = account.client("freetier")
    model = client.meta.service_model.operation_model("GetAccountPlanState").output_shape
    assert set(shape(client.get_account_plan_state())) == set(model.members)
