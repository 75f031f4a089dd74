"""A version is published only of the code that is named.

https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html: CodeSha256.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html
"""

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.lambda_svc as lambda_service
from ministack.core.responses import error_response_json


def repair():
    lambda_service._publish_version = _of_the_named_code(lambda_service._publish_version)
    create = _naming_its_code(provisioners._lambda_version_create)
    # An update that publishes anew calls it by name.
    provisioners._lambda_version_create = create
    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]["create"] = create


def _of_the_named_code(publish):
    def repaired(name, data):
        named, function = data.get("CodeSha256"), lambda_service._functions.get(name)
        if problem := named and function and _problem(function, named):
            return error_response_json("InvalidParameterValueException", problem, 400)
        return publish(name, data)

    return repaired


def _naming_its_code(create):
    """MiniStack publishes what a template declares without what it says of the code."""

    def repaired(logical_id, props, stack_name):
        function, _ = provisioners._lambda_version_function(props)
        named = props.get("CodeSha256")
        if problem := named and function and _problem(function, named):
            raise ValueError(f"{problem} (Service: Lambda, Status Code: 400)")
        return create(logical_id, props, stack_name)

    return repaired


def _problem(function, named):
    """The words are those of AWS: justinram11/serverless-aws-batch issue 22."""
    code = function["config"]["CodeSha256"]
    if named != code:
        return (
            f"CodeSHA256 ({named}) is different from current CodeSHA256 in $LATEST ({code}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
    return ""
