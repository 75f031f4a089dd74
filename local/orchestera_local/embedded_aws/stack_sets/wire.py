"""Requests and answers in the shapes of AWS's own model of the service, as the SDK carries it.

What the model does not have is refused, so that a property or parameter with a typing error is not passed over.
The protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html
"""

import datetime
import functools
import html

import botocore.session
from ministack.services.cloudformation import helpers


class Refused(Exception):
    """By the API, with the code that AWS has for it."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@functools.cache
def _model():
    return botocore.session.get_session().get_service_model("cloudformation")


def action(name, act):
    """A handler as MiniStack wants it of `act`, which takes the request and gives the answer."""

    def handle(parameters):
        operation = _model().operation_model(name)
        try:
            result = act(conform(operation.input_shape, _nested(operation.input_shape, parameters, "") or {}))
        except Refused as refused:
            error = next((e.metadata["error"] for e in operation.error_shapes if e.name == refused.code), {})
            return helpers._error(
                error.get("code", refused.code), str(refused), status=error.get("httpStatusCode", 400)
            )
        text = _written(operation.output_shape, result or {})
        return helpers._xml(200, f"{name}Response", f"<{name}Result>{text}</{name}Result>")

    return handle


def refusal(answer):
    """What a handler of MiniStack says when it refuses; blank if it does not."""
    status, _, body = answer
    return html.unescape(body.decode().partition("<Message>")[2].partition("</Message>")[0]) if status >= 400 else ""


def conforming(name, value):
    """What a template says, as the request of that name."""
    return conform(_model().operation_model(name).input_shape, value)


def conform(shape, value, path=""):
    """`value` with the types of the shape. A template may write a number or a boolean as a string."""
    if shape.type_name == "structure":
        if unknown := set(value) - set(shape.members):
            raise Refused("ValidationError", f"{path or 'request'}: extraneous key {sorted(unknown)} is not permitted")
        if missing := set(shape.required_members) - set(value):
            raise Refused("ValidationError", f"{path or 'request'}: required key {sorted(missing)} not found")
        return {name: conform(shape.members[name], item, f"{path}/{name}") for name, item in value.items()}
    if shape.type_name == "list":
        return [conform(shape.member, item, f"{path}/{place}") for place, item in enumerate(value)]
    if shape.type_name == "integer":
        return int(value)
    if shape.type_name == "boolean":
        return str(value).lower() == "true"
    if shape.enum and value not in shape.enum:
        raise Refused("ValidationError", f"Value '{value}' at '{path}' must satisfy enum value set: {shape.enum}")
    return str(value)


def _nested(shape, parameters, prefix):
    """What stands under the prefix in a request, in which names are written out: `Regions.member.1`. Or None."""
    if shape.type_name == "structure":
        under = {name: _nested(member, parameters, f"{prefix}{name}.") for name, member in shape.members.items()}
        return {name: value for name, value in under.items() if value is not None} or None
    if shape.type_name == "list":
        items = []
        while (item := _nested(shape.member, parameters, f"{prefix}member.{len(items) + 1}.")) is not None:
            items.append(item)
        # An empty list comes as its bare name.
        return items if items or prefix[:-1] in parameters else None
    return helpers._p(parameters, prefix[:-1], None)


def _written(shape, value):
    if shape.type_name == "structure":
        return "".join(
            f"<{name}>{_written(member, value[name])}</{name}>"
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    if shape.type_name == "list":
        return "".join(f"<member>{_written(shape.member, item)}</member>" for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return html.escape(str(value))
