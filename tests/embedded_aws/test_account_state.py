"""The state of an account, who may see it, what moves and closes it; and lists that come page by page."""

import pytest
from creating import Creator
from saying import code_of


@pytest.fixture
def creator(account):
    account.client("organizations").create_organization()
    return Creator(account)


def test_an_account_that_is_closed_goes_through_pending_closure(creator):
    creator.management.settings(account_closure_seconds=60)
    slow = creator.created()
    creator.client.close_account(AccountId=slow)
    assert creator.accounts()[slow]["State"] == creator.accounts()[slow]["Status"] == "PENDING_CLOSURE"
    assert code_of(creator.client.close_account, AccountId=slow) == "ConflictException"
    creator.management.settings(account_closure_seconds=0)
    quick = creator.created()
    creator.client.close_account(AccountId=quick)
    closed = creator.client.describe_account(AccountId=quick)["Account"]
    assert (closed["State"], closed["Status"]) == ("CLOSED", "SUSPENDED")
    assert code_of(creator.client.close_account, AccountId=quick) == "AccountAlreadyClosedException"
    assert code_of(creator.client.close_account, AccountId="9" * 12) == "AccountNotFoundException"
    management = creator.management.id
    assert code_of(creator.client.close_account, AccountId=management) == "ConstraintViolationException"


def test_no_role_of_a_closed_account_can_be_assumed_and_its_email_address_stays_taken(creator, new_account):
    account = creator.created(email="closed@state.example.com")
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    assert creator.management.assume(role)
    creator.client.close_account(AccountId=account)
    assert code_of(creator.management.assume, role_arn=role) == "AccessDenied"
    assert creator.status(creator.create("closed@state.example.com"))["FailureReason"] == "EMAIL_ALREADY_EXISTS"


@pytest.mark.parametrize("state", ["SUSPENDED", "PENDING_CLOSURE", "PENDING_ACTIVATION"])
def test_an_account_is_renamed_and_suspended_by_hand(creator, state):
    account = creator.created(name="Before")
    member = type(creator.management)(creator.management.endpoint, account, creator.management.credentials)
    member.settings(account_name="After", email_address="after@state.example.com", account_state=state)
    (shown,) = [one for one in creator.client.list_accounts()["Accounts"] if one["Id"] == account]
    assert (shown["Name"], shown["Email"], shown["State"]) == ("After", "after@state.example.com", state)
    assert creator.status(creator.create("after@state.example.com"))["FailureReason"] == "EMAIL_ALREADY_EXISTS"
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    assert code_of(creator.management.assume, role_arn=role) == "AccessDenied"


def test_the_status_of_an_account_can_be_retired_as_aws_does(creator):
    assert creator.accounts()[creator.management.id]["Status"] == "ACTIVE"
    creator.management.settings(shows_account_status=False)
    (account,) = creator.accounts().values()
    assert account["State"] == "ACTIVE" and "Status" not in account


def test_an_account_moves_only_from_where_it_is_to_where_it_is_not(creator):
    client, account = creator.client, creator.created()
    root = client.list_roots()["Roots"][0]["Id"]
    unit, other = [
        client.create_organizational_unit(ParentId=root, Name=name)["OrganizationalUnit"]["Id"] for name in "ab"
    ]

    def move(source, destination, account=account):
        return {"AccountId": account, "SourceParentId": source, "DestinationParentId": destination}

    assert code_of(client.move_account, **move(unit, other)) == "SourceParentNotFoundException"
    assert code_of(client.move_account, **move("r-none", other)) == "SourceParentNotFoundException"
    assert code_of(client.move_account, **move(root, "ou-none-12345678")) == "DestinationParentNotFoundException"
    assert code_of(client.move_account, **move(root, root)) == "DuplicateAccountException"
    assert code_of(client.move_account, **move(root, unit, "9" * 12)) == "AccountNotFoundException"
    client.move_account(**move(root, unit))
    assert client.list_parents(ChildId=account)["Parents"] == [{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}]
    assert [one["Id"] for one in client.list_accounts_for_parent(ParentId=unit)["Accounts"]] == [account]
    assert code_of(client.list_parents, ChildId="9" * 12) == "ChildNotFoundException"


