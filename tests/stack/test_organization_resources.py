"""The resources of organization.yaml: their order, what stays, what they are called, and what people get."""

import re
import string

import pytest
import tomllib
from management import KINDS

from orchestera_local import permissions
from orchestera_local import stack as stacks
from orchestera_local.stack import organization_template
from orchestera_release import product
from orchestera_release.product import ROOT

# Frozen from the first release.
LOGICAL_IDS = {
    "AccessStack": "AWS::CloudFormation::Stack",
    "GrantAccessToOrganizationAccountAccessRole": "AWS::IAM::ManagedPolicy",
    "OrchesteraAdminGroup": "AWS::IAM::Group",
    "OrchesteraAdminGroupMembers": "AWS::IAM::UserToGroupAddition",
    "Organization": "Custom::OrchesteraOrganization",
    "OrganizationFunction": "AWS::Serverless::Function",
    "OrganizationFunctionLogGroup": "AWS::Logs::LogGroup",
    "OrganizationFunctionLogPolicy": "AWS::IAM::Policy",
    "OrganizationFunctionPolicy": "AWS::IAM::Policy",
    "OrganizationFunctionRole": "AWS::IAM::Role",
    "SparkAccount": "Custom::OrchesteraAccount",
    "SparkAssignment": "AWS::SSO::Assignment",
    "IdentityCenter": "Custom::OrchesteraIdentityCenter",
    "AdministratorPermissionSet": "AWS::SSO::PermissionSet",
    "ManagementAssignment": "AWS::SSO::Assignment",
    "BreakGlassAdministrator": "AWS::IAM::User",
    "BreakGlassPassword": "AWS::SecretsManager::Secret",
    "OrganizationAdministratorRole": "AWS::IAM::Role",
    "DevelopmentAccount": "Custom::OrchesteraAccount",
    "DevelopmentAccessStack": "AWS::CloudFormation::Stack",
    "DevelopmentAssignment": "AWS::SSO::Assignment",
    "GrantAccessToDevelopmentAccount": "AWS::IAM::ManagedPolicy",
    "ProductionAccount": "Custom::OrchesteraAccount",
    "ProductionAccessStack": "AWS::CloudFormation::Stack",
    "ProductionAssignment": "AWS::SSO::Assignment",
    "GrantAccessToProductionAccount": "AWS::IAM::ManagedPolicy",
}


LOGICAL_IDS |= {f"{kind}ContactPolicy": "AWS::IAM::Policy" for kind in KINDS}


CONTACTS = {
    f"{account}{kind}Contact": kind
    for account in ("Management", "Spark", "Development", "Production")
    for kind in KINDS
}


LOGICAL_IDS |= dict.fromkeys(CONTACTS, "Custom::OrchesteraContact")


@pytest.fixture
def template():
    return organization_template()


@pytest.fixture
def resources(template):
    return template["Resources"]


@pytest.mark.parametrize(
    "account, condition, new",
    [
        ("Spark", "HasAccess", {"Fn::If": ["CreatesSparkAccount", "true", "false"]}),
        ("Development", "HasDevelopmentAccess", "true"),
        ("Production", "HasProductionAccess", "true"),
    ],
)
def test_an_access_stack_is_given_every_parameter_that_makes_sense_in_a_member_account(
    resources, account, condition, new
):
    nested = resources["AccessStack" if account == "Spark" else f"{account}AccessStack"]
    given = dict(nested["Properties"]["Parameters"])
    # Refused with a member account.
    assert given.keys() == stacks.template()["Parameters"].keys() - {"Guardrail"}
    assert nested["Condition"] == condition and nested["Properties"]["TemplateURL"] == "template.yaml"
    assert given.pop("MemberAccountId") == {"Fn::GetAtt": [f"{account}Account", "AccountId"]}
    assert given.pop("NewAccount") == new
    assert given == {name: {"Ref": name} for name in given}


def test_the_logical_ids_are_frozen(resources):
    assert {name: resource["Type"] for name, resource in resources.items()} == LOGICAL_IDS


