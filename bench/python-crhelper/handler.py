"""crhelper, the usual frame for custom resources in Python, and boto3."""

import json
import secrets
from pathlib import Path

import boto3
from crhelper import CfnResource

PLATFORM = "017059471480"
resource = CfnResource()
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


@resource.create
def create(event, context):
    properties = event["ResourceProperties"]
    role_name, policy_name = properties["RoleName"], properties["PolicyName"]
    external_id = secrets.token_hex(16)
    document = edition(properties["PolicyEdition"])
    policy_arn = iam.create_policy(PolicyName=policy_name, PolicyDocument=document)["Policy"]["Arn"]
    role = iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=trust(external_id))["Role"]
    iam.attach_role_policy(RoleName=role_name, PolicyArn=policy_arn)
    resource.Data.update(RoleArn=role["Arn"], PolicyArn=policy_arn, ExternalId=external_id)
    return role["Arn"]


def handler(event, context):
    resource(event, context)
