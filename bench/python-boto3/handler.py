"""boto3, and the answer by urllib: what the examples of AWS's documentation come to."""

import json
import secrets
import urllib.request
from pathlib import Path

import boto3

PLATFORM = "017059471480"
iam = boto3.client("iam")


def edition(name):
    return json.dumps(json.loads(Path(__file__).with_name(f"{name}.json").read_text()))


def trust(external_id):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{PLATFORM}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def create(properties):
    role_name, policy_name = properties["RoleName"], properties["PolicyName"]
    external_id = secrets.token_hex(16)
    document = edition(properties["PolicyEdition"])
    policy_arn = iam.create_policy(PolicyName=policy_name, PolicyDocument=document)["Policy"]["Arn"]
    role = iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=trust(external_id))["Role"]
    iam.attach_role_policy(RoleName=role_name, PolicyArn=policy_arn)
    return {"RoleArn": role["Arn"], "PolicyArn": policy_arn, "ExternalId": external_id}


def handler(event, context):
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    try:
        data = create(event["ResourceProperties"])
        answer |= {"Status": "SUCCESS", "PhysicalResourceId": data["RoleArn"], "Data": data}
    except Exception as error:
        answer |= {"Status": "FAILED", "PhysicalResourceId": event["RequestId"], "Reason": repr(error)}
    body = json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request) as acknowledgement:
        acknowledgement.read()
