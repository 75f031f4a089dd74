"""What a template says with functions, and the rules that its parameters have to keep."""

import pytest
from botocore.exceptions import ClientError

from orchestera_local.stack import Stack

HANDLE = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
NAMES = {"Names": {"Type": "CommaDelimitedList", "Default": ""}}


@pytest.fixture
def stack(account):
    return Stack(account)


def outputs(stack, values, parameters=NAMES, given=None, **sections):
    template = {"Parameters": parameters, "Resources": HANDLE, **sections}
    template["Outputs"] = {name: {"Value": value} for name, value in values.items()}
    return stack.deploy(template, **(given or {}))


def test_a_blank_list_is_one_blank_text(stack):
    nobody = {"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Names"}]}, ""]}
    found = outputs(
        stack,
        {
            "Joined": {"Fn::Join": ["", ["<", {"Fn::Join": ["|", {"Ref": "Names"}]}, ">"]]},
            "First": {"Fn::Join": ["", ["<", {"Fn::Select": [0, {"Ref": "Names"}]}, ">"]]},
            "Nobody": {"Fn::If": ["Nobody", "yes", "no"]},
        },
        Conditions={"Nobody": nobody},
    )
    assert found == {"Joined": "<>", "First": "<>", "Nobody": "yes"}
    stack.delete()
    stack.id = None
    found = outputs(
        stack,
        {
            "Second": {"Fn::Select": [1, {"Ref": "Names"}]},
            "Nobody": {"Fn::If": ["Nobody", "yes", "no"]},
        },
        given={"Names": "ann, bob"},
        Conditions={"Nobody": nobody},
    )
    assert found == {"Second": "bob", "Nobody": "no"}


def test_texts_are_taken_apart_and_put_together(stack):
    address = {"Address": {"Type": "String", "Default": "group:admins:more"}}
    found = outputs(
        stack,
        {
            "Kind": {"Fn::Select": ["0", {"Fn::Split": [":", {"Ref": "Address"}]}]},
            "Rest": {"Fn::Join": ["-", {"Fn::Split": [":", {"Ref": "Address"}]}]},
            "Mapped": {"Fn::FindInMap": ["Rights", {"Ref": "Kind"}, "Policy"]},
            "Sub": {"Fn::Sub": ["${What} of ${AWS::AccountId} ${!Literal}", {"What": {"Ref": "Address"}}]},
        },
        parameters=address | {"Kind": {"Type": "String", "Default": "Full"}},
        Mappings={"Rights": {"Full": {"Policy": "AdministratorAccess"}}},
    )
    account = stack.account.id
    assert found == {
        "Kind": "group",
        "Rest": "group-admins-more",
        "Mapped": "AdministratorAccess",
        "Sub": f"group:admins:more of {account} ${{Literal}}",
    }


def test_an_output_of_a_resource_that_is_not_made_is_left_out(stack):
    off = {"Fn::Equals": [{"Ref": "AWS::Region"}, "none"]}
    template = {
        "Conditions": {"Off": off, "On": {"Fn::Not": [{"Condition": "Off"}]}},
        "Resources": HANDLE | {"Queue": {"Type": "AWS::SQS::Queue", "Condition": "Off"}},
        "Outputs": {
            "Queue": {"Condition": "Off", "Value": {"Fn::GetAtt": ["Queue", "Arn"]}},
            "Which": {"Value": {"Fn::If": ["Off", {"Fn::GetAtt": ["Queue", "Arn"]}, "none"]}},
        },
    }
    assert stack.deploy(template) == {"Which": "none"}


def test_no_value_is_as_if_it_were_not_there(account):
    no_value = {"Ref": "AWS::NoValue"}
    never = {"Fn::If": ["Off", "arn:aws:iam::aws:policy/AdministratorAccess", no_value]}
    allow = {"Effect": "Allow", "Action": ["s3:GetObject", never], "Resource": "*"}
    statements = [allow, {"Fn::If": ["Off", allow, no_value]}]
    group = {
        "Type": "AWS::IAM::Group",
        "Properties": {
            "GroupName": {"Fn::If": ["Off", "named", no_value]},
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess", never],
            "Policies": [
                {"PolicyName": "it", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}},
            ],
        },
    }
    stack = Stack(account, capabilities=("CAPABILITY_NAMED_IAM",))
    stack.deploy({"Conditions": {"Off": {"Fn::Equals": ["a", "b"]}}, "Resources": {"Group": group}})
    name = stack.resource("Group")
    assert name != "named"
    iam = account.client("iam")
    (attached,) = iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"]
    assert attached["PolicyName"] == "ReadOnlyAccess"
    document = iam.get_group_policy(GroupName=name, PolicyName="it")["PolicyDocument"]
    assert document["Statement"] == [allow | {"Action": ["s3:GetObject"]}]


