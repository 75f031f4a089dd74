"""`make prove-aws` on the AWS on loopback: the run, its report, and what it refuses."""

import shutil

import pytest
from command_line import binary
from proving import RESPONSE_URL, Person

from orchestera_local import orchestera_platform
from orchestera_local.aws import SECRET_KEY
from orchestera_local.stack import Stack
from orchestera_release import product
from orchestera_release.proof import access, leftovers, preflight
from orchestera_release.proof.secrets import HIDDEN

PLATFORM_CLAIMS = [
    ("Who may assume the role", "the platform, with the external id: allowed"),
    ("Who may assume the role", "the platform, without an external id: denied"),
    ("Who may assume the role", "the platform, with a wrong external id: denied"),
    ("Suspend: AccessState = Suspended", "the platform, with the external id: denied"),
    ("Resume: AccessState = Active", "the platform, with the external id: allowed"),
]


@pytest.fixture
def person(account, tmp_path, dist):
    return Person(account, tmp_path, dist)


def add_platform(aws, person):
    """The profile `platform`: who Orchestera is in its own account. Returns its key."""
    credentials = orchestera_platform.caller(aws).credentials
    names = {"AccessKeyId": "aws_access_key_id", "SecretAccessKey": "aws_secret_access_key"}
    return person.add_profile("platform", {name: credentials[of] for name, of in names.items()})


@pytest.fixture(scope="module")
def proved(aws, dist, tmp_path_factory):
    """A run that proved everything, the platform's part too: by whom, what it showed, and the secrets that it knew."""
    person = Person(aws.account("117000000001"), tmp_path_factory.mktemp("proved"), dist)
    platform, before = add_platform(aws, person), person.has()
    run = person.begin("--platform-profile", "platform")
    assert run.end() == 0, run.shown
    assert person.has() == before
    secrets = [key[name] for key in (person.key, platform) for name in ("AccessKeyId", "SecretAccessKey")]
    return person, run.shown, secrets


@pytest.fixture(scope="module")
def proved_alone(aws, dist, tmp_path_factory):
    """The same without the platform."""
    person = Person(aws.account("117000000002"), tmp_path_factory.mktemp("proved_alone"), dist)
    run = person.begin()
    assert run.end() == 0, run.shown
    return person, run.shown


def test_the_command_line_itself_verifies_each_step(aws, dist, tmp_path):
    """The other runs have a stand-in for it, which notes how it is called."""
    person = Person(aws.account("117000000003"), tmp_path, dist)
    person.orchestera = binary()
    run = person.begin()
    assert run.end() == 0, run.shown
    assert person.report()["holds"] is True


def test_a_run_proves_every_claim_leaves_nothing_and_its_report_says_what_was_proved(proved):
    person, _, _ = proved
    report = person.report()
    assert (report["holds"], report["ended"], report["left"], report["not shown"]) == (True, "complete", [], [])
    assert (report["account"], report["release"]) == (person.account.id, product.VERSION)
    assert report["AWS"] == f"NOT THE REAL ONE: {person.account.endpoint}"
    claims = [(one["step"], one["claim"]) for one in report["claims"]]
    assert all(one["holds"] for one in report["claims"]) and set(PLATFORM_CLAIMS) <= set(claims)
    for step, edition in [("Create the stack, with", access.EDITIONS[0]), ("Update the stack to", access.EDITIONS[-1])]:
        assert (f"{step} edition {edition}", f"the policy is the published edition {edition}") in claims
    assert len(claims) == 36
    assert len(report["steps"]) == 7 and all(step["seconds"] > 0 for step in report["steps"])
    sums = (person.dist / product.SUMS).read_text()
    for name in (product.FLAT, product.CODE):
        assert f"{report['checksums'][name]}  {name}" in sums.splitlines()