def needed_by(resources, name):
    """What comes before a resource."""
    needed, open_ = set(), [name]
    while open_:
        resource = resources.get(open_.pop(), {})
        names = set(permissions.as_list(resource.get("DependsOn", [])))
        text = str(resource)
        names |= set(re.findall(r"'(?:Ref|Fn::GetAtt)': \[?'(\w+)", text)) | set(re.findall(r"[$]\{(\w+)[.}]", text))
        names &= {*resources, "OrganizationFunctionEventInvokeConfig"}
        open_ += names - needed
        needed |= names
    return needed - {name}


def test_what_cannot_be_undone_comes_after_everything_that_can_fail(resources):
    function = {name for name in resources if name.startswith("OrganizationFunction")}
    function.add("OrganizationFunctionEventInvokeConfig")
    assert needed_by(resources, "Organization") == function
    # Every check comes before anything is created.
    assert needed_by(resources, "OrchesteraAdminGroup") >= {"Organization"}
    people = {"OrchesteraAdminGroup", "OrchesteraAdminGroupMembers", "BreakGlassAdministrator", "BreakGlassPassword"}
    people |= {"IdentityCenter", "AdministratorPermissionSet", "ManagementAssignment", "OrganizationAdministratorRole"}
    contacts = {name for name in CONTACTS if name.startswith("Management")} | {f"{kind}ContactPolicy" for kind in KINDS}
    before = function | people | contacts | {"Organization"}
    assert needed_by(resources, "SparkAccount") == before
    policy = "GrantAccessToOrganizationAccountAccessRole"
    assert needed_by(resources, policy) == before | {"SparkAccount"}
    assert needed_by(resources, "AccessStack") == before | {"SparkAccount", policy}
    # One account after the other.
    before |= {"SparkAccount", policy, "AccessStack", "SparkAssignment"}
    assert needed_by(resources, "DevelopmentAccount") == before
    before |= {"DevelopmentAccount", "DevelopmentAccessStack", "DevelopmentAssignment"}
    assert needed_by(resources, "ProductionAccount") == before


def test_identity_center_is_asked_for_one_assignment_after_the_other_and_first_for_the_one_that_can_fail(resources):
    assignments = [name for name, type_ in LOGICAL_IDS.items() if type_ == "AWS::SSO::Assignment"]
    order = ["ManagementAssignment", "SparkAssignment", "DevelopmentAssignment", "ProductionAssignment"]
    assert sorted(assignments) == sorted(order)
    # That of the production account waits for its account, which waits for the assignment before it.
    for before, after in zip(order, order[1:], strict=False):
        assert before in needed_by(resources, after)
    for name in order:
        properties = resources[name]["Properties"]
        made, found = properties["PermissionSetArn"]["Fn::If"][1:]
        assert properties["PermissionSetArn"]["Fn::If"][0] == "MakesPermissionSet"
        assert made == {"Fn::GetAtt": ["AdministratorPermissionSet", "PermissionSetArn"]}
        assert found == {"Fn::GetAtt": ["IdentityCenter", "PermissionSetArn"]}
    targets = [resources[name]["Properties"]["TargetId"] for name in order]
    accounts = [{"Fn::GetAtt": [f"{name}Account", "AccountId"]} for name in ("Spark", "Development", "Production")]
    assert targets == [{"Ref": "AWS::AccountId"}, *accounts]


def test_no_resource_depends_on_one_that_a_condition_may_leave_out_while_it_is_there(template, resources):
    def implied(condition):
        """The conditions that hold whenever this one does."""
        value = template["Conditions"].get(condition, {})
        parts = [part["Condition"] for part in value.get("Fn::And", []) if "Condition" in part]
        return {condition}.union(*map(implied, parts)) if condition else set()

    for resource in resources.values():
        for name in permissions.as_list(resource.get("DependsOn", [])):
            needed = resources.get(name, {}).get("Condition")
            assert needed is None or needed in implied(resource.get("Condition")), name


def custom(resources):
    return [name for name, resource in resources.items() if resource["Type"].startswith("Custom::")]


def test_no_attempt_of_the_function_outlives_cloudformations_wait(resources):
    function = resources["OrganizationFunction"]["Properties"]
    invoke = function["EventInvokeConfig"]
    assert (function["Timeout"], invoke["MaximumRetryAttempts"], invoke["MaximumEventAgeInSeconds"]) == (900, 2, 2600)
    for name in custom(resources):
        wait = resources[name]["Properties"]["ServiceTimeout"]
        assert invoke["MaximumEventAgeInSeconds"] + function["Timeout"] < wait == 3600


