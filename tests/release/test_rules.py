"""What a template's Rules forbid: evaluated by `make link`, and by the launch page from the same data."""

import json
import shutil

import pytest
from samcli.yamlhelper import yaml_parse

from orchestera_release import link, product, rules, templates
from orchestera_site import choices

ONE_BOUNDARY = (
    'A role has one boundary. Set Guardrail to "Off" to use yours, or leave PermissionsBoundaryArn and '
    "PermissionsBoundaryName blank."
)


def template(assertion, condition=None, **parameters):
    rule = {"Assertions": [{"Assert": assertion, "AssertDescription": "It is\n  forbidden."}]}
    if condition is not None:
        rule["RuleCondition"] = condition
    defaults = {"A": {"Type": "String", "Default": "a"}, "Unknown": {"Type": "String"}}
    defaults["List"] = {"Type": "CommaDelimitedList", "Default": "x, y"}
    defaults["Number"] = {"Type": "Number", "Default": 7}
    return {"Parameters": defaults | parameters, "Rules": {"OfATest": rule}}


IS_A, IS_B = ({"Fn::Equals": [{"Ref": "A"}, one]} for one in "ab")
NOT_KNOWN = {"Fn::Equals": [{"Ref": "Unknown"}, "u"]}
HOLDS = [
    IS_A,
    {"Fn::Not": [IS_B]},
    {"Fn::And": [IS_A, IS_A]},
    {"Fn::Or": [IS_B, IS_A]},
    {"Fn::Contains": [["a", "c"], {"Ref": "A"}]},
    {"Fn::Contains": [{"Ref": "List"}, "y"]},
    {"Fn::EachMemberEquals": [["a", "a"], {"Ref": "A"}]},
    {"Fn::Equals": [{"Ref": "Number"}, 7]},
    {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
    {"Fn::Equals": [True, "true"]},
]
# It cannot be told, so that it forbids nothing, and neither does its contrary.
CANNOT_BE_TOLD = [
    NOT_KNOWN,
    {"Fn::And": [IS_A, NOT_KNOWN]},
    {"Fn::Or": [IS_B, NOT_KNOWN]},
    {"Fn::Contains": [["a", {"Ref": "Unknown"}], "b"]},
    {"Fn::EachMemberEquals": [["a"], {"Ref": "Unknown"}]},
    {"Fn::Equals": [{"Ref": "AWS::AccountId"}, "111122223333"]},
]


@pytest.mark.parametrize("expression", HOLDS)
def test_each_function_is_evaluated_and_so_is_its_contrary(expression):
    assert list(rules.forbidden(template(expression), {}, "us-east-1")) == []
    assert list(rules.forbidden(template({"Fn::Not": [expression]}), {}, "us-east-1")) == ["It is forbidden."]


@pytest.mark.parametrize("expression", CANNOT_BE_TOLD)
def test_what_depends_on_what_is_not_known_forbids_nothing(expression):
    for one in (expression, {"Fn::Not": [expression]}):
        assert list(rules.forbidden(template(one), {}, "us-east-1")) == []
        assert list(rules.forbidden(template(IS_B, condition=one), {}, "us-east-1")) == []


def test_one_that_decides_is_enough_whatever_is_not_known_beside_it():
    for decided in ({"Fn::And": [IS_B, NOT_KNOWN]}, {"Fn::Not": [{"Fn::Or": [NOT_KNOWN, IS_A]}]}):
        assert list(rules.forbidden(template(decided), {}, "us-east-1")) == ["It is forbidden."]


def test_a_rule_is_evaluated_by_its_condition_and_by_what_is_given():
    one = template(IS_A, condition={"Fn::Equals": [{"Ref": "Unknown"}, "u"]})
    assert list(rules.forbidden(one, {"A": "b"}, "us-east-1")) == []
    assert list(rules.forbidden(one, {"A": "b", "Unknown": "v"}, "us-east-1")) == []
    assert list(rules.forbidden(one, {"A": "b", "Unknown": "u"}, "us-east-1")) == ["It is forbidden."]
    assert list(rules.forbidden(one, {"A": "a", "Unknown": "u"}, "us-east-1")) == []


CANNOT_BE_EVALUATED = [
    ({"Fn::EachMemberIn": [{"Ref": "List"}, ["x"]]}, "uses Fn::EachMemberIn"),
    ({"Fn::ValueOf": ["A", "Tags"]}, "uses Fn::ValueOf"),
    ({"Fn::Not": [{"Fn::If": ["A", "b", "c"]}]}, "uses Fn::If"),
    ({"Condition": "IsA"}, "uses Condition"),
    ({"Fn::Equals": [{"Ref": "Nothing"}, "a"]}, "refers to Nothing"),
    ({"Fn::Equals": ["a"]}, "wrong arguments"),
    ({"Fn::Equals": ["a", "b"], "Fn::Not": [IS_A]}, "where one function is expected"),
    ({"Ref": "A"}, "where a condition is expected"),
    ({"Fn::And": [IS_A, "true"]}, "where a condition is expected"),
]


@pytest.mark.parametrize("expression, reason", CANNOT_BE_EVALUATED)
def test_what_cannot_be_evaluated_is_refused_and_not_ignored(expression, reason):
    for one in (template(expression), template(IS_A, condition=expression)):
        with pytest.raises(product.Refused, match=f"The rule OfATest .*{reason}"):
            list(rules.forbidden(one, {}, "us-east-1"))
        with pytest.raises(product.Refused, match=reason):
            rules.for_the_page(one, "us-east-1")


def test_a_rule_without_a_message_or_with_an_unknown_part_is_refused():
    for change in ({"Else": []}, {"Assertions": [{"Assert": IS_A}]}):
        one = template(IS_A)
        one["Rules"]["OfATest"] |= change
        with pytest.raises(product.Refused, match="Else|AssertDescription"):
            list(rules.rules_of(one))


def test_no_page_is_made_of_a_template_with_a_rule_that_it_cannot_evaluate(dist, tmp_path):
    folder = shutil.copytree(dist, tmp_path / "changed")
    path = folder / product.FLAT
    assert path.read_text().count("Fn::Contains:") == 1
    path.write_text(path.read_text().replace("Fn::Contains:", "Fn::ValueOfAll:"))
    with pytest.raises(product.Refused, match="The rule ServedRegion uses Fn::ValueOfAll"):
        choices.all_choices(folder, "a-prefix")


@pytest.mark.parametrize("kind, file", link.TEMPLATES.items())
def test_the_rules_are_read_alike_with_the_short_forms_of_yaml_and_without(kind, file, dist):
    short = link.template(kind, product.BUCKET_PREFIX)
    written = yaml_parse((dist / file).read_text())
    assert list(rules.rules_of(short)) == list(rules.rules_of(written))
    assert [len(one["assertions"]) for one in rules.rules_of(short)] == [
        len(one["Assertions"]) for one in written["Rules"].values()
    ]
    # The page gets it as JSON.
    data = rules.for_the_page(short, "us-east-1", entered=link.NOT_IN_A_LINK)
    assert json.loads(json.dumps(data)) == data and not data["known"].keys() & link.NOT_IN_A_LINK
    # With every default, and nothing else known, nothing is forbidden. What the console asks for may be anything.
    assert list(rules.forbidden(short, {}, "us-east-1", entered=link.NOT_IN_A_LINK)) == []


def test_of_what_is_entered_in_the_console_nothing_is_known_before():
    one = template({"Fn::And": [IS_B, NOT_KNOWN]})
    assert list(rules.forbidden(one, {}, "us-east-1")) == ["It is forbidden."]
    assert list(rules.forbidden(one, {}, "us-east-1", entered={"A"})) == []
    assert list(rules.forbidden(one, {"A": "a"}, "us-east-1", entered={"A"})) == ["It is forbidden."]


@pytest.mark.parametrize("kind", ["flat", "stack-set"])
def test_make_link_refuses_what_a_rule_forbids_in_the_words_of_the_rule(kind):
    both = {"Guardrail": "On", "PermissionsBoundaryName": "x"}
    with pytest.raises(product.Refused) as refused:
        link.quick_create(kind, parameters=both, prefix="a-prefix")
    assert str(refused.value) == ONE_BOUNDARY
    assert ONE_BOUNDARY in {
        " ".join(one["AssertDescription"].split())
        for rule in yaml_parse(templates.SAM.read_text())["Rules"].values()
        for one in rule["Assertions"]
    }
    for name in both:
        assert f"param_{name}=" in link.quick_create(kind, parameters={name: both[name]}, prefix="a-prefix")
    assert link.quick_create(kind, parameters=both | {"Guardrail": "Off"}, prefix="a-prefix")