def test_lists_come_in_pages_and_every_entry_once(creator):
    made = {creator.created() for _ in range(4)}
    client = creator.client
    root = client.list_roots()["Roots"][0]["Id"]
    for name, request, key in (
        ("list_accounts", {}, "Accounts"),
        ("list_accounts_for_parent", {"ParentId": root}, "Accounts"),
        ("list_create_account_status", {}, "CreateAccountStatuses"),
    ):
        first = getattr(client, name)(**request, MaxResults=2)
        pages = list(client.get_paginator(name).paginate(**request, PaginationConfig={"PageSize": 2}))
        assert len(first[key]) == 2 and first["NextToken"]
        ids = [entry.get("AccountId", entry["Id"]) for page in pages for entry in page[key]]
        assert set(ids) - {creator.management.id} == made and len(ids) == len(set(ids))
    creator.management.settings(page_size=1)
    assert len(client.list_accounts()["Accounts"]) == 1
    assert code_of(client.list_accounts, MaxResults=21) == "InvalidInputException"
    assert code_of(client.list_accounts, NextToken="anything") == "InvalidInputException"
    # A token is good for the list that it is of.
    token = client.list_accounts()["NextToken"]
    assert code_of(client.list_accounts_for_parent, ParentId=root, NextToken=token) == "InvalidInputException"


def test_a_page_may_be_empty_and_not_be_the_last_one(creator):
    account = creator.created()
    creator.management.settings(empty_pages=2, page_size=1)
    pages = list(creator.client.get_paginator("list_accounts").paginate())
    assert [len(page["Accounts"]) for page in pages] == [0, 0, 1, 0, 0, 1]
    assert ["NextToken" in page for page in pages] == [True] * 5 + [False]
    assert account in {one["Id"] for page in pages for one in page["Accounts"]}


def test_consolidated_billing_has_neither_policies_nor_trusted_access(account):
    client = account.client("organizations")
    organization = client.create_organization(FeatureSet="CONSOLIDATED_BILLING")["Organization"]
    assert (organization["FeatureSet"], organization["AvailablePolicyTypes"]) == ("CONSOLIDATED_BILLING", [])
    service = "account.amazonaws.com"
    assert code_of(client.enable_aws_service_access, ServicePrincipal=service) == "ConstraintViolationException"
    assert code_of(client.list_aws_service_access_for_organization) == "ConstraintViolationException"


def test_trusted_access_and_delegated_administrators_are_listed(organization, join):
    client, service, member = organization.client, "account.amazonaws.com", join()
    client.enable_aws_service_access(ServicePrincipal=service)

    def trusted():
        return {one["ServicePrincipal"] for one in client.list_aws_service_access_for_organization()[key]}

    key = "EnabledServicePrincipals"
    assert service in trusted()
    client.register_delegated_administrator(AccountId=member.id, ServicePrincipal=service)
    (administrator,) = client.list_delegated_administrators(ServicePrincipal=service)["DelegatedAdministrators"]
    assert administrator["Id"] == member.id and administrator["DelegationEnabledDate"]
    (of,) = client.list_delegated_services_for_account(AccountId=member.id)["DelegatedServices"]
    assert of["ServicePrincipal"] == service
    client.disable_aws_service_access(ServicePrincipal=service)
    assert service not in trusted()


def test_invitations_are_listed_with_their_state(creator, new_account):
    client, invited = creator.client, [new_account().id, new_account().id]
    first, _ = [client.invite_account_to_organization(Target={"Id": one, "Type": "ACCOUNT"}) for one in invited]
    client.cancel_handshake(HandshakeId=first["Handshake"]["Id"])
    listed = client.list_handshakes_for_organization()["Handshakes"]
    assert [(one["Parties"][1]["Id"], one["State"]) for one in listed] == [
        (invited[0], "CANCELED"),
        (invited[1], "OPEN"),
    ]


def test_every_unit_and_account_has_the_policy_that_allows_everything(creator):
    client, account = creator.client, creator.created()
    root = client.list_roots()["Roots"][0]["Id"]
    unit = client.create_organizational_unit(ParentId=root, Name="it")["OrganizationalUnit"]["Id"]
    for target in (root, unit, account, creator.management.id):
        listed = client.list_policies_for_target(TargetId=target, Filter="SERVICE_CONTROL_POLICY")["Policies"]
        assert [policy["Name"] for policy in listed] == ["FullAWSAccess"], target


def test_a_member_sees_whose_organization_it_is_in(creator):
    member = creator.management.assume(f"arn:aws:iam::{creator.created()}:role/OrganizationAccountAccessRole")
    seen = member.client("organizations").describe_organization()["Organization"]
    assert seen["MasterAccountId"] == creator.management.id
    assert code_of(member.client("organizations").create_organization) == "AlreadyInOrganizationException"