def test_the_report_has_the_request_id_of_each_call_and_the_events_of_the_stack(proved):
    person, _, _ = proved
    report, (_, markdown) = person.report(), person.texts()
    requests = report["requests"]
    assert all(one["request id"] for one in requests)
    calls = [one["call"] for one in requests]
    for call, times in [("CreateStack", 1), ("UpdateStack", 3), ("DeleteStack", 1)]:
        assert calls.count(f"cloudformation:{call}") == times
    # By the profile once, by the platform in five claims.
    assert calls.count("sts:AssumeRole") == 6
    for one in requests:
        if one["call"] in ("cloudformation:CreateStack", "s3:DeleteBucket", "sts:AssumeRole"):
            assert one["request id"] in markdown
    events = [(one["resource"], one["status"]) for one in report["events"]]
    assert ("Access", "CREATE_COMPLETE") in events and (leftovers.STACK, "DELETE_COMPLETE") in events


def test_no_secret_is_in_the_report_nor_on_the_terminal(proved):
    person, shown, keys = proved
    (external_id,) = {secret for _, secret, _, _ in person.verified()}
    for text in [*person.texts(), shown]:
        for secret in [external_id, RESPONSE_URL, "X-Amz-", *keys]:
            assert secret not in text
    # It was there to be hidden: in the answer of the command line.
    answers = [one["answer"] for one in person.report()["verify"]]
    assert answers == 3 * [{"schema": 1, "trust": [f"sts:ExternalId={HIDDEN}", HIDDEN], HIDDEN: HIDDEN}]


def test_everything_that_is_created_is_named_before_with_the_cost(proved_alone):
    person, shown = proved_alone
    announced, asked, _ = shown.partition("Type the account id")
    assert asked and preflight.COST in announced.splitlines()
    lines = [line.strip() for line in announced.splitlines()]
    (upload,) = [one for one in person.report()["requests"] if one["call"] == "s3:CreateBucket"]
    assert upload["status"] == 200 and f"bucket {bucket_of(person)}, with the function's code and the template" in lines
    created = {(one["type"], one["resource"]) for one in person.report()["events"]}
    kinds = {
        "AWS::Lambda::Function": "function",
        "AWS::Logs::LogGroup": "log group",
        "AWS::IAM::Role": "role",
        "AWS::Scheduler::Schedule": "schedule",
        "AWS::CloudFormation::Stack": "stack",
    }
    parts = {"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Version", "AWS::IAM::Policy", "Custom::OrchesteraAccess"}
    assert {type_ for type_, _ in created} == kinds.keys() | parts
    for type_, resource in created:
        if type_ in kinds and resource != leftovers.STACK:
            assert f"{kinds[type_]} {leftovers.STACK}-{resource}-…" in lines
    assert f"stack {leftovers.STACK}, and in it:" in lines and "policy OrchesteraAccessPolicy" in lines
    assert any(line.startswith("role OrchesteraAccessRole") for line in lines)


def bucket_of(person):
    return person.report()["template"].rpartition(" ")[2]


def test_without_the_platforms_profile_the_report_says_what_was_not_shown(proved_alone):
    person, _ = proved_alone
    report = person.report()
    (not_shown,) = report["not shown"]
    assert not_shown.startswith("that the platform can assume the role.") and not_shown in person.texts()[1]
    assert not {claim for _, claim in PLATFORM_CLAIMS} & {one["claim"] for one in report["claims"]}


def test_orchestera_verify_is_run_with_the_profile_and_no_other_credentials(proved_alone):
    person, _ = proved_alone
    calls = person.verified()
    assert len(calls) == 3
    for arguments, _, environment, _ in calls:
        assert arguments == ["verify", "--profile", "mine", "--region", "us-east-1", "--output", "json"]
        credentials = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"}
        assert not credentials & set(environment) and "AWS_ENDPOINT_URL" in environment


def test_a_claim_that_does_not_hold_ends_with_1_and_everything_is_deleted_all_the_same(person):
    before = person.has()
    person.stand_in(status=1)
    run = person.begin()
    assert run.end() == 1
    assert person.has() == before
    report = person.report()
    wrong = [one["claim"] for one in report["claims"] if not one["holds"]]
    assert wrong == 3 * ["`orchestera verify` finds the role as it should be"]
    assert not report["holds"] and "NOT PROVED" in person.texts()[1]
    # What it said is shown, without the secret.
    assert f"`orchestera verify` ended with 1. asked for {HIDDEN}" in run.shown


