"""Templates and code in a bucket of this or another account."""

import base64
import hashlib
import io
import json
import zipfile

import pytest
from botocore.exceptions import ClientError

from orchestera_local.stack import Stack

HELLO = {"Resources": {"Said": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "hello"}}}}
FORMS = [
    "https://{}.s3.us-east-1.amazonaws.com/{}",
    "https://{}.s3.amazonaws.com/{}",
    "https://s3.us-east-1.amazonaws.com/{}/{}",
    "https://s3.amazonaws.com/{}/{}",
    "https://s3-us-west-2.amazonaws.com/{}/{}",
]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def zipped(text):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), f"def handler(event, context):\n    return {text!r}\n")
    return content.getvalue()


def sha256(code):
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


def function(bucket, key, **version):
    """A template of a function whose code lies there, and of a version of it."""
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.11",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"S3Bucket": bucket, "S3Key": key},
                },
            },
            "Version": {
                "Type": "AWS::Lambda::Version",
                "Properties": {"FunctionName": {"Ref": "Function"}, **version},
            },
        }
    }


@pytest.fixture
def bucket(new_account):
    """Puts an object into a bucket of another account; returns the bucket, which everybody may read if it says so."""
    owner = new_account()
    s3, name = owner.client("s3"), f"published-{owner.id}"
    s3.create_bucket(Bucket=name)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}

    def put(key, content, public=True):
        s3.put_object(Bucket=name, Key=key, Body=content)
        s3.delete_public_access_block(Bucket=name)
        if public:
            s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        return name

    return put


@pytest.mark.parametrize("form", FORMS)
def test_a_template_is_found_by_every_form_of_its_address(account, bucket, form):
    url = form.format(bucket("a/template.json", json.dumps(HELLO)), "a/template.json")
    cloudformation = account.client("cloudformation")
    stack = Stack(account)
    stack.id = cloudformation.create_stack(StackName=stack.name, TemplateURL=url)["StackId"]
    assert stack._watch() == "CREATE_COMPLETE"
    assert cloudformation.get_template_summary(TemplateURL=url)["ResourceTypes"] == ["AWS::SSM::Parameter"]
    bucket("a/template.json", json.dumps(HELLO | {"Outputs": {"New": {"Value": "yes"}}}))
    cloudformation.update_stack(StackName=stack.name, TemplateURL=url)
    assert stack._watch() == "UPDATE_COMPLETE" and stack.outputs() == {"New": "yes"}


def test_a_template_that_is_not_there_or_not_for_us_is_refused(account, bucket):
    name = bucket("template.json", json.dumps(HELLO), public=False)
    for place, words in [
        (f"{name}.s3.amazonaws.com/template.json", "Access Denied"),
        ("none-of-that-name.s3.amazonaws.com/template.json", "bucket does not exist"),
    ]:
        with pytest.raises(ClientError, match=words):
            account.client("cloudformation").create_stack(StackName="it", TemplateURL=f"https://{place}")
    bucket("template.json", json.dumps(HELLO))
    with pytest.raises(ClientError, match="key does not exist"):
        account.client("cloudformation").create_stack(
            StackName="it", TemplateURL=f"https://{name}.s3.amazonaws.com/another.json"
        )


def test_code_is_taken_from_a_bucket_of_another_account_that_lets_us_in(account, bucket):
    stack, code = Stack(account), zipped("hello")
    name = bucket("code.zip", code, public=False)
    assert stack.create(function(name, "code.zip")) == "ROLLBACK_COMPLETE"
    assert "S3 Error Code: AccessDenied" in " ".join(stack.reasons())
    assert stack.delete() == "DELETE_COMPLETE"
    stack.id = None
    bucket("code.zip", code)
    stack.deploy(function(name, "code.zip"))
    answer = account.client("lambda").invoke(FunctionName=stack.resource("Function"))
    assert json.loads(answer["Payload"].read()) == "hello"


def test_code_that_is_not_there_fails_the_stack(account, bucket):
    stack = Stack(account)
    assert stack.create(function(bucket("code.zip", zipped("hello")), "another.zip")) == "ROLLBACK_COMPLETE"
    assert "S3 Error Code: NoSuchKey" in " ".join(stack.reasons())


def test_a_version_is_published_only_of_the_code_that_is_named(account, bucket):
    stack, code, other = Stack(account), zipped("hello"), zipped("another")
    name = bucket("code.zip", other)
    assert stack.create(function(name, "code.zip", CodeSha256=sha256(code))) == "ROLLBACK_COMPLETE"
    words = f"CodeSHA256 ({sha256(code)}) is different from current CodeSHA256 in $LATEST ({sha256(other)})"
    assert words in " ".join(stack.reasons())
    assert stack.delete() == "DELETE_COMPLETE"
    stack.id = None
    bucket("code.zip", code)
    stack.deploy(function(name, "code.zip", CodeSha256=sha256(code)))
    # An update to other code names that, or is rolled back.
    bucket("other.zip", other)
    assert stack.update(function(name, "other.zip", CodeSha256=sha256(code + b"x"))) == "UPDATE_ROLLBACK_COMPLETE"
    stack.deploy(function(name, "other.zip", CodeSha256=sha256(other)))
    assert stack.resource("Version").endswith(":2")

    client = account.client("lambda")
    client.update_function_configuration(FunctionName=stack.resource("Function"), Description="changed")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="is different from current"):
        client.publish_version(FunctionName=stack.resource("Function"), CodeSha256=sha256(code))
    client.publish_version(FunctionName=stack.resource("Function"), CodeSha256=sha256(other))
