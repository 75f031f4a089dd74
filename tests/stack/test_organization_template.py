"""organization.yaml, the stack for the management account: its parameters, rules, outputs and published form."""

import copy
import re

import pytest
from management import KINDS
from samcli.yamlhelper import yaml_parse

from orchestera_local import stack as stacks
from orchestera_release import flat, product, rules

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
    "SignIn": "Users",
    "IdentityCenterPrincipal": "",
    "PermissionSet": "Make",
    "PermissionSetName": "AdministratorAccess",
    "SessionDuration": "PT12H",
    "BreakGlassUser": "Off",
    "BootstrapRole": "Off",
    "DevelopmentAccountEmail": "",
    "ProductionAccountEmail": "",
    "AccountNamePrefix": "orchestera",
    "BillingContact": "",
    "OperationsContact": "",
    "SecurityContact": "",
}


USERS = {"AdminUserNames": "alice,bob"}


EMAIL, ID = {"AccountEmail": "spark@example.com"}, {"AccountId": "111122223333"}


UNIT = {"OrganizationalUnitId": "ou-abcd-11112222"}


DEVELOPMENT = {"DevelopmentAccountEmail": "dev@example.com"}


PRODUCTION = {"ProductionAccountEmail": "production@example.com"}


CENTER = {"SignIn": "IdentityCenter", "IdentityCenterPrincipal": "user:ann"}


ACCESS_IN = [
    "Spark",
    "None",
    "Development",
    "Production",
    "Spark,Development",
    "Spark,Production",
    "Development,Production",
    "Spark,Development,Production",
]


@pytest.fixture
def template():
    return yaml_parse(TEXT)


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


def holds(template, condition, values):
    """Whether a condition of the template holds."""

    def judged(node):
        if isinstance(node, str):
            return node
        ((function, of),) = node.items()
        if function == "Condition":
            return judged(template["Conditions"][of])
        if function == "Ref":
            return values[of]
        parts = [judged(part) for part in of]
        functions = {"Fn::Not": lambda: not parts[0], "Fn::And": lambda: all(parts), "Fn::Or": lambda: any(parts)}
        return functions.get(function, lambda: parts[0] == parts[1])()

    return judged(template["Conditions"][condition])


@pytest.mark.parametrize("chosen", [None, *ACCESS_IN])
def test_the_access_stack_is_in_the_accounts_that_were_chosen_and_in_no_other(template, chosen):
    parameters = EMAIL | USERS | DEVELOPMENT | PRODUCTION | ({"AccessIn": chosen} if chosen else {})
    values = rules.known_values(template, "us-east-1") | parameters
    named = {"HasAccess": "Spark", "HasDevelopmentAccess": "Development", "HasProductionAccess": "Production"}
    has = {account for condition, account in named.items() if holds(template, condition, values)}
    assert has == set((chosen or "Spark").split(",")) - {"None"}


def test_what_cannot_be_undone_is_said_where_it_is_chosen(template):
    assert "cannot be undone: a new account, its email address, and the end of AWS's free plan" in " ".join(
        template["Description"].split()
    )
    for name in ("AccountEmail", "AcceptPaidPlan", "DevelopmentAccountEmail", "ProductionAccountEmail"):
        assert "cannot be undone" in " ".join(template["Parameters"][name]["Description"].split()), name


def test_no_email_address_of_an_account_is_preset_and_the_published_template_names_none(template, dist):
    for name in ("AccountEmail", "DevelopmentAccountEmail", "ProductionAccountEmail"):
        assert template["Parameters"][name]["Default"] == ""
    for text in (TEXT, (dist / product.ORGANIZATION).read_text()):
        # That of an example, which nobody can have.
        assert set(re.findall(r"[\w.+-]+@[\w-]+[.]\w+", text)) == {"billing@example.com"}