def refused(person, *more, names, typed=None):
    """The text of a refusal, before anything was created and before anybody was asked."""
    before = person.has()
    run = person.begin(*more, typed=typed)
    assert run.end() == 1, run.shown
    assert person.has() == before and not person.reports.exists()
    assert names in run.shown and "Traceback" not in run.shown
    return run.shown


@pytest.mark.parametrize("typed", ["111122223334", "", "yes"])
def test_another_text_than_the_account_id_creates_nothing(person, typed):
    shown = refused(person, names="That is not the account ID. Nothing was created.", typed=typed)
    assert "Type the account id" in shown


def role(person):
    person.iam.create_role(RoleName="OrchesteraAccessRole", AssumeRolePolicyDocument='{"Version": "2012-10-17"}')
    return "has role OrchesteraAccessRole already. The proof changes nothing that it has not created."


def policy(person):
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}'
    person.iam.create_policy(PolicyName="OrchesteraAccessPolicy", PolicyDocument=document)
    return "has policy OrchesteraAccessPolicy already. The proof changes nothing that it has not created."


def stack(person):
    group = '{"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}'
    Stack(person.account, leftovers.STACK).create(group)
    return f"aws cloudformation delete-stack --stack-name {leftovers.STACK} --profile mine --region us-east-1\n"


def bucket(person):
    name = f"{leftovers.bucket_prefix(person.account.id)}0-us-east-1"
    person.account.client("s3").create_bucket(Bucket=name)
    return f"aws s3 rb s3://{name} --force --profile mine --region us-east-1\n"


def root(person):
    person.add_profile("root", {"AccessKeyId": person.account.id, "SecretAccessKey": SECRET_KEY})
    return "These are the credentials of the root user."


def management_account(person):
    person.account.client("organizations").create_organization(FeatureSet="ALL")
    return f"{person.account.id} is the management account of an organization"


def no_right_to_look(person):
    person.may_not("iam:ListPolicies")
    return "AWS refuses ListPolicies: AccessDenied. The proof needs an administrator's rights."


def another_platform(person):
    return f"The profile mine is of account {person.account.id}. The platform's account is 017059471480."


def unknown_key(person):
    person.add_profile("unknown", {"AccessKeyId": "AKIADUMMYDUMMYDUMMY0", "SecretAccessKey": "unknown"})
    return "AWS does not accept the profile unknown: "


REFUSALS = [
    ([], role),
    ([], policy),
    ([], stack),
    ([], bucket),
    (["--profile", "root"], root),
    ([], management_account),
    ([], no_right_to_look),
    (["--platform-profile", "mine"], another_platform),
    (["--profile", "unknown"], unknown_key),
    (["--profile", "nobody"], lambda _: "The profile nobody cannot be used"),
    (["--region", "eu-west-1"], lambda _: "The platform serves us-east-1 only, not eu-west-1."),
    (["--orchestera", "no-such-program"], lambda _: "no-such-program is not a program."),
    (["--dist", "no-such-folder"], lambda _: "There is no no-such-folder. Run `make dist` first."),
]


@pytest.mark.parametrize("options, prepare", REFUSALS, ids=lambda it: it.__name__ if callable(it) else " ".join(it))
def test_it_refuses_before_it_asks_or_creates_anything(person, options, prepare):
    shown = refused(person, *options, names=prepare(person))
    assert "Type the account id" not in shown


def test_it_refuses_files_that_are_not_those_of_the_checksums(person, tmp_path):
    person.dist = shutil.copytree(person.dist, tmp_path / "dist")
    (person.dist / product.CODE).write_bytes(b"another function")
    refused(person, names=f"{product.CODE} does not match {product.SUMS}.")


def test_whether_it_is_a_management_account_may_stay_unknown_and_the_report_says_so(person):
    person.may_not("organizations:DescribeOrganization")
    run = person.begin()
    assert run.end() == 0, run.shown
    assert person.report()["not shown"][0].startswith("whether this is a management account")
