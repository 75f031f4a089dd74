"""For the tests in the browser: what the Rules of the published templates forbid, in the words of the rules.

Reads a list of `[kind, {parameter: value}]` and writes a list of messages for each, as JSON. It evaluates the rules by
itself, without orchestera_release.rules: what a link cannot tell is an exception, which ends that rule.
"""

import json
import sys

from samcli.yamlhelper import yaml_parse

from orchestera_release import link, product


class Unknown(Exception):
    """A parameter that you enter in the console, or that has no default."""


def decided(expressions, given, decisive):
    """Whether one of them has the decisive value. Raises Unknown if that depends on one that is not known."""
    is_unknown = False
    for one in expressions:
        try:
            if value(one, given) is decisive:
                return True
        except Unknown:
            is_unknown = True
    if is_unknown:
        raise Unknown
    return False


def value(node, given):
    if isinstance(node, list):
        return [value(one, given) for one in node]
    if not isinstance(node, dict):
        return str(node)
    ((name, of),) = node.items()
    if name == "Ref":
        if of not in given:
            raise Unknown(of)
        return given[of]
    return {
        "Fn::Equals": lambda: value(of[0], given) == value(of[1], given),
        "Fn::And": lambda: not decided(of, given, False),
        "Fn::Or": lambda: decided(of, given, True),
        "Fn::Not": lambda: not value(of[0], given),
        "Fn::Contains": lambda: value(of[1], given) in value(of[0], given),
        "Fn::EachMemberEquals": lambda: set(value(of[0], given)) <= {value(of[1], given)},
    }[name]()


def messages(template, chosen):
    given = {"AWS::Region": "us-east-1"}
    for name, parameter in template["Parameters"].items():
        text = chosen.get(name, parameter.get("Default"))
        if text is not None and (name in chosen or name not in link.NOT_IN_A_LINK):
            given[name] = str(text).split(",") if parameter["Type"] == "CommaDelimitedList" else str(text)
    for rule in template["Rules"].values():
        for one in rule["Assertions"]:
            try:
                if value(rule.get("RuleCondition", {"Fn::Equals": ["", ""]}), given) and not value(
                    one["Assert"], given
                ):
                    yield " ".join(one["AssertDescription"].split())
            except Unknown:
                continue


published = {kind: yaml_parse((product.folder() / name).read_text()) for kind, name in link.TEMPLATES.items()}
json.dump([list(messages(published[kind], chosen)) for kind, chosen in json.load(sys.stdin)], sys.stdout)
