"""Evaluates the Rules of a template before the console is opened.

`make link` evaluates them here. The launch page evaluates the same data, from `for_the_page`, in site/launch.js.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html

A value that is not known here (a parameter without a default, the account) can be anything. What depends on it is not
known either, and forbids nothing: CloudFormation evaluates it when the stack is created.
"""

from orchestera_release.product import Refused

# The number of arguments that each function takes, least and most.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
FUNCTIONS = {
    "Fn::And": (2, 10),
    "Fn::Or": (2, 10),
    "Fn::Not": (1, 1),
    "Fn::Equals": (2, 2),
    "Fn::Contains": (2, 2),
    "Fn::EachMemberEquals": (2, 2),
}


def rules_of(template):
    """The rules as plain values: `condition` (or None), and for each assertion `holds` and `message`.

    Raises `Refused` for a rule that cannot be evaluated. Ignoring it would offer what CloudFormation forbids.
    """
    names = set(template["Parameters"])
    for name, rule in (template.get("Rules") or {}).items():
        where = f"The rule {name}"
        unknown = set(rule) - {"RuleCondition", "Assertions"}
        if unknown:
            raise Refused(f"{where} has {', '.join(sorted(unknown))}, which rules.py does not know.")
        condition = _plain(rule["RuleCondition"], names, where) if "RuleCondition" in rule else None
        if condition is not None:
            _check_condition(condition, where)
        assertions = []
        for one in rule["Assertions"]:
            if "AssertDescription" not in one:
                raise Refused(f"{where} has an assertion without an AssertDescription. Add one: it is the message.")
            holds = _plain(one["Assert"], names, where)
            _check_condition(holds, where)
            assertions.append({"holds": holds, "message": " ".join(str(one["AssertDescription"]).split())})
        yield {"condition": condition, "assertions": assertions}


def known_values(template, region, entered=()):
    """What is known of each parameter before you choose: its default, as text or as a list of texts."""
    known = {
        name: _value(parameter, str(parameter["Default"]))
        for name, parameter in template["Parameters"].items()
        if parameter.get("Default") is not None and name not in entered
    }
    return known | {"AWS::Region": region}


def forbidden(template, parameters, region, entered=()):
    """Why these parameters cannot be together, in the words of the rules. Those that are not given have their defaults.

    Nothing is known of the parameters in `entered`: you enter them in the console.
    """
    given = {
        name: _value(template["Parameters"][name], value)
        for name, value in parameters.items()
        if name in template["Parameters"]
    }
    values = known_values(template, region, entered) | given
    for rule in rules_of(template):
        if rule["condition"] is None or _evaluate(rule["condition"], values) is True:
            for one in rule["assertions"]:
                if _evaluate(one["holds"], values) is False:
                    yield one["message"]


def for_the_page(template, region, entered=()):
    """The data for site/launch.js, which evaluates the same."""
    return {"known": known_values(template, region, entered), "rules": list(rules_of(template))}


def is_list(parameter):
    return parameter["Type"] == "CommaDelimitedList" or parameter["Type"].startswith("List<")


def _value(parameter, text):
    """A parameter's value as the functions see it. A list is a text with commas."""
    return [one.strip() for one in text.split(",")] if is_list(parameter) else text


def _plain(node, names, where):
    """An expression without the short forms of YAML. Its functions and names are checked."""
    # As ruamel.yaml keeps `!Equals [...]`; a node without a tag has None, or one that YAML itself gives.
    tag = getattr(getattr(node, "tag", None), "value", None) or ""
    if tag.startswith("!"):
        short = tag[1:]
        node = {"Ref" if short == "Ref" else f"Fn::{short}": node.value if short == "Ref" else list(node)}
    if isinstance(node, dict):
        if len(node) != 1:
            raise Refused(f"{where} has {sorted(node)} where one function is expected.")
        ((function, arguments),) = node.items()
        if function == "Ref":
            if arguments not in names and not str(arguments).startswith("AWS::"):
                raise Refused(f"{where} refers to {arguments}, which is no parameter.")
            return {"Ref": str(arguments)}
        if function not in FUNCTIONS:
            raise Refused(
                f"{where} uses {function}. Neither `make link` nor the launch page can evaluate it: add it to "
                "release/orchestera_release/rules.py and site/launch.js first."
            )
        least, most = FUNCTIONS[function]
        if not isinstance(arguments, list) or not least <= len(arguments) <= most:
            raise Refused(f"{where} gives {function} wrong arguments.")
        return {function: [_plain(one, names, where) for one in arguments]}
    if isinstance(node, list):
        return [_plain(one, names, where) for one in node]
    return str(node).lower() if isinstance(node, bool) else str(node)


def _check_condition(node, where):
    """Raises `Refused` unless this is true or false, and so is everything that And, Or and Not are about."""
    function = next(iter(node)) if isinstance(node, dict) else None
    if function is None or function == "Ref":
        raise Refused(f"{where} has {node!r} where a condition is expected.")
    if function in ("Fn::And", "Fn::Or", "Fn::Not"):
        for one in node[function]:
            _check_condition(one, where)


def _evaluate(node, values):
    """The value of an expression: true, false, a text or a list; None if it is not known."""
    if isinstance(node, list):
        members = [_evaluate(one, values) for one in node]
        return None if None in members else members
    if isinstance(node, str):
        return node
    ((function, arguments),) = node.items()
    if function == "Ref":
        return values.get(arguments)
    arguments = [_evaluate(one, values) for one in arguments]
    # One decisive argument is enough, whatever the others are.
    if function == "Fn::And":
        return False if False in arguments else None if None in arguments else True
    if function == "Fn::Or":
        return True if True in arguments else None if None in arguments else False
    if None in arguments:
        return None
    if function == "Fn::Not":
        return not arguments[0]
    first, second = arguments
    if function == "Fn::Equals":
        return first == second
    if function == "Fn::Contains":
        return second in first
    return all(member == second for member in first)
