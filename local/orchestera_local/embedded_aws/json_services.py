"""How a service is added that MiniStack does not have, and that is asked in JSON."""

import json

import ministack.app
from ministack.core import iam_actions, responses, router
from ministack.core.responses import error_response_json


def add(name, model, target, operations):
    """`model` is what botocore calls it, `target` what stands before an operation in `X-Amz-Target`.

    An operation takes the request, and returns the answer, or raises `Refused`.
    """
    version = f"application/x-amz-json-{responses._service_model(model).metadata['jsonVersion']}"

    async def handle(method, path, headers, body, parameters):
        operation = operations.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if operation is None:
            return error_response_json("UnknownOperationException", "It is not emulated.", 400, content_type=version)
        try:
            answer = operation(json.loads(body or b"{}"))
        except Refused as refused:
            return error_response_json(
                refused.code, str(refused), 400, refused.more, message_key="Message", content_type=version
            )
        return 200, {"Content-Type": version}, json.dumps(answer).encode()

    ministack.app.SERVICE_HANDLERS[name] = handle
    router.SERVICE_PATTERNS[name] = {
        "target_prefixes": [f"{target}."],
        "host_patterns": [rf"^{name}\."],
        "credential_scope": name,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
    iam_actions._BOTOCORE_SERVICE_MAP[name] = [model]
    responses._BOTOCORE_NAME[name] = model


class Refused(Exception):
    """With what some exceptions have beside their message."""

    def __init__(self, code, message, **more):
        super().__init__(message)
        self.code, self.more = code, more
