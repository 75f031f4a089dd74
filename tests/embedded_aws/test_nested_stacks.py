"""A stack within a stack, whose template lies in a bucket."""

import json

import pytest
from playing import becomes_true, events, function, thing, types
from saying import NO_FUNCTION, code_of, said

from orchestera_local.stack import Stack

CAPABILITIES = ("CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


@pytest.fixture
def stack(account):
    return Stack(account, capabilities=CAPABILITIES)


@pytest.fixture
def nesting(account):
    """A template with that one nested, and what comes after it."""
    s3, versions = account.client("s3"), iter(range(100))
    bucket = f"templates-of-{account.id}"
    s3.create_bucket(Bucket=bucket)

    def nesting(template, parameters=None, **resources):
        key = f"{next(versions)}.json"
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(template))
        properties = {"TemplateURL": f"https://{bucket}.s3.us-east-1.amazonaws.com/{key}"}
        nested = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": properties | ({"Parameters": parameters} if parameters else {}),
        }
        names = template.get("Outputs", {})
        outputs = {name: {"Value": {"Fn::GetAtt": ["Nested", f"Outputs.{name}"]}} for name in names}
        return {"Resources": {"Nested": nested, **resources}, "Outputs": outputs}

    return nesting


def saying(policy=None, **more):
    """Says what its parameter says."""
    parameter = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "said", "Type": "String", "Value": {"Ref": "Text"}},
    }
    if policy:
        parameter["DeletionPolicy"] = policy
    return {
        "Parameters": {"Text": {"Type": "String", "Default": "hello"}},
        "Conditions": {"Polite": {"Fn::Equals": [{"Ref": "Text"}, "hello"]}},
        "Resources": {"Said": parameter, **more},
        "Outputs": {"Text": {"Value": {"Fn::GetAtt": ["Said", "Value"]}}},
    }


FAILURE = {"Type": "Custom::Failure", "DependsOn": "Nested", "Properties": {"ServiceToken": NO_FUNCTION}}


def statuses(stack, logical_id):
    return [event["ResourceStatus"] for event in stack.events() if event["LogicalResourceId"] == logical_id]


def test_its_outputs_are_attributes_and_it_knows_its_parent(stack, account, nesting):
    assert stack.deploy(nesting(saying(), {"Text": "nested"})) == {"Text": "nested"}
    child = stack.cloudformation.describe_stacks(StackName=stack.resource("Nested"))["Stacks"][0]
    assert child["ParentId"] == child["RootId"] == stack.id
    assert child["StackName"].startswith("orchestera-access-Nested-")
    assert stack.deploy(nesting(saying(), {"Text": "changed"})) == {"Text": "changed"}
    assert stack.resource("Nested") == child["StackId"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert said(account) is None


def test_an_unchanged_one_is_no_update(stack, nesting):
    template = nesting(saying())
    stack.deploy(template)
    assert stack.update(template | {"Description": "changed"}) == "UPDATE_COMPLETE"


def test_what_it_may_make_is_acknowledged_by_the_parents_capabilities(account, nesting):
    group = {"Type": "AWS::IAM::Group", "Properties": {"GroupName": "mine"}}
    template = nesting({"Resources": {"Group": group}})
    assert Stack(account, "without", capabilities=()).create(template) == "ROLLBACK_COMPLETE"
    assert Stack(account, "with", capabilities=CAPABILITIES).create(template) == "CREATE_COMPLETE"


def test_a_rule_of_it_that_does_not_hold_fails_the_parent(stack, nesting):
    is_hello = {"Fn::Contains": [["hello"], {"Ref": "Text"}]}
    rules = {"Polite": {"Assertions": [{"Assert": is_hello, "AssertDescription": "Be polite."}]}}
    assert stack.create(nesting(saying() | {"Rules": rules}, {"Text": "nested"})) == "ROLLBACK_COMPLETE"
    assert "Be polite." in " ".join(stack.reasons())


def test_a_transform_of_it_is_applied(stack, account, nesting):
    queue = {"Type": "AWS::Serverless::SimpleTable"}
    transformed = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Table": queue}}
    assert stack.create(nesting(transformed)) == "CREATE_COMPLETE"
    assert len(account.client("dynamodb").list_tables()["TableNames"]) == 1


def test_one_that_fails_leaves_nothing_behind(stack, account, nesting):
    fails = saying(Failure=FAILURE | {"DependsOn": "Said"})
    assert stack.create(nesting(fails)) == "ROLLBACK_COMPLETE"
    assert "failed to create or update: [Failure]" in " ".join(stack.reasons())
    assert said(account) is None
    assert statuses(stack, "Nested") == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_an_update_that_fails_takes_it_back(stack, account, nesting):
    stack.deploy(nesting(saying()))
    fails = saying(Failure=FAILURE | {"DependsOn": "Said"})
    assert stack.update(nesting(fails, {"Text": "changed"})) == "UPDATE_ROLLBACK_COMPLETE"
    assert said(account) == "hello"
    assert stack.update(nesting(saying(), {"Text": "changed"}, Failure=FAILURE)) == "UPDATE_ROLLBACK_COMPLETE"
    assert said(account) == "hello"


@pytest.mark.parametrize("policy, there", [("Retain", "hello"), ("RetainExceptOnCreate", "hello"), ("Delete", None)])
def test_what_it_keeps_stays_when_the_parent_is_deleted(stack, account, nesting, policy, there):
    stack.deploy(nesting(saying(policy)))
    assert stack.delete() == "DELETE_COMPLETE"
    assert said(account) == there


@pytest.mark.parametrize("policy, there", [("Retain", "hello"), ("RetainExceptOnCreate", None)])
def test_what_it_keeps_except_on_create_goes_when_the_parents_creation_is_rolled_back(
    stack, account, nesting, policy, there
):
    assert stack.create(nesting(saying(policy), Failure=FAILURE)) == "ROLLBACK_COMPLETE"
    assert said(account) == there


def test_a_custom_resource_in_it_is_cancelled_with_the_parent(stack, account, nesting):
    arn = function(account)
    child = {"Resources": {"Thing": thing(account, arn, {"Create": {"poll": 40}}, timeout=300)}}
    stack.id = stack.cloudformation.create_stack(**stack._request(nesting(child), {}))["StackId"]
    assert becomes_true(lambda: types(account) == ["Create"])
    assert stack.delete() == "DELETE_COMPLETE"
    assert types(account) == ["Create", "Delete"]
    assert events(account)[1]["StackId"] == events(account)[0]["StackId"] != stack.id


def test_one_that_cannot_be_deleted_fails_the_parent_and_keeps_what_it_needs(stack, account, nesting):
    arn = function(account)
    play = {"Delete": {"answer": {"Status": "FAILED", "Reason": "because"}}}
    template = nesting({"Resources": {"Thing": thing(account, arn, play)}}, Needed={"Type": "AWS::SQS::Queue"})
    template["Resources"]["Nested"]["DependsOn"] = "Needed"
    stack.deploy(template)
    assert stack.delete() == "DELETE_FAILED"
    assert "failed to delete: [Thing]" in " ".join(stack.reasons())
    assert stack.resource("Needed") and statuses(stack, "Needed")[-1] == "CREATE_COMPLETE"


def test_a_template_that_is_not_there_fails_the_parent(stack, nesting):
    template = nesting(saying())
    template["Resources"]["Nested"]["Properties"]["TemplateURL"] += "x"
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    assert "does not exist" in " ".join(stack.reasons())
    assert code_of(stack.cloudformation.describe_stacks, StackName="other") == "ValidationError"
