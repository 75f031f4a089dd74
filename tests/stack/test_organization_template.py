"""organization.yaml, the stack for the management account, as a text: what cannot be seen by deploying it."""

import copy
import re

import pytest
import tomllib
from conftest import statements
from samcli.yamlhelper import yaml_parse

from orchestera_local import permissions
from orchestera_local import stack as stacks
from orchestera_release import flat, product, rules
from orchestera_release.product import ROOT

TEXT = flat.ORGANIZATION.file.read_text()
DEFAULTS = {
    "AccountEmail": "",
    "AccountId": "",
    "AccountName": "Orchestera Sparklith",
    "MemberRoleName": "OrganizationAccountAccessRole",
    "OrganizationalUnitId": "",
    "AdminGroup": "Make",
    "AdminGroupRights": "AdministratorAccess",
    "AdminUserNames": "",
    "AccessIn": "Spark",
    "AcceptPaidPlan": "false",
}
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
}
THIS_STACK = {"Ref": "AWS::StackId"}
OUR_TAG_ONLY = {"aws:TagKeys": ["orchestera:stack-id"]}
ACCOUNTS = {"Fn::Sub": "arn:${AWS::Partition}:organizations::${AWS::AccountId}:account/*"}


@pytest.fixture
def template():
    return yaml_parse(TEXT)


@pytest.fixture
def resources(template):
    return template["Resources"]


@pytest.fixture
def granted(template):
    """The statement of each action of the function's role."""
    return [
        (action, statement) for statement in statements(template) for action in permissions.as_list(statement["Action"])
    ]


def test_every_parameter_has_a_default_a_description_a_label_and_a_group(template):
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"]) == sorted(interface["ParameterLabels"])
    for name, parameter in template["Parameters"].items():
        assert "Default" in parameter and parameter["Description"], name
        if "AllowedPattern" in parameter:
            assert parameter["ConstraintDescription"], name
    own = {name: template["Parameters"][name]["Default"] for name in DEFAULTS}
    assert own == DEFAULTS


def test_a_parameter_that_the_access_stack_has_too_has_the_same_values_and_default(template):
    access = stacks.template()["Parameters"]
    shared = template["Parameters"].keys() & access.keys()
    for name in shared:
        ours, theirs = (one[name] | {"Description": ""} for one in (template["Parameters"], access))
        assert ours == theirs, name
    assert template["Parameters"].keys() - shared == DEFAULTS.keys() - {"MemberRoleName"}


def test_the_access_stack_is_given_every_parameter_that_makes_sense_in_a_member_account(resources):
    nested = resources["AccessStack"]
    given = dict(nested["Properties"]["Parameters"])
    # Refused with a member account.
    assert given.keys() == stacks.template()["Parameters"].keys() - {"Guardrail"}
    assert nested["Condition"] == "HasAccess" and nested["Properties"]["TemplateURL"] == "template.yaml"
    assert given.pop("MemberAccountId") == {"Fn::GetAtt": ["SparkAccount", "AccountId"]}
    assert given.pop("NewAccount") == {"Fn::If": ["CreatesAccount", "true", "false"]}
    assert given == {name: {"Ref": name} for name in given}


def test_what_cannot_be_undone_is_said_where_it_is_chosen(template):
    assert "cannot be undone: a new account, its email address, and the end of AWS's free plan" in " ".join(
        template["Description"].split()
    )
    for name in ("AccountEmail", "AcceptPaidPlan"):
        assert "cannot be undone" in " ".join(template["Parameters"][name]["Description"].split()), name


def test_no_email_address_of_an_account_is_preset_and_the_published_template_names_none(template, dist):
    assert template["Parameters"]["AccountEmail"]["Default"] == ""
    for text in (TEXT, (dist / product.ORGANIZATION).read_text()):
        assert not re.search(r"[\w.+-]+@[\w-]+[.]\w+", text)


