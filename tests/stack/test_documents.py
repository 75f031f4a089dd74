"""The documents against the template that they speak of."""

import re

from samcli.yamlhelper import yaml_parse
from under_test import actions

from orchestera_local.stack import ROOT
from orchestera_release import templates

ADMIN, GUIDE = "docs/admin.md", "docs/organization.md"


def organization():
    return yaml_parse((ROOT / "organization.yaml").read_text())


def table(document, heading):
    """The rows of the first table under a heading: lists of cells."""
    section = (ROOT / document).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    return rows[2:]


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_the_guide_of_one_account_lists_every_parameter_with_its_default(template):
    listed = {code(name)[0]: (code(default) or [""])[0] for name, default, _ in table(ADMIN, "Parameters")}
    assert listed == {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()}


def test_the_guide_of_one_account_lists_every_output(template):
    assert [code(name)[0] for name, _ in table(ADMIN, "Outputs")] == list(template["Outputs"])


def test_the_security_document_gives_a_reason_for_every_action_of_the_functions_role(template):
    rows = table("docs/security.md", "What the function may do")
    assert sorted(action for cell, _ in rows for action in code(cell)) == sorted(actions(template))
    assert all(reason for _, reason in rows)


def test_the_guide_of_the_management_account_lists_every_parameter_of_its_own_with_its_default(template):
    own = {name: it for name, it in organization()["Parameters"].items() if name not in template["Parameters"]}
    listed = {code(name)[0]: (code(default) or [""])[0] for name, default, _ in table(GUIDE, "Parameters")}
    # The role is looked for in another account there too, but the guide's reader has to know of it.
    assert listed.pop("MemberRoleName") == "OrganizationAccountAccessRole"
    assert listed == {name: str(parameter["Default"]) for name, parameter in own.items()}
    introduction = (ROOT / GUIDE).read_text().split("\n## Parameters\n")[1].split("|")[0]
    assert set(code(introduction)) == set(template["Parameters"]) - set(organization()["Parameters"])


def test_the_guide_of_the_management_account_lists_every_output():
    assert [name for cell, _ in table(GUIDE, "Outputs") for name in code(cell)] == list(organization()["Outputs"])


def test_the_security_document_gives_a_reason_for_every_action_of_the_organization_functions_role():
    rows = table("docs/security.md", "What the organization function may do")
    assert sorted(action for cell, _ in rows for action in code(cell)) == actions(organization())
    assert all(reason for _, reason in rows)


def test_the_security_document_names_what_the_organization_function_never_holds():
    held = set(actions(organization()))
    sentence = (ROOT / "docs/security.md").read_text().split("It never has these: ")[1].split(";")[0]
    never = {f"organizations:{name.removeprefix('organizations:')}" for name in code(sentence)}
    assert len(never) == 5 and not held & never
    assert not [action for action in held if action.startswith("sts:") or "*" in action]
    writes = [action for action in held if action.startswith("iam:") and not action.startswith("iam:Get")]
    assert writes == ["iam:CreateServiceLinkedRole"]


def test_the_runbook_has_every_message_of_the_templates_own_rules(template):
    all_of_them = [template, *templates.published("a-prefix").values()]
    rules = [
        one["AssertDescription"] for it in all_of_them for rule in it["Rules"].values() for one in rule["Assertions"]
    ]
    patterns = [parameter.get("ConstraintDescription") for it in all_of_them for parameter in it["Parameters"].values()]
    messages = [row[0] for row in table("docs/troubleshooting.md", "Before anything is created: the template's rules")]
    assert set(messages) == {" ".join(message.split()) for message in rules + patterns if message}
