"""Variables of policies, such as `${aws:username}` in a resource or in a value of a condition.

MiniStack compared them as text, so that nothing matched.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import dataclasses
import re

from ministack.core import iam_evaluator

VARIABLE = re.compile(r"\$\{([^}]*)\}")
# Characters that would be patterns.
LITERALS = ("*", "?", "$")


def repair():
    iam_evaluator._first_match = _with_values(iam_evaluator._first_match)


def _with_values(first_match):
    def repaired(context, statements, effect):
        return first_match(context, [_in(statement, context) for statement in statements], effect)

    return repaired


def _in(statement, context):
    """The statement with the request's values. A value without its variable matches nothing."""
    parts = ("resources", "not_resources", "conditions")
    if not any("${" in str(getattr(statement, part)) for part in parts):
        return statement
    return dataclasses.replace(statement, **{part: _replaced(getattr(statement, part), context) for part in parts})


def _replaced(value, context):
    if isinstance(value, dict):
        return {key: _replaced(one, context) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, context) for one in value]
    return VARIABLE.sub(lambda variable: _value(variable, context), value) if isinstance(value, str) else value


def _value(variable, context):
    if variable[1] in LITERALS:
        return variable[1]
    key, _, default = variable[1].partition(",")
    found = iam_evaluator._resolve_condition_key(key.strip(), context)
    if found is None or isinstance(found, list):
        return default.strip().strip("'") if default else variable[0]
    return str(found)
