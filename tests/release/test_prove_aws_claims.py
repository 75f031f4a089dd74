"""What `make prove-aws` claims: each claim fails alone, if that alone is not as it should be."""

import dataclasses
import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ReadTimeoutError
from proving import Person

from orchestera_release.product import code_sha256
from orchestera_release.proof import access, leftovers, release
from orchestera_release.proof.caller import Caller, Calls
from orchestera_release.proof.interruption import Interruption
from orchestera_release.proof.report import Record
from orchestera_release.proof.run import Proof
from orchestera_release.proof.secrets import Secrets

EXTERNAL_ID, STACK_ID = "dummy-external-id", "arn:aws:cloudformation:us-east-1:111122223333:stack/proof/1"
OUTPUTS = {"ExternalId": EXTERNAL_ID, "Verified": "true", "AccessState": "Active", "PolicyEdition": "2025-09-29"}
RIGHT = access.Access(
    role_id="AROA1",
    trust=access.trust("aws", EXTERNAL_ID),
    tags={"orchestera:stack-id": STACK_ID},
    boundary=None,
    attached=["OrchesteraAccessPolicy"],
    inline=[],
    document=access.edition("2025-09-29"),
)
SUSPENDED = dataclasses.replace(
    RIGHT, trust=access.trust("aws", EXTERNAL_ID, is_suspended=True), attached=[], inline=["OrchesteraSuspended"]
)
POLICIES = "attached policies: "


class Page:
    def __init__(self):
        self.failed, self.held = [], 0

    def claim(self, text, holds):
        self.held += bool(holds)
        self.failed += [] if holds else [text]


@pytest.fixture
def person(account, tmp_path, dist):
    return Person(account, tmp_path, dist)


@pytest.fixture
def proof():
    """Without an AWS. It does not wait for a claim that does not hold."""
    caller = SimpleNamespace(account="111122223333", partition="aws", region="us-east-1", client=lambda service: None)
    release = SimpleNamespace(template=lambda prefix: b"", code=b"code")
    proof = Proof(caller, None, release, "orchestera", Page(), Interruption(), patience=-1)
    proof.stack.id = STACK_ID
    return proof


@pytest.mark.parametrize("is_suspended", [False, True])
def test_a_role_as_it_should_be_fulfills_every_claim(proof, monkeypatch, is_suspended):
    monkeypatch.setattr(access, "read", lambda caller: SUSPENDED if is_suspended else RIGHT)
    outputs = OUTPUTS | {"AccessState": "Suspended" if is_suspended else "Active"}
    assert proof.claim_access(outputs, "2025-09-29", is_suspended) == (SUSPENDED if is_suspended else RIGHT)
    assert (proof.page.failed, proof.page.held) == ([], 5)


@pytest.mark.parametrize(
    "changed, claim",
    [
        ({"trust": access.trust("aws", "another-external-id")}, "the trust policy is the published one"),
        ({"trust": access.trust("aws", EXTERNAL_ID, True)}, "the trust policy is the published one"),
        ({"attached": []}, POLICIES),
        ({"attached": ["OrchesteraAccessPolicy", "AdministratorAccess"]}, POLICIES),
        ({"inline": ["OrchesteraSuspended"]}, POLICIES),
        ({"boundary": "arn:aws:iam::111122223333:policy/Boundary"}, POLICIES),
        ({"document": access.edition("2026-02-06")}, "the policy is the published edition 2025-09-29"),
        ({"tags": {}}, "the role's tags name this stack as its owner"),
        ({"tags": {"orchestera:stack-id": "another"}}, "the role's tags name this stack as its owner"),
    ],
)
def test_what_is_wrong_about_a_role_fails_one_claim(proof, monkeypatch, changed, claim):
    monkeypatch.setattr(access, "read", lambda caller: dataclasses.replace(RIGHT, **changed))
    proof.claim_access(OUTPUTS, "2025-09-29")
    (failed,) = proof.page.failed
    assert failed.startswith(claim) and proof.page.held == 4


