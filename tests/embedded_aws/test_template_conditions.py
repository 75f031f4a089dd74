"""Pseudo parameters in a template's conditions."""

from orchestera_local.stack import Stack

EXPECTED = {"AccountId": None, "Region": "us-east-1", "Partition": "aws", "URLSuffix": "amazonaws.com"}


def test_a_condition_knows_the_account_the_region_and_the_partition(account):
    expected = EXPECTED | {"AccountId": account.id}
    template = {
        "Conditions": {f"Is{name}": {"Fn::Equals": [{"Ref": f"AWS::{name}"}, expected[name]]} for name in expected}
        | {f"IsNot{name}": {"Fn::Equals": [{"Ref": f"AWS::{name}"}, "another"]} for name in expected},
        "Resources": {
            "Said": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "hello"}},
        },
    }
    template["Outputs"] = {name: {"Condition": name, "Value": "yes"} for name in template["Conditions"]}
    stack = Stack(account)
    stack.deploy(template)
    assert set(stack.outputs()) == {f"Is{name}" for name in expected}