def test_deleting_the_stack_locks_nobody_out_and_a_failed_create_leaves_nothing(resources):
    kept = {name for name, resource in resources.items() if resource.get("DeletionPolicy") == "RetainExceptOnCreate"}
    assert kept == {
        "OrchesteraAdminGroup",
        "OrchesteraAdminGroupMembers",
        "GrantAccessToOrganizationAccountAccessRole",
        "GrantAccessToDevelopmentAccount",
        "GrantAccessToProductionAccount",
        "BreakGlassAdministrator",
        "AdministratorPermissionSet",
        *(name for name, type_ in LOGICAL_IDS.items() if type_ == "AWS::SSO::Assignment"),
    }
    for name in kept:
        # Another principal or permission set takes the place of the one before it, because the admin asks for that.
        replaced = "Delete" if LOGICAL_IDS[name].startswith("AWS::SSO::") else "Retain"
        assert resources[name]["UpdateReplacePolicy"] == replaced, name
    for name in resources.keys() - kept:
        assert resources[name].get("DeletionPolicy", "Delete") == "Delete"


def test_only_what_the_checks_look_for_has_a_name_that_a_second_stack_would_stumble_over(resources):
    names = {
        "FunctionName",
        "RoleName",
        "ManagedPolicyName",
        "GroupName",
        "LogGroupName",
        "ReservedConcurrentExecutions",
        "UserName",
        "Name",
    }
    named = {name for name, resource in resources.items() if names & resource["Properties"].keys()}
    # An account's is the role that AWS creates in it.
    accounts = {name for name, type_ in LOGICAL_IDS.items() if type_ == "Custom::OrchesteraAccount"}
    people = {"OrganizationAdministratorRole", "BreakGlassAdministrator", "AdministratorPermissionSet"}
    assert named == {"OrchesteraAdminGroup", "OrchesteraAdminGroupMembers"} | people | accounts


def test_the_group_gets_what_was_chosen_and_only_its_policy_lets_it_switch(resources):
    group = resources["OrchesteraAdminGroup"]
    assert group["Condition"] == "MakesGroup" and group["Properties"]["ManagedPolicyArns"]["Fn::If"][0] == (
        "GroupAdministers"
    )
    policy = resources["GrantAccessToOrganizationAccountAccessRole"]["Properties"]
    statement, bootstrap = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (
        "sts:AssumeRole",
        {"Fn::Sub": "arn:${AWS::Partition}:iam::${SparkAccount.AccountId}:role/${SparkAccount.RoleName}"},
    )
    names = {"Fn::If": ["MakesGroup", {"Ref": "OrchesteraAdminGroup"}, "orchestera-admin-group"]}
    assert policy["Groups"] == {"Fn::If": ["HasGroup", [names], {"Ref": "AWS::NoValue"}]}
    condition, bootstrap, _ = bootstrap["Fn::If"]
    role = {"Fn::GetAtt": ["OrganizationAdministratorRole", "Arn"]}
    assert (condition, bootstrap["Action"], bootstrap["Resource"]) == ("HasBootstrapRole", "sts:AssumeRole", role)
    for account in ("Development", "Production"):
        further = resources[f"GrantAccessTo{account}Account"]
        (one,) = further["Properties"]["PolicyDocument"]["Statement"]
        arn = f"arn:${{AWS::Partition}}:iam::${{{account}Account.AccountId}}:role/${{{account}Account.RoleName}}"
        assert (one["Action"], one["Resource"]) == ("sts:AssumeRole", {"Fn::Sub": arn})
        assert further["Condition"] == f"Has{account}Account" and further["Properties"]["Groups"] == policy["Groups"]
    assert resources["OrchesteraAdminGroupMembers"]["Condition"] == "AddsUsers"


