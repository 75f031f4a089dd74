"""What the resource types of IAM have in common: they are made, changed and removed by calls to IAM.

So whatever IAM refuses fails the resource, in the form in which CloudFormation shows it.
"""

import html
import json
import re

import ministack.services.iam as iam

# https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
ERROR_CODES = {"NoSuchEntity": "NotFound", "EntityAlreadyExists": "AlreadyExists"}


class Refused(RuntimeError):
    """By IAM, with its code."""

    def __init__(self, status, body):
        self.code, message = (
            html.unescape(re.search(f"<{name}>(.*?)</{name}>", body.decode(), re.DOTALL)[1])
            for name in ("Code", "Message")
        )
        handler_code = ERROR_CODES.get(self.code, "GeneralServiceException")
        super().__init__(
            f'Resource handler returned message: "{message} (Service: Iam, Status Code: {status})" '
            f"(HandlerErrorCode: {handler_code})"
        )


def call(action, missing_is_fine=False, **parameters):
    """With `missing_is_fine`, what is to be taken away may be gone already."""
    status, _, body = iam._IAM_HANDLERS[action](parameters)
    if status >= 400:
        refused = Refused(status, body)
        if not (missing_is_fine and refused.code == "NoSuchEntity"):
            raise refused


def managed_policies(properties):
    return list(properties.get("ManagedPolicyArns") or [])


def inline_policies(properties):
    """The documents by their names."""
    documents = {policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies") or []}
    return {name: it if isinstance(it, str) else json.dumps(it) for name, it in documents.items()}
