"""What is read of an account before anything is created: its quota, its plan, its root user."""

import pytest
from saying import code_of

from orchestera_local import mfa_device

QUOTA = {"ServiceCode": "organizations", "QuotaCode": "L-29A0C5DF"}


def test_the_quota_of_accounts_is_the_one_that_is_set(account):
    client = account.client("service-quotas")
    assert client.get_service_quota(**QUOTA)["Quota"]["Value"] == 10
    account.settings(account_quota=4)
    quota = client.get_service_quota(**QUOTA)["Quota"]
    assert (quota["Value"], quota["ServiceName"], quota["Adjustable"]) == (4, "AWS Organizations", True)
    assert code_of(client.get_service_quota, **QUOTA | {"QuotaCode": "L-00000000"}) == "NoSuchResourceException"


def test_a_quota_can_be_unreadable(account):
    account.settings(refusals={"GetServiceQuota": ["AccessDeniedException", "TooManyRequestsException"]})
    client = account.client("service-quotas")
    assert code_of(client.get_service_quota, **QUOTA) == "AccessDeniedException"
    assert code_of(client.get_service_quota, **QUOTA) == "TooManyRequestsException"
    assert client.get_service_quota(**QUOTA)


def test_an_account_leaves_its_free_plan_when_it_creates_an_organization(account):
    client = account.client("freetier")
    assert client.get_account_plan_state()["accountPlanType"] == "PAID"
    account.settings(account_plan="FREE")
    state = client.get_account_plan_state()
    assert (state["accountId"], state["accountPlanType"], state["accountPlanStatus"]) == (account.id, "FREE", "ACTIVE")
    assert state["accountPlanExpirationDate"] and state["accountPlanRemainingCredits"]["unit"] == "USD"
    account.client("organizations").create_organization()
    assert client.get_account_plan_state()["accountPlanType"] == "PAID"
    account.settings(refusals={"GetAccountPlanState": ["ResourceNotFoundException"]})
    assert code_of(client.get_account_plan_state) == "ResourceNotFoundException"


def test_the_summary_of_an_account_tells_of_its_root_user_and_of_nobody_else(account):
    iam = account.client("iam")
    flags = ("AccountMFAEnabled", "AccountAccessKeysPresent", "AccountPasswordPresent")

    def summary():
        found = iam.get_account_summary()["SummaryMap"]
        return [found[flag] for flag in flags]

    assert summary() == [0, 0, 1]
    iam.create_user(UserName="somebody")
    mfa_device.enroll(account, "somebody")
    assert summary() == [0, 0, 1]
    account.settings(root_mfa=True, root_access_keys=True, root_password=False)
    assert summary() == [1, 1, 0]


def test_the_summary_of_an_account_counts_roles_and_policies_beside_their_quotas(account, new_account):
    def summary():
        found = account.client("iam").get_account_summary()["SummaryMap"]
        return [found[name] for name in ("Roles", "RolesQuota", "Policies", "PoliciesQuota")]

    assert summary() == [0, 1000, 0, 1500]
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    for of in (account, new_account()):
        of.client("iam").create_role(RoleName="one", AssumeRolePolicyDocument=document)
        of.client("iam").create_policy(PolicyName="one", PolicyDocument=document)
    account.settings(role_quota=3, policy_quota=2)
    assert summary() == [1, 3, 1, 2]


@pytest.mark.parametrize(("changes", "told"), [({"none": 1}, "no setting none"), ({"root_mfa": 3}, "is a bool")])
def test_a_setting_that_there_is_not_is_refused(account, changes, told):
    with pytest.raises(ValueError, match=told):
        account.settings(**changes)


def test_settings_are_those_of_one_account(account, new_account):
    account.settings(account_quota=4)
    assert new_account().settings()["account_quota"] == 10