def test_every_choice_that_can_be_checked_by_reading_is_a_property_of_the_organization(resources):
    properties = dict(resources["Organization"]["Properties"])
    chosen = "AccountEmail AccountId AccountName MemberRoleName OrganizationalUnitId AdminGroup AdminUserNames"
    chosen += " SignIn IdentityCenterPrincipal PermissionSet PermissionSetName BreakGlassUser BootstrapRole"
    chosen += " DevelopmentAccountEmail ProductionAccountEmail AccountNamePrefix"
    chosen += " BillingContact OperationsContact SecurityContact"
    for name in f"{chosen} AcceptPaidPlan".split():
        assert properties.pop(name) == {"Ref": name}
    assert properties.pop("AccessIn") == {"Fn::Split": [",", {"Ref": "AccessIn"}]}
    assert properties.keys() == {"ServiceToken", "ServiceTimeout", "Release"}
    center = dict(resources["IdentityCenter"]["Properties"])
    assert center.pop("Principal") == {"Ref": "IdentityCenterPrincipal"}
    for name in ["PermissionSet", "PermissionSetName", "AccountEmail", "AccountId", "DevelopmentAccountEmail"]:
        assert center.pop(name) == {"Ref": name}
    assert center.pop("ProductionAccountEmail") == {"Ref": "ProductionAccountEmail"}
    assert center.keys() == {"ServiceToken", "ServiceTimeout", "Release"}
    for account, suffix in (("Development", "dev"), ("Production", "production")):
        properties = resources[f"{account}Account"]["Properties"]
        assert properties["Email"] == {"Ref": f"{account}AccountEmail"}
        assert properties["AccountName"] == {"Fn::Sub": f"${{AccountNamePrefix}}-{suffix}"}
        assert properties["HasAccessStack"] == {"Fn::If": [f"Has{account}Access", "true", "false"]}
    account = resources["SparkAccount"]["Properties"]
    assert account["Email"] == {"Ref": "AccountEmail"} and account["RoleName"] == {"Ref": "MemberRoleName"}
    assert account["HasAccessStack"] == {"Fn::If": ["HasAccess", "true", "false"]}


def test_the_release_is_that_of_the_product(resources):
    for name in custom(resources):
        assert resources[name]["Properties"]["Release"] == product.VERSION
    manifest = tomllib.loads((ROOT / "crates/organization/Cargo.toml").read_text())
    assert manifest["package"]["version"] == product.VERSION


def test_the_warnings_of_every_resource_of_the_function_are_in_an_output(template, resources):
    text = str(template["Outputs"])
    for name in custom(resources):
        assert str({"Fn::GetAtt": [name, "Warnings"]}) in text, name


def test_without_mfa_the_emergency_administrator_may_only_enroll_and_change_its_password(resources):
    """No release may change the user: CloudFormation would set its password again."""
    assert resources["BreakGlassAdministrator"]["Properties"] == {
        "UserName": "Administrator",
        "LoginProfile": {
            "Password": {"Fn::Sub": "{{resolve:secretsmanager:${BreakGlassPassword}}}"},
            "PasswordResetRequired": True,
        },
        "ManagedPolicyArns": [{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess"}],
        "Policies": [
            {
                "PolicyName": "DenyWithoutMFA",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "DenyEverythingButToEnrollMFAWithoutMFA",
                            "Effect": "Deny",
                            "NotAction": [
                                "iam:ChangePassword",
                                "iam:CreateVirtualMFADevice",
                                "iam:EnableMFADevice",
                                "iam:GetAccountPasswordPolicy",
                                "iam:GetMFADevice",
                                "iam:GetUser",
                                "iam:ListMFADevices",
                                "iam:ListVirtualMFADevices",
                                "iam:ResyncMFADevice",
                                "sts:GetSessionToken",
                            ],
                            "Resource": "*",
                            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
                        },
                        {
                            "Sid": "DenyDevicesOfOtherUsersWithoutMFA",
                            "Effect": "Deny",
                            "Action": ["iam:EnableMFADevice", "iam:ResyncMFADevice"],
                            "NotResource": {
                                "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:user/Administrator"
                            },
                            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
                        },
                    ],
                },
            }
        ],
    }
    secret = resources["BreakGlassPassword"]["Properties"]["GenerateSecretString"]
    assert secret["PasswordLength"] == 32
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
    symbols = "!@#$%^&*()_+-=[]{}|'"
    assert set(secret["ExcludeCharacters"]) == set(string.punctuation) - set(symbols)
