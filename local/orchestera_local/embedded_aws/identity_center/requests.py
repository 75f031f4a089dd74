"""What every request of these two APIs has in common: it is checked against the API's model, and lists come in pages.

https://docs.aws.amazon.com/singlesignon/latest/APIReference/CommonErrors.html
"""

import functools
import re

from ministack.core import responses

from ..json_services import Refused
from ..pages import page

MOST = 100
NUMBERS = ("integer", "long")


def checked(model, operations):
    """The operations, each of which refuses what its model does not allow."""
    return {name: functools.partial(_run, model, name, operation) for name, operation in operations.items()}


def _run(model, name, operation, request):
    shape = _model(model).operation_model(name).input_shape
    if problem := _problem(shape, request, "request"):
        raise Refused("ValidationException", f"1 validation error detected: {problem}")
    return operation(request)


@functools.cache
def _model(name):
    # To load it costs a tenth of a second.
    return responses._service_model(name)


def _problem(shape, value, name):
    """What the model has against a value, blank for nothing."""
    limits, kind = shape.metadata, shape.type_name
    if kind == "structure":
        missing = [member for member in shape.required_members if member not in value]
        if missing:
            return f"Value at '{missing[0]}' failed to satisfy constraint: Member must not be null"
        known = [(shape.members[member], value[member], member) for member in value if member in shape.members]
        return next(filter(None, (_problem(*one) for one in known)), "")
    if kind == "list":
        size, entries = len(value), [(shape.member, entry, name) for entry in value]
        inner = next(filter(None, (_problem(*one) for one in entries)), "")
    else:
        size, inner = value if kind in NUMBERS else len(value) if kind == "string" else 0, ""
    if kind in ("list", "string", *NUMBERS):
        if not limits.get("min", size) <= size <= limits.get("max", size):
            return f"Value at '{name}' failed to satisfy constraint: {limits.get('min')} to {limits.get('max')}"
        # Python does not know the classes of Unicode, such as \p{L}.
        pattern = limits.get("pattern", "")
        if pattern and "\\p" not in pattern and not re.fullmatch(pattern, value, re.ASCII):
            return f"Value at '{name}' failed to satisfy constraint: Member must satisfy {pattern}"
        if limits.get("enum") and value not in limits["enum"]:
            return f"Value at '{name}' failed to satisfy constraint: Member must be one of {limits['enum']}"
    return inner


def listed(action, key, entries, request):
    """An answer with the page of the entries that the request wants."""
    try:
        found, token = page(action, entries, request.get("MaxResults", MOST), request.get("NextToken"))
    except ValueError:
        raise Refused("ValidationException", "The NextToken is not valid.") from None
    return {key: found} | ({"NextToken": token} if token else {})