@pytest.mark.parametrize("wrong", [RIGHT, dataclasses.replace(SUSPENDED, trust=RIGHT.trust)])
def test_a_role_that_is_not_suspended_fails_the_claims_of_a_suspended_one(proof, monkeypatch, wrong):
    monkeypatch.setattr(access, "read", lambda caller: wrong)
    proof.claim_access(OUTPUTS | {"AccessState": "Suspended"}, "2025-09-29", is_suspended=True)
    assert any(failed.startswith("the trust policy is the published one") for failed in proof.page.failed)


@pytest.mark.parametrize("wrong", [{"Verified": "false"}, {"AccessState": "Suspended"}, {"PolicyEdition": "other"}])
def test_outputs_that_say_something_else_fail_a_claim(proof, monkeypatch, wrong):
    monkeypatch.setattr(access, "read", lambda caller: RIGHT)
    proof.claim_access(OUTPUTS | wrong, "2025-09-29")
    assert [failed.partition(":")[0] for failed in proof.page.failed] == ["the stack's outputs say the same"]


@pytest.mark.parametrize(
    "code, days, state, claim",
    [
        (b"code", 90, "ENABLED", None),
        (b"other", 90, "ENABLED", "the function's code is orchestera-access.zip, by its checksum"),
        (b"code", None, "ENABLED", "its log is kept for 90 days"),
        (b"code", 90, "DISABLED", "the daily drift check is scheduled"),
    ],
)
def test_what_is_wrong_about_the_rest_of_the_stack_fails_one_claim(proof, code, days, state, claim):
    lambda_ = SimpleNamespace(get_function_configuration=lambda FunctionName: {"CodeSha256": code_sha256(code)})
    listed = {"logGroups": [{"retentionInDays": days} if days else {}], "Schedules": [{"State": state}]}
    proof.caller.client = lambda service: lambda_
    proof.caller.every = lambda service, operation, key, **request: listed[key]
    proof.stack.resource = lambda logical_id: logical_id
    proof.claim_resources()
    assert proof.page.failed == ([claim] if claim else [])


@pytest.mark.parametrize("service, operation", [("s3", "create_bucket"), ("cloudformation", "create_stack")])
def test_what_was_created_by_a_call_whose_answer_is_lost_is_deleted_too(person, monkeypatch, service, operation):
    for name, value in person.environment().items():
        monkeypatch.setenv(name, value)
    # The test's own clients could not be made with it.
    monkeypatch.delenv("AWS_PROFILE")
    before, calls = person.has(), Calls()
    caller = Caller("mine", "us-east-1", calls).identify()
    client = caller.client(service)
    create = getattr(client, operation)

    def lost(**request):
        create(**request)
        raise ReadTimeoutError(endpoint_url="https://aws.example")

    monkeypatch.setattr(client, operation, lost)
    page = Record(calls, Secrets())
    proof = Proof(caller, None, release.read(person.dist), str(person.orchestera), page, Interruption(), patience=1)
    with pytest.raises(ReadTimeoutError):
        proof.run()
    assert person.has() != before
    proof.clean_up()
    assert proof.left() == ([], []) and person.has() == before


def test_a_policy_that_somebody_attaches_meanwhile_fails_the_claims_that_come_after(person):
    (person.folder / "hang").touch()
    run = person.begin()
    run.until(lambda: (person.folder / "verified").exists())
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    person.iam.put_role_policy(RoleName=leftovers.ROLE, PolicyName="SomebodyElses", PolicyDocument=json.dumps(document))
    (person.folder / "hang").unlink()
    assert run.end() == 1, run.shown
    report = person.report()
    wrong = {
        (one["step"].partition(" ")[0], one["claim"].partition(":")[0]) for one in report["claims"] if not one["holds"]
    }
    assert {(step, "attached policies") for step in ("Suspend:", "Resume:", "Update")} <= wrong
    # The rest is right, and the role is deleted with what somebody put on it.
    assert {claim for _, claim in wrong} == {
        "attached policies",
        "role, trust policy and policy are what they were before",
    }
    assert report["left"] == [] and report["ended"] == "complete" and not report["holds"]