def test_a_condition_is_made_of_functions_too(stack):
    where = {"Where": {"Type": "String", "Default": "group:admins"}, "Kind": {"Type": "String", "Default": "Full"}}
    is_group = {"Fn::Equals": [{"Fn::Select": [0, {"Fn::Split": [":", {"Ref": "Where"}]}]}, "group"]}
    full = {"Fn::Equals": [{"Fn::FindInMap": ["Rights", {"Ref": "Kind"}, "All"]}, "yes"]}
    here = {"Fn::Equals": [{"Fn::Sub": "${AWS::Region}/${Kind}"}, "us-east-1/Full"]}
    found = outputs(
        stack,
        {name: {"Fn::If": [name, "yes", "no"]} for name in ("Group", "Full", "Here", "All", "None")},
        parameters=where,
        Mappings={"Rights": {"Full": {"All": "yes"}}},
        Conditions={
            # Before what it is made of.
            "All": {"Fn::And": [{"Condition": "Group"}, {"Condition": "Full"}, {"Condition": "Here"}]},
            "None": {"Fn::Not": [{"Fn::Or": [{"Condition": "All"}, {"Condition": "Full"}]}]},
            "Group": is_group,
            "Full": full,
            "Here": here,
        },
    )
    assert found == {"Group": "yes", "Full": "yes", "Here": "yes", "All": "yes", "None": "no"}


RULES = {
    "OneWayIn": {
        "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Group"}, "None"]}]},
        "Assertions": [
            {
                "Assert": {
                    "Fn::Or": [
                        {"Fn::Contains": [["IdentityCenter"], {"Ref": "SignIn"}]},
                        {"Fn::Not": [{"Fn::EachMemberEquals": [{"Ref": "Names"}, ""]}]},
                    ]
                },
                "AssertDescription": "Name a user.",
            }
        ],
    },
    "Known": {
        "Assertions": [
            {
                "Assert": {"Fn::EachMemberIn": [{"Ref": "Where"}, ["Spark", "None", "Production"]]},
                "AssertDescription": "Unknown account.",
            }
        ]
    },
    "Nobody": {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Group"}, "None"]},
        "Assertions": [{"Assert": {"Fn::Contains": [{"Ref": "Names"}, ""]}, "AssertDescription": "Name nobody."}],
    },
    "Differ": {
        "Assertions": [
            {
                "Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "One"}, {"Ref": "Two"}]}]},
                "AssertDescription": "They must differ.",
            }
        ]
    },
}
PARAMETERS = NAMES | {
    "Group": {"Type": "String", "Default": "Make"},
    "SignIn": {"Type": "String", "Default": "Users"},
    "Where": {"Type": "CommaDelimitedList", "Default": "Spark"},
    "One": {"Type": "String", "Default": "a"},
    "Two": {"Type": "String", "Default": "b"},
}


@pytest.mark.parametrize(
    "given, words",
    [
        ({}, "Name a user."),
        ({"Names": "ann", "Where": "Spark,Moon"}, "Unknown account."),
        ({"Names": "ann", "One": "b"}, "They must differ."),
        ({"Names": "ann", "Group": "None"}, "Name nobody."),
        ({"Names": "ann"}, ""),
        ({"Group": "None"}, ""),
        ({"SignIn": "IdentityCenter", "Where": "Spark,Production"}, ""),
    ],
)
def test_a_rule_is_kept_before_anything_is_made(stack, given, words):
    template = {"Parameters": PARAMETERS, "Rules": RULES, "Resources": HANDLE}
    if not words:
        assert stack.create(template, **given) == "CREATE_COMPLETE"
        return
    with pytest.raises(ClientError, match=words) as error:
        stack.create(template, **given)
    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert not stack.cloudformation.describe_stacks()["Stacks"]