USERS = {"AdminUserNames": "alice,bob"}
EMAIL, ID = {"AccountEmail": "spark@example.com"}, {"AccountId": "111122223333"}
UNIT = {"OrganizationalUnitId": "ou-abcd-11112222"}
RULES = [
    (EMAIL | USERS, None),
    (ID | USERS, None),
    (EMAIL | USERS | UNIT, None),
    (EMAIL | {"AdminGroup": "None"}, None),
    (EMAIL | USERS | {"AdminGroup": "Use"}, None),
    (EMAIL | {"AdminGroup": "Use"}, None),
    (USERS, "Set AccountEmail to an address"),
    (EMAIL | ID | USERS, "Leave AccountEmail blank"),
    (ID | USERS | UNIT, "Only a new account is moved"),
    (EMAIL, "Name at least one IAM user"),
    (EMAIL | USERS | {"AdminGroup": "None"}, "Users are added to the group only"),
    (EMAIL | USERS | {"RequireExternalId": "false", "ExternalId": "xx"}, "An external ID is given"),
    (
        EMAIL | USERS | {"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/A", "PermissionsBoundaryName": "B"},
        "A role has one boundary. Leave PermissionsBoundaryArn blank",
    ),
    (
        EMAIL
        | USERS
        | {"FunctionPermissionsBoundaryArn": "arn:aws:iam::aws:policy/A", "FunctionPermissionsBoundaryName": "B"},
        "A role has one boundary. Leave FunctionPermissionsBoundaryArn blank",
    ),
]


@pytest.mark.parametrize("parameters, message", RULES)
def test_the_rules_refuse_what_cannot_be_and_say_what_to_do(template, parameters, message):
    said = list(rules.forbidden(template, parameters, "us-east-1"))
    assert len(said) == (message is not None) and all(one.startswith(message) for one in said), said


def test_the_stack_is_refused_in_another_region(template):
    (said,) = rules.forbidden(template, EMAIL | USERS, "eu-west-1")
    assert "serves us-east-1 only" in said
    (assertion,) = template["Rules"]["ServedRegion"]["Assertions"]
    assert tuple(assertion["Assert"]["Fn::Contains"][0]) == product.REGIONS


@pytest.mark.parametrize(
    "name, accepted, refused",
    [
        (
            "AccountEmail",
            ["", "a@b.co", "a+b@x-y.example.com"],
            ["a", "a@b", "a b@c.de", "a@b@c.de", "x" * 60 + "@y.zz"],
        ),
        ("AccountName", ["a", "Orchestera Sparklith", "x" * 50], ["", " a", "ü", "x" * 51]),
        ("AccountId", ["", "111122223333"], ["1", "1111222233334"]),
        ("OrganizationalUnitId", ["", "ou-abcd-11112222"], ["r-abcd", "ou-abcd"]),
        ("AdminUserNames", ["", "alice", "a+b=c,d.e@f-g_h"], ["a b", "a/b", "x" * 65]),
    ],
)
def test_a_value_that_organizations_or_iam_would_refuse_is_refused_before(template, name, accepted, refused):
    pattern = template["Parameters"][name]["AllowedPattern"]
    # Of a list, the pattern is that of each member.
    members = [one for value in accepted for one in (value.split(",") if name == "AdminUserNames" else [value])]
    assert all(re.fullmatch(pattern, one) for one in members)
    assert not any(re.fullmatch(pattern, one) for one in refused)


def test_the_logical_ids_are_frozen(resources):
    assert {name: resource["Type"] for name, resource in resources.items()} == LOGICAL_IDS


def needed_by(resources, name):
    """What comes before a resource."""
    needed, open_ = set(), [name]
    while open_:
        resource = resources.get(open_.pop(), {})
        names = set(permissions.as_list(resource.get("DependsOn", [])))
        text = str(resource)
        names |= set(re.findall(r"'(?:Ref|Fn::GetAtt)': \[?'(\w+)", text)) | set(re.findall(r"[$]\{(\w+)\.", text))
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
    people = {"OrchesteraAdminGroup", "OrchesteraAdminGroupMembers"}
    assert needed_by(resources, "SparkAccount") == function | people | {"Organization"}
    policy = "GrantAccessToOrganizationAccountAccessRole"
    assert needed_by(resources, policy) == function | people | {"Organization", "SparkAccount"}
    assert needed_by(resources, "AccessStack") == resources.keys() - {"AccessStack"} | function


