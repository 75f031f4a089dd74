"""Which tags an account, a unit, the root or a policy may have.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_tagging.html
"""

import re

import ministack.services.organizations as organizations

from .answers import invalid, refused

MOST = 50
# From the model of the API, without Unicode's classes, which Python does not know: `\w` is wider than they are.
TEXT = re.compile(r"[\w\s.:/=+\-@]*")


def actions(actions):
    return {"TagResource": _checked(actions["TagResource"])}


def problem(present, tags):
    """What is wrong with further tags beside the keys that are present, as an answer, or None."""
    keys = [tag["Key"] for tag in tags]
    if len(set(keys)) < len(keys):
        return invalid("DUPLICATE_TAG_KEY")
    if any(key.lower().startswith("aws:") for key in keys):
        return invalid("INVALID_SYSTEM_TAGS_PARAMETER")
    for text, longest in [(key, 128) for key in keys] + [(tag["Value"], 256) for tag in tags]:
        if len(text) > longest:
            return invalid("MAX_LENGTH_EXCEEDED")
        if not TEXT.fullmatch(text):
            return invalid("INVALID_PATTERN")
    if len({*present, *keys}) > MOST:
        return refused("ConstraintViolationException", "Too many tags.", "MAX_TAG_LIMIT_EXCEEDED")
    return None


def _checked(tag_resource):
    def repaired(payload):
        present = organizations._tags.get(payload.get("ResourceId")) or {}
        return problem(present, payload.get("Tags") or []) or tag_resource(payload)

    return repaired
