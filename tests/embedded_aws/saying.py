"""A template whose stacks say something, each in its account, and what a StackSet of it is asked."""

import time
import uuid

import pytest
from botocore.exceptions import ClientError

# Where the parameter FailsIn is the account, something fails after the parameter is there.
NO_FUNCTION = {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:none"}
TEMPLATE = {
    "Parameters": {
        "Text": {"Type": "String", "Default": "hello"},
        "FailsIn": {"Type": "String", "Default": ""},
        "Secret": {"Type": "String", "Default": "", "NoEcho": True},
    },
    "Conditions": {"Fails": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, {"Ref": "FailsIn"}]}},
    "Resources": {
        "Said": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "said", "Type": "String", "Value": {"Ref": "Text"}},
        },
        "Failure": {
            "Type": "Custom::Failure",
            "Condition": "Fails",
            "DependsOn": "Said",
            "Properties": {"ServiceToken": NO_FUNCTION},
        },
    },
}
# Waits until `signal` ends it: as long as a test needs a stack to be under way, however slow the machine is.
WAIT = {
    "Type": "AWS::CloudFormation::WaitCondition",
    "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT2M"}},
}
AUTOMATIC = {"Enabled": True, "RetainStacksOnAccountRemoval": False}


def code_of(call, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"]


def said(account, region="us-east-1"):
    """What the stack in that account says, or None if there is none."""
    ssm = account.client("ssm", region)
    try:
        return ssm.get_parameter(Name="said")["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None


def within(*units, **others):
    return {"DeploymentTargets": {"OrganizationalUnitIds": list(units), **others}}


def signal(account, status):
    """Ends the wait of the resource `Wait` in the account's one stack, as soon as it waits."""
    cloudformation, ends = account.client("cloudformation"), time.monotonic() + 60
    while True:
        stacks = cloudformation.describe_stacks()["Stacks"]
        try:
            (stack,) = stacks
            return cloudformation.signal_resource(
                StackName=stack["StackId"], LogicalResourceId="Wait", UniqueId=str(uuid.uuid4()), Status=status
            )
        # No stack yet, or one that does not wait yet.
        except (ValueError, ClientError):
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
