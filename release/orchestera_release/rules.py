"""What a template's Rules say of the values of its parameters, judged before the console is opened.

`make link` judges them here. The launch page judges the same data, which `for_the_page` gives it, in site/launch.js.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html

What is not known here (a parameter without a default, the account) may be anything. What depends on it is not known
either, and forbids nothing: CloudFormation judges it when the stack is created.
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

    Raises `Refused` for what cannot be judged: to pass over it would be to offer what CloudFormation forbids.
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
                raise Refused(f"{where} has an assertion without an AssertDescription, so that nobody would learn why.")
            holds = _plain(one["Assert"], names, where)
            _check_condition(holds, where)
            assertions.append({"holds": holds, "message": " ".join(str(one["AssertDescription"]).split())})
        yield {"condition": condition, "assertions": assertions}


def known_values(template, region):
    """What is known of each parameter before anybody chooses: its default, as text or as a list of texts."""
    known = {
        name: _value(parameter, str(parameter["Default"]))
        for name, parameter in template["Parameters"].items()
        if parameter.get("Default") is not None
    }
    return known | {"AWS::Region": region}


def forbidden(template, parameters, region, entered=()):
    """Why these parameters cannot be together, in the words of the rules; those not given have their defaults.

    Of the parameters in `entered` nothing is known: whoever opens the link enters them in the console.
    """
    given = {
        name: _value(template["Parameters"][name], value)
        for name, value in parameters.items()
        if name in template["Parameters"]
    }
    values = {name: value for name, value in known_values(template, region).items() if name not in entered} | given
    for rule in rules_of(template):
        if rule["condition"] is None or _judge(rule["condition"], values) is True:
            for one in rule["assertions"]:
                if _judge(one["holds"], values) is False:
                    yield one["message"]


def for_the_page(template, region):
    """The data of which site/launch.js judges the same."""
    return {"known": known_values(template, region), "rules": list(rules_of(template))}


def _value(parameter, text):
    """A parameter's value as the functions see it. A list is a text with commas."""
    is_list = parameter["Type"] == "CommaDelimitedList" or parameter["Type"].startswith("List<")
    return [one.strip() for one in text.split(",")] if is_list else text


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
                f"{where} uses {function}. Neither `make link` nor the launch page can judge it: add it to "
                "release/orchestera_release/rules.py and site/launch.js first."
            )
        least, most = FUNCTIONS[function]
        if not isinstance(arguments, list) or not least <= len(arguments) <= most:
            raise Refused(f"{where} gives {function} other arguments than it takes.")
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


def _judge(node, values):
    """The value of an expression: true, false, a text or a list; None if it is not known."""
    if isinstance(node, list):
        members = [_judge(one, values) for one in node]
        return None if None in members else members
    if isinstance(node, str):
        return node
    ((function, arguments),) = node.items()
    if function == "Ref":
        return values.get(arguments)
    arguments = [_judge(one, values) for one in arguments]
    # One that decides is enough, whatever the others are.
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
