"""A function that plays what it is told, keeps every event in a bucket, and answers as a custom resource's does."""

import io
import json
import time
import zipfile

# What to do is in the property `Play`, by type of request, or of an event that is no request in `Play` itself. The
# number of the attempt is how often the event has come, so that a list plays one part after the other. `poll` is how
# often the function looks at its own resource, half a second apart, and keeps what it sees.
CODE = """
import json, os, time, urllib.request, boto3
from botocore.exceptions import ClientError
endpoint = os.environ["AWS_ENDPOINT_URL"]
def keep(bucket, what):
    boto3.client("s3", endpoint_url=endpoint).put_object(
        Bucket=bucket, Key=f"{time.time():.6f}", Body=json.dumps(what))
def seen(event):
    try:
        resource = boto3.client("cloudformation", endpoint_url=endpoint).describe_stack_resource(
            StackName=event["StackId"], LogicalResourceId=event["LogicalResourceId"])["StackResourceDetail"]
    except ClientError as error:
        return error.response["Error"]["Code"]
    return resource["ResourceStatus"]
def handler(event, context):
    properties = event.get("ResourceProperties", event)
    bucket, play = properties["Events"], properties["Play"]
    play = json.loads(play).get(event["RequestType"], {}) if isinstance(play, str) else play
    keep(bucket, event | {"Function": context.invoked_function_arn})
    if isinstance(play, list):
        s3 = boto3.client("s3", endpoint_url=endpoint)
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        bodies = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
        attempt = sum(body.get("RequestId") == event.get("RequestId") for body in bodies)
        play = play[attempt - 1]
    for _ in range(play.get("poll", 0)):
        keep(bucket, {"Seen": seen(event), "By": event["RequestType"]})
        time.sleep(0.5)
    time.sleep(play.get("sleep", 0))
    if play.get("exits"):
        os._exit(3)
    if play.get("fails"):
        raise RuntimeError("as told")
    if "ResponseURL" not in event:
        return
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "made", "StackId": event["StackId"],
              "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"]}
    answer.update(play.get("answer", {}))
    for name in play.get("without", []):
        del answer[name]
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    # urllib would send one of its own; the blank one is what the signature is for.
    request.add_header("Content-Type", play.get("content_type", ""))
    try:
        status = urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        status = error.code
    keep(bucket, {"Answered": status, "By": event["RequestType"]})
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def archive():
    """The function's zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("index.py", CODE)
    return content.getvalue()


def function(account, timeout=60, statements=(ALL,)):
    """Makes it, its role with those rights, and its bucket. Returns its ARN."""
    account.client("s3").create_bucket(Bucket=bucket(account))
    iam = account.client("iam")
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(
        RoleName="function",
        PolicyName="it",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
    )
    return account.client("lambda").create_function(
        FunctionName="play",
        Runtime="python3.11",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Timeout=timeout,
        Code={"ZipFile": archive()},
    )["FunctionArn"]


def thing(account, function, play, timeout=30, **properties):
    """A custom resource behind it."""
    return {
        "Type": "Custom::Thing",
        "Properties": {
            "ServiceToken": function,
            "ServiceTimeout": timeout,
            "Play": json.dumps(play),
            "Events": bucket(account),
            **properties,
        },
    }


def bucket(account):
    return f"events-of-{account.id}"


def kept(account, key):
    """What the function kept that has that key, the oldest first."""
    s3 = account.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket(account)).get("Contents", [])]
    found = [json.loads(s3.get_object(Bucket=bucket(account), Key=one)["Body"].read()) for one in sorted(keys)]
    return [what for what in found if key in what]


def events(account):
    return kept(account, "RequestType")


def types(account):
    return [event["RequestType"] for event in events(account)]


def becomes_true(question, seconds=60):
    """Whether it does within that time."""
    last = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < last:
        time.sleep(0.05)
    return answer