RULES = [
    (EMAIL | CENTER, None),
    (EMAIL | {"BreakGlassUser": "On"}, None),
    (EMAIL | {"BootstrapRole": "On"}, "Name at least one IAM user"),
    (EMAIL | USERS | {"BootstrapRole": "On"}, None),
    (EMAIL | USERS | {"BootstrapRole": "On", "AdminGroupRights": "SwitchOnly"}, "With BootstrapRole, the users"),
    (EMAIL | USERS | CENTER | {"IdentityCenterPrincipal": ""}, "Set IdentityCenterPrincipal"),
    (EMAIL | USERS | {"IdentityCenterPrincipal": "user:ann"}, "Set SignIn to IdentityCenter"),
    (ID | USERS | DEVELOPMENT | PRODUCTION | {"AccessIn": "Spark,Development,Production"}, None),
    (EMAIL | USERS | {"AccessIn": "Spark,Development"}, "AccessIn names the development account"),
    (EMAIL | USERS | DEVELOPMENT | {"AccessIn": "Development,Production"}, "AccessIn names the production account"),
    (
        EMAIL | USERS | {"DevelopmentAccountEmail": EMAIL["AccountEmail"]},
        "An address belongs to one account. Give another De",
    ),
    (
        EMAIL | USERS | {"ProductionAccountEmail": EMAIL["AccountEmail"]},
        "An address belongs to one account. Give another Pr",
    ),
    (
        EMAIL | USERS | DEVELOPMENT | {"ProductionAccountEmail": "dev@example.com"},
        "An address belongs to one account. DevelopmentAccountEmail and",
    ),
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
        ("DevelopmentAccountEmail", ["", "a+b@x-y.example.com"], ["a", "a@b", "a b@c.de"]),
        ("ProductionAccountEmail", ["", "a+b@x-y.example.com"], ["a", "a@b", "a b@c.de"]),
        ("AccountNamePrefix", ["a", "my company", "x" * 39], ["", " a", "ü", "x" * 40]),
        ("IdentityCenterPrincipal", ["", "user:ann", "group:Platform Team"], ["ann", "user:", "user: ann", "role:x"]),
        ("PermissionSetName", ["AdministratorAccess", "a+=,.@-_"], ["", "a b", "x" * 33]),
        *[
            (
                f"{kind}Contact",
                ["", "Ann Lee; CFO; a.b+c@x-y.example.com; +1 (555) 0100", "A;B;c@d.ef;1"],
                [
                    "Ann",
                    "Ann; CFO; a@b.cd",
                    "Ann; CFO; a@b; 1",
                    "; CFO; a@b.cd; 1",
                    "Ann; CFO; a@b.cd; x",
                    "A;B;c@d.ef;1;",
                ],
            )
            for kind in KINDS
        ],
    ],
)
def test_a_value_that_organizations_or_iam_would_refuse_is_refused_before(template, name, accepted, refused):
    pattern = template["Parameters"][name]["AllowedPattern"]
    # Of a list, the pattern is that of each member.
    members = [one for value in accepted for one in (value.split(",") if name == "AdminUserNames" else [value])]
    assert all(re.fullmatch(pattern, one) for one in members)
    assert not any(re.fullmatch(pattern, one) for one in refused)


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
        "IdentityCenterWarnings": "UsesIdentityCenter",
        "BootstrapRoleArn": "HasBootstrapRole",
        "BreakGlassSecretUrl": "HasBreakGlassUser",
        "ManagementContactWarnings": "HasContact",
        "SparkContactWarnings": "HasSparkContact",
        "AwsConfig": None,
    } | {
        f"{account}{name}": condition.format(account)
        for account in ("Development", "Production")
        for name, condition in {
            "AccountId": "Has{}Account",
            "SwitchRoleUrl": "Has{}Account",
            "RoleArn": "Has{}Access",
            "ExternalId": "Shows{}ExternalId",
            "AccountWarnings": "Has{}Account",
            "ContactWarnings": "Has{}Contact",
        }.items()
    }
    assert all(output["Description"] for output in outputs.values())
    # The nested stack has its own under the same conditions.
    nested = stacks.template()["Outputs"]
    assert nested["ExternalId"]["Condition"] == "AsksForExternalId"
    for name in ("RoleArn", "ExternalId", "PolicyArn"):
        assert outputs[name]["Value"] == {"Fn::GetAtt": ["AccessStack", f"Outputs.{name}"]} and name in nested
    for account in ("Development", "Production"):
        for name in ("RoleArn", "ExternalId"):
            assert outputs[account + name]["Value"] == {"Fn::GetAtt": [f"{account}AccessStack", f"Outputs.{name}"]}


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
    for name in ("OrganizationFunctionPolicy", *(f"{kind}ContactPolicy" for kind in KINDS)):
        assert made[name].pop("DependsOn") == version
    # The nested template by its address, see tests/release/test_dist.py.
    for resources in (made, written["Resources"]):
        for nested in (one for one in resources.values() if one["Type"] == "AWS::CloudFormation::Stack"):
            del nested["Properties"]["TemplateURL"]
            nested.pop("Metadata", None)
    del written["Transform"]
    assert published == written