def test_no_resource_depends_on_one_that_a_condition_may_leave_out(resources):
    for resource in resources.values():
        for name in permissions.as_list(resource.get("DependsOn", [])):
            assert "Condition" not in resources.get(name, {}), name


def test_no_attempt_of_the_function_outlives_cloudformations_wait(resources):
    function = resources["OrganizationFunction"]["Properties"]
    invoke = function["EventInvokeConfig"]
    assert (function["Timeout"], invoke["MaximumRetryAttempts"], invoke["MaximumEventAgeInSeconds"]) == (900, 2, 2600)
    for name in ("Organization", "SparkAccount"):
        wait = resources[name]["Properties"]["ServiceTimeout"]
        assert invoke["MaximumEventAgeInSeconds"] + function["Timeout"] < wait == 3600


def test_deleting_the_stack_locks_nobody_out_and_a_failed_create_leaves_nothing(resources):
    kept = {name for name, resource in resources.items() if resource.get("DeletionPolicy") == "RetainExceptOnCreate"}
    assert kept == {
        "OrchesteraAdminGroup",
        "OrchesteraAdminGroupMembers",
        "GrantAccessToOrganizationAccountAccessRole",
    }
    for name in kept:
        assert resources[name]["UpdateReplacePolicy"] == "Retain"
    for name in resources.keys() - kept:
        assert resources[name].get("DeletionPolicy", "Delete") == "Delete"


def test_nothing_but_the_group_has_a_name_that_a_second_stack_would_stumble_over(resources):
    names = {
        "FunctionName",
        "RoleName",
        "ManagedPolicyName",
        "GroupName",
        "LogGroupName",
        "ReservedConcurrentExecutions",
    }
    named = {name for name, resource in resources.items() if names & resource["Properties"].keys()}
    # SparkAccount's is the role that AWS creates in the account.
    assert named == {"OrchesteraAdminGroup", "OrchesteraAdminGroupMembers", "SparkAccount"}


