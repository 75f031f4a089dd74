"""`orchestera verify` in each state of an account: what it claims, and its exit code."""

import json

import pytest

from orchestera_local import guide
from orchestera_local.stack import Stack, template
from orchestera_release import product, templates
from orchestera_release.template_text import text

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
OTHERS = "Others may assume it, too: see its trust policy."
TRUST = "Its trust policy is not as the stack wants."
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]})


@pytest.fixture
def verify(orchestera):
    """The report, the claims that do not hold, and the exit code."""

    def verify(account, *arguments):
        ran = orchestera(account, "verify", "--output", "json", *arguments)
        assert ran.returncode in (0, 1), ran.stderr
        report = json.loads(ran.stdout)
        return report, [claim["sentence"] for claim in report["claims"] if not claim["holds"]], ran.returncode

    return verify


def detach(iam, account):
    iam.detach_role_policy(RoleName=guide.ROLE, PolicyArn=f"arn:aws:iam::{account.id}:policy/{guide.POLICY}")


def sentences(report):
    return [claim["sentence"] for claim in report["claims"]]


@pytest.mark.parametrize("edition", ["2025-09-29", "2026-02-06"])
def test_an_edition_is_verified_with_what_the_policy_simulator_says(verify, account, edition):
    outputs = Stack(account).deploy(template(), PolicyEdition=edition)
    report, failing, code = verify(account)
    assert (report["state"], failing, code) == ("ready", [], 0)
    assert (report["edition"], report["release"]) == (edition, product.VERSION)
    assert (report["external_id"], report["role_arn"]) == (outputs["ExternalId"], outputs["RoleArn"])
    assert report["guardrail_arn"] is None and report["to_do"] == ""
    simulated = [sentence for sentence in sentences(report) if sentence.startswith("Policy simulator: ")]
    assert len(simulated) == 2 and simulated[0].endswith("actions of the edition are allowed."), simulated
    assert int(simulated[0].split()[2]) >= 6
    # The edition of 2026 grants all of IAM.
    assert ("iam:CreateUser" in simulated[1]) is (edition == "2025-09-29") and "dynamodb:Scan" in simulated[1]


def test_the_simulator_finds_what_a_boundary_takes_away_and_what_another_policy_gives(verify, account):
    iam = account.client("iam")
    Stack(account).deploy(template())
    iam.attach_role_policy(RoleName=guide.ROLE, PolicyArn=ADMINISTRATOR)
    _, failing, code = verify(account)
    foreign, allowed = failing
    assert code == 1 and foreign == f"Others put policies on the role: {ADMINISTRATOR}."
    assert allowed.startswith("Policy simulator: ") and "what no edition grants: account:CloseAccount, " in allowed
    assert verify(account, "--no-simulation")[1] == [foreign]
    iam.detach_role_policy(RoleName=guide.ROLE, PolicyArn=ADMINISTRATOR)
    boundary = iam.create_policy(PolicyName="Narrow", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=guide.ROLE, PermissionsBoundary=boundary)
    report, failing, code = verify(account)
    assert (failing, code) == ([f"Its permissions boundary is {boundary}. That is not what the stack wants."], 1)
    (limited,) = [sentence for sentence in sentences(report) if "The permissions boundary limits " in sentence]
    assert "ec2:RunInstances" in limited and "iam:PassRole" not in limited
    detach(iam, account)
    _, failing, _ = verify(account)
    assert "Denied: " in failing[-1] and "iam:PassRole" in failing[-1]


def test_what_the_guardrail_limits_is_no_failure(verify, account):
    Stack(account, capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]).deploy(template(), Guardrail="On")
    report, failing, code = verify(account)
    assert (report["state"], failing, code) == ("ready", [], 0)
    assert ":policy/orchestera-guardrail/" in report["guardrail_arn"]
    (limited,) = [sentence for sentence in sentences(report) if "The permissions boundary limits " in sentence]
    assert "iam:CreateRole" in limited and "ec2:" not in limited


def test_a_suspended_role_lets_nobody_in_and_grants_nothing(verify, account):
    Stack(account).deploy(template(), AccessState="Suspended")
    report, failing, code = verify(account)
    assert (report["state"], failing, code) == ("suspended", [], 1)
    said = sentences(report)
    assert "The platform, account 017059471480, cannot assume it: it is suspended." in said
    assert any("actions of the edition are allowed, because it is suspended." in sentence for sentence in said)
    assert report["to_do"].endswith("To open it, update the stack with AccessState=Active.")


