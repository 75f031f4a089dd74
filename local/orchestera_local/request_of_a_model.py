"""A request with no more than an operation's model requires: enough to be judged by policies, for nothing else."""

import datetime

# Longer than most least lengths, and what most patterns take.
TEXT = "dummy-text"


def smallest(shape, arn):
    """A value of that shape, in which what is required is there. Where an ARN is asked for, it is that one."""
    if shape.type_name == "structure":
        members = shape.required_members or (
            list(shape.members)[:1] if getattr(shape, "is_tagged_union", False) else []
        )
        return {name: smallest(shape.members[name], arn) for name in members}
    if shape.type_name == "list":
        return [smallest(shape.member, arn)] * max(1, shape.metadata.get("min", 0))
    if shape.type_name == "map":
        return {smallest(shape.key, arn): smallest(shape.value, arn)}
    if shape.type_name == "string":
        return _text(shape, arn)
    return {
        "boolean": False,
        "blob": b"dummy",
        "timestamp": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "float": 1.0,
        "double": 1.0,
    }.get(shape.type_name, shape.metadata.get("min", 1))


def _text(shape, arn):
    if shape.enum:
        return shape.enum[0]
    if shape.name.lower().endswith(("arn", "amazonresourcename")):
        return arn
    text = TEXT * (1 + shape.metadata.get("min", 0) // len(TEXT))
    return text[: max(shape.metadata.get("min", 0), min(len(TEXT), shape.metadata.get("max", len(TEXT))))]