def test_the_group_gets_what_was_chosen_and_only_its_policy_lets_it_switch(resources):
    group = resources["OrchesteraAdminGroup"]
    assert group["Condition"] == "MakesGroup" and group["Properties"]["ManagedPolicyArns"]["Fn::If"][0] == (
        "GroupAdministers"
    )
    policy = resources["GrantAccessToOrganizationAccountAccessRole"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (
        "sts:AssumeRole",
        {"Fn::Sub": "arn:${AWS::Partition}:iam::${SparkAccount.AccountId}:role/${SparkAccount.RoleName}"},
    )
    names = {"Fn::If": ["MakesGroup", {"Ref": "OrchesteraAdminGroup"}, "orchestera-admin-group"]}
    assert policy["Groups"] == {"Fn::If": ["HasGroup", [names], {"Ref": "AWS::NoValue"}]}
    assert resources["OrchesteraAdminGroupMembers"]["Condition"] == "AddsUsers"


NEVER = ["CloseAccount", "RemoveAccountFromOrganization", "LeaveOrganization", "DeleteOrganization"]
NEVER += ["EnableAllFeatures", "InviteAccountToOrganization", "AttachPolicy", "DetachPolicy", "EnableAWSServiceAccess"]


@pytest.mark.parametrize(
    "action", [f"organizations:{name}" for name in NEVER] + ["sts:AssumeRole", "iam:AddUserToGroup"]
)
def test_a_right_that_must_never_be_there_is_in_no_statement(granted, resources, action):
    for one, statement in granted:
        assert not re.fullmatch(one.replace("*", ".*"), action, re.IGNORECASE) and "NotAction" not in statement
    role = resources["OrganizationFunctionRole"]["Properties"]
    assert not role.keys() & {"ManagedPolicyArns", "Policies"}
    assert "Policies" not in resources["OrganizationFunction"]["Properties"]
    of_the_role = [
        name
        for name, one in resources.items()
        if {"Ref": "OrganizationFunctionRole"} in one["Properties"].get("Roles", [])
    ]
    assert of_the_role == ["OrganizationFunctionPolicy", "OrganizationFunctionLogPolicy"]


def test_the_function_has_these_rights_and_no_other(granted):
    reads = "DescribeCreateAccountStatus DescribeOrganization DescribePolicy ListAccounts ListCreateAccountStatus "
    reads += "ListDelegatedAdministrators ListHandshakesForOrganization ListParents ListPoliciesForTarget ListRoots "
    reads += "ListTagsForResource"
    writes = "CreateAccount CreateOrganization MoveAccount MoveAccount TagResource UntagResource"
    expected = [f"organizations:{name}" for name in f"{reads} {writes}".split()]
    expected += [f"iam:{name}" for name in ("GetAccountSummary", "GetGroup", "GetRole", "GetUser")]
    expected += [f"cloudformation:{name}" for name in ("DescribeStackResource", "DescribeStackSet", "DescribeStacks")]
    expected += ["cloudformation:ListStackSets", "freetier:GetAccountPlanState", "servicequotas:GetServiceQuota"]
    expected += ["iam:CreateServiceLinkedRole", "logs:CreateLogStream", "logs:PutLogEvents"]
    assert sorted(action for action, _ in granted) == sorted(expected)
    for _, statement in granted:
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert statement["Effect"] == "Allow"


def test_every_write_is_limited_to_what_is_this_stacks(granted):
    writes = {}
    for action, statement in granted:
        if re.search(r":(Create|Tag|Untag|Move)", action) and not action.startswith("logs:"):
            writes.setdefault(action, []).append((statement["Resource"], statement.get("Condition")))
    created = {
        "StringEquals": {"aws:RequestTag/orchestera:stack-id": THIS_STACK},
        "ForAllValues:StringEquals": OUR_TAG_ONLY,
    }
    ours = {"StringEquals": {"aws:ResourceTag/orchestera:stack-id": THIS_STACK}}
    place = "arn:${AWS::Partition}:organizations::${AWS::AccountId}"
    linked_role = "role/aws-service-role/organizations.amazonaws.com/*"
    assert writes == {
        "organizations:CreateOrganization": [("*", None)],
        "iam:CreateServiceLinkedRole": [
            (
                {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{linked_role}"},
                {"StringEquals": {"iam:AWSServiceName": "organizations.amazonaws.com"}},
            )
        ],
        "organizations:CreateAccount": [("*", created)],
        "organizations:TagResource": [("*", created)],
        "organizations:UntagResource": [(ACCOUNTS, ours | {"ForAllValues:StringEquals": OUR_TAG_ONLY})],
        "organizations:MoveAccount": [
            (ACCOUNTS, ours),
            ([{"Fn::Sub": f"{place}:root/*"}, {"Fn::Sub": f"{place}:ou/*"}], None),
        ],
    }


def test_the_rights_to_create_and_to_move_are_there_only_for_who_creates_and_who_moves(resources):
    document = resources["OrganizationFunctionPolicy"]["Properties"]["PolicyDocument"]
    under = {}
    for statement in document["Statement"]:
        condition, one = ("always", statement) if "Sid" in statement else statement["Fn::If"][:2]
        for action in permissions.as_list(one["Action"]):
            under.setdefault(condition, set()).add(action)
    assert under.pop("CreatesAccount") == {
        "organizations:CreateOrganization",
        "iam:CreateServiceLinkedRole",
        "organizations:CreateAccount",
        "organizations:TagResource",
    }
    assert under.pop("MovesAccount") == {"organizations:MoveAccount"}
    assert under.keys() == {"always"}


def test_the_function_knows_from_the_template_alone_for_whom_it_may_create_an_account(resources):
    assert resources["OrganizationFunction"]["Properties"]["Environment"]["Variables"] == {
        "ORCHESTERA_STACK_ID": THIS_STACK,
        "ORCHESTERA_EMAIL_SparkAccount": {"Ref": "AccountEmail"},
    }


def test_every_choice_that_can_be_checked_by_reading_is_a_property_of_the_organization(resources):
    properties = dict(resources["Organization"]["Properties"])
    chosen = "AccountEmail AccountId AccountName MemberRoleName OrganizationalUnitId AdminGroup AdminUserNames"
    for name in f"{chosen} AcceptPaidPlan".split():
        assert properties.pop(name) == {"Ref": name}
    assert properties.pop("AccessIn") == {"Fn::Split": [",", {"Ref": "AccessIn"}]}
    assert properties.keys() == {"ServiceToken", "ServiceTimeout", "Release"}
    account = resources["SparkAccount"]["Properties"]
    assert account["Email"] == {"Ref": "AccountEmail"} and account["RoleName"] == {"Ref": "MemberRoleName"}
    assert account["HasAccessStack"] == {"Fn::If": ["HasAccess", "true", "false"]}


def test_the_release_is_that_of_the_product(resources):
    for name in ("Organization", "SparkAccount"):
        assert resources[name]["Properties"]["Release"] == product.VERSION
    manifest = tomllib.loads((ROOT / "crates/organization/Cargo.toml").read_text())
    assert manifest["package"]["version"] == product.VERSION


def test_the_outputs_are_these_and_each_says_what_it_is(template):
    outputs = template["Outputs"]
    assert {name: output.get("Condition") for name, output in outputs.items()} == {
        "ManagementAccountId": None,
        "AccountId": None,
        "SwitchRoleUrl": None,
        "SignInUrl": None,
        "RoleArn": "HasAccess",
        "ExternalId": "ShowsExternalId",
        "PolicyArn": "HasAccess",
        "OrganizationWarnings": None,
        "SparkAccountWarnings": None,
    }
    assert all(output["Description"] for output in outputs.values())
    # The nested stack has its own under the same conditions.
    nested = stacks.template()["Outputs"]
    assert nested["ExternalId"]["Condition"] == "AsksForExternalId"
    for name in ("RoleArn", "ExternalId", "PolicyArn"):
        assert outputs[name]["Value"] == {"Fn::GetAtt": ["AccessStack", f"Outputs.{name}"]} and name in nested


def test_the_published_template_is_what_sams_transform_makes_but_for_what_is_pinned(dist, template):
    published = yaml_parse((dist / product.ORGANIZATION).read_text())
    assert "Transform" not in published
    written, made = copy.deepcopy(template), published["Resources"]
    added = {name: made.pop(name) for name in made.keys() - written["Resources"].keys()}
    version = flat.ORGANIZATION.version_of_the_code
    assert {name: resource["Type"] for name, resource in added.items()} == {
        "OrganizationFunctionEventInvokeConfig": "AWS::Lambda::EventInvokeConfig",
        version: "AWS::Lambda::Version",
    }
    invoke = added["OrganizationFunctionEventInvokeConfig"]["Properties"]
    assert (invoke["MaximumRetryAttempts"], invoke["MaximumEventAgeInSeconds"]) == (2, 2600)
    function, source = made.pop("OrganizationFunction"), written["Resources"].pop("OrganizationFunction")
    kept = ("Description", "Handler", "Runtime", "Timeout", "MemorySize", "Role", "Architectures", "LoggingConfig")
    kept += ("Environment",)
    assert {key: function["Properties"][key] for key in kept} == {key: source["Properties"][key] for key in kept}
    assert function["Properties"].keys() == {*kept, "Code"}
    # Neither an event nor a right for code that is another.
    made["Organization"]["DependsOn"].remove(version)
    assert made["OrganizationFunctionPolicy"].pop("DependsOn") == version
    # The nested template by its address, see tests/release/test_dist.py.
    for nested in (made["AccessStack"], written["Resources"]["AccessStack"]):
        del nested["Properties"]["TemplateURL"]
        nested.pop("Metadata", None)
    del written["Transform"]
    assert published == written