def hands():
    iam_trust = "arn:aws:iam::444455556666:root"

    def open_to(principal):
        def change(iam, account):
            trust = iam.get_role(RoleName=guide.ROLE)["Role"]["AssumeRolePolicyDocument"]
            trust["Statement"].append({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
            iam.update_assume_role_policy(RoleName=guide.ROLE, PolicyDocument=json.dumps(trust))

        return change

    def inline(iam, account):
        iam.put_role_policy(RoleName=guide.ROLE, PolicyName="theirs", PolicyDocument=DOCUMENT)

    return {
        "another account": (open_to({"AWS": iam_trust}), [OTHERS, TRUST]),
        "everybody": (open_to("*"), [OTHERS, TRUST]),
        "detached": (detach, ["The policy is detached from the role."]),
        "an inline policy": (inline, ["Others put policies on the role: inline:theirs."]),
    }


@pytest.mark.parametrize("hand", hands())
def test_what_was_done_by_hand_fails_its_claims(verify, account, hand):
    Stack(account).deploy(template())
    change, expected = hands()[hand]
    change(account.client("iam"), account)
    report, failing, code = verify(account, "--no-simulation")
    assert (report["state"], failing, code) == ("drifted", expected, 1)


def test_nothing_is_a_claim_that_does_not_hold(verify, account):
    report, failing, code = verify(account)
    assert (report["state"], failing, code) == ("missing", [f"The role {guide.ROLE} does not exist."], 1)


def test_a_role_created_by_hand_is_ready_and_can_be_adopted(verify, account):
    guide.follow(account)
    report, failing, code = verify(account)
    assert (report["state"], failing, code) == ("ready", [], 0)
    assert (report["stack"], report["external_id"]) == (None, None)
    assert report["to_do"] == "It works, and was created by hand. You can create the stack, which adopts it."


def test_a_role_of_the_native_template_is_ready(verify, account):
    stack = Stack(account, capabilities=["CAPABILITY_NAMED_IAM"])
    stack.deploy(text(templates.native()), ExternalId="external-id")
    report, failing, code = verify(account)
    assert (report["state"], failing, code) == ("ready", [], 0)
    assert (report["external_id"], report["release"]) == ("external-id", "not stated")
    stack.update(text(templates.native()), ExternalId="external-id", AccessState="Suspended")
    report, failing, code = verify(account)
    assert (report["state"], failing, code) == ("suspended", [], 1)


def test_tags_that_were_removed_from_both_objects_are_drift_of_the_stack_of_that_name(verify, account):
    Stack(account).deploy(template())
    iam, arn = account.client("iam"), f"arn:aws:iam::{account.id}:policy/{guide.POLICY}"
    of_role = [tag["Key"] for tag in iam.list_role_tags(RoleName=guide.ROLE)["Tags"]]
    iam.untag_role(RoleName=guide.ROLE, TagKeys=of_role)
    iam.untag_policy(PolicyArn=arn, TagKeys=of_role)
    report, failing, code = verify(account, "--no-simulation")
    assert (report["state"], code) == ("drifted", 1)
    assert failing == [f"The tags of the {it} are not as the stack wants." for it in ("role", "policy")]


def test_a_member_accounts_role_is_verified_there_although_its_stack_is_in_the_management_account(
    verify, account, new_account, organization
):
    member = new_account()
    organization.join(member)
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "sts:AssumeRole"}],
    }
    iam = member.client("iam")
    iam.create_role(RoleName="OrganizationAccountAccessRole", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="OrganizationAccountAccessRole", PolicyArn=ADMINISTRATOR)
    outputs = Stack(account).deploy(template(), MemberAccountId=member.id)
    report, failing, code = verify(member)
    assert (report["state"], failing, code) == ("ready", [], 0)
    assert (report["stack"], report["external_id"]) == (None, outputs["ExternalId"])
    assert report["to_do"] == "The stack that the role's tags name was not found or cannot be read."
    # In the management account itself there is no role.
    assert verify(account)[0]["state"] == "missing"


def test_a_stack_that_failed_is_named_with_what_to_do(verify, account):
    stack = Stack(account)
    assert (
        stack.create(template(), PermissionsBoundaryArn=f"arn:aws:iam::{account.id}:policy/No") == "ROLLBACK_COMPLETE"
    )
    report, _, code = verify(account)
    assert (report["state"], code) == ("stack failed", 1)
    assert report["to_do"].endswith("Delete it and create it again.")
