"""No command writes, and every session that a command opens in an account can only read.

The role of such a session is an administrator. What limits it is the session policy that the command sends with
AssumeRole. It is taken from the call itself.
"""

import json
import re

import pytest
import states
from recording import Recording

from orchestera_local.organization import Organization
from orchestera_local.permissions import as_list, is_allowed
from orchestera_local.stack_set import StackSet

ROLE, POLICY = states.ROLE, states.POLICY
# What begins an operation that changes nothing. AssumeRole opens a session.
READS = re.compile(r"(Get|List|Describe|Simulate)[A-Z]\w*|AssumeRole")
# Longer ones are refused. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
LONGEST = 2048
TEMPLATE = json.dumps({"Resources": states.HANDLE})
DOCUMENT = json.dumps(states.EVERYTHING)


def member_of(management, account, state):
    """An account in a state that the management account may enter."""
    state(account)
    states.enterable(account, management)
    return account


@pytest.fixture
def caller(account):
    """An administrator of the management account."""
    user = states.User(account)
    user.may(states.EVERYTHING)
    return user.account


def session_policies(recording):
    """Those that the command sent."""
    opened = [call.request for call in recording.calls if call.operation == "AssumeRole"]
    assert all(request["RoleArn"].endswith(f":role/{states.ENTRY}") for request in opened)
    return [json.loads(request["Policy"]) for request in opened]


COMMANDS = {
    "status": lambda member: ["status", "--output", "json", "--accounts", member.id],
    "plan": lambda member: ["plan", "--output", "json", "--set", f"MemberAccountId={member.id}"],
    "preflight": lambda member: ["preflight", "--set", f"MemberAccountId={member.id}"],
}


@pytest.fixture
def opened(orchestera, aws, account, caller, new_account):
    """A member account, and the session that a command opens in it: the same role with the same session policy."""

    def opened(command, state=states.deployed):
        member = member_of(account, new_account(), state)
        trust = json.dumps(states.guide.trust(principal=member.id))
        member.client("iam").create_role(RoleName="Other", AssumeRolePolicyDocument=trust)
        with Recording(aws.endpoint) as recording:
            answer = orchestera(recording.of(caller), *COMMANDS[command](member))
        assert answer.returncode in (0, 1), answer.stderr
        policy, *others = session_policies(recording)
        assert all(other == policy for other in others) and len(json.dumps(policy)) <= LONGEST
        role = f"arn:aws:iam::{member.id}:role/{states.ENTRY}"
        return member, caller.assume(role, Policy=json.dumps(policy)), caller.assume(role)

    return opened


def arn_of(account):
    return f"arn:aws:iam::{account.id}:policy/{POLICY}"


def writes(account):
    """Every write of the function, and others with which an account is taken over: service, operation, request."""
    role, policy = {"RoleName": ROLE}, {"PolicyArn": arn_of(account)}
    tags = {"Tags": [{"Key": "it", "Value": "it"}]}
    yield from (("iam", operation, request) for operation, request in of_the_function(role, policy, tags))
    yield from [
        ("iam", "create_user", {"UserName": "somebody"}),
        ("iam", "create_access_key", {"UserName": "somebody"}),
        ("iam", "create_login_profile", {"UserName": "somebody", "Password": "correct-horse-battery-1"}),
        ("iam", "create_account_alias", {"AccountAlias": "another"}),
        ("iam", "create_service_linked_role", {"AWSServiceName": "spot.amazonaws.com"}),
        ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{account.id}:role/Other", "RoleSessionName": "onwards"}),
        ("s3", "create_bucket", {"Bucket": f"bucket-of-{account.id}"}),
        (
            "cloudformation",
            "create_stack",
            {"StackName": "it", "TemplateBody": json.dumps({"Resources": states.HANDLE})},
        ),
        ("cloudformation", "delete_stack", {"StackName": "orchestera-access"}),
        ("cloudformation", "update_stack", {"StackName": "orchestera-access", "UsePreviousTemplate": True}),
        ("lambda", "invoke", {"FunctionName": "any"}),
        ("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}),
        ("sqs", "create_queue", {"QueueName": "it"}),
        ("organizations", "leave_organization", {}),
    ]


def of_the_function(role, policy, tags):
    named = {"PolicyName": "inline"}
    return [
        ("create_role", {"RoleName": "New", "AssumeRolePolicyDocument": DOCUMENT}),
        ("update_assume_role_policy", role | {"PolicyDocument": DOCUMENT}),
        ("update_role", role | {"MaxSessionDuration": 7200}),
        ("put_role_permissions_boundary", role | {"PermissionsBoundary": states.ADMINISTRATOR}),
        ("delete_role_permissions_boundary", role),
        ("tag_role", role | tags),
        ("untag_role", role | {"TagKeys": ["it"]}),
        ("attach_role_policy", role | {"PolicyArn": states.ADMINISTRATOR}),
        ("detach_role_policy", role | policy),
        ("put_role_policy", role | named | {"PolicyDocument": DOCUMENT}),
        ("delete_role_policy", role | named),
        ("delete_role", role),
        ("create_policy", {"PolicyName": "New", "PolicyDocument": DOCUMENT}),
        ("create_policy_version", policy | {"PolicyDocument": DOCUMENT}),
        ("set_default_policy_version", policy | {"VersionId": "v1"}),
        ("delete_policy_version", policy | {"VersionId": "v2"}),
        ("tag_policy", policy | tags),
        ("untag_policy", policy | {"TagKeys": ["it"]}),
        ("delete_policy", policy),
    ]


def may(session, service, operation, request):
    return is_allowed(getattr(session.client(service), operation), **request)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_session_of_an_administrator_can_write_nothing(opened, command):
    member, session, administrator = opened(command)
    # The session policy is what denies: the same role without it may.
    assert may(administrator, "iam", "tag_role", {"RoleName": ROLE, "Tags": [{"Key": "it", "Value": "it"}]})
    for service, operation, request in writes(member):
        assert not may(session, service, operation, request), (service, operation)
    # What it does not read of the account is not shown to it either.
    for service, operation, request in [
        ("iam", "list_users", {}),
        ("iam", "get_role", {"RoleName": states.ENTRY}),
        ("s3", "list_buckets", {}),
        ("secretsmanager", "list_secrets", {}),
    ]:
        assert not may(session, service, operation, request), (service, operation)


def test_a_session_can_read_role_policy_and_stack(opened):
    member, session, _ = opened("status", states.suspended)
    role, policy = {"RoleName": ROLE}, {"PolicyArn": arn_of(member)}
    iam = session.client("iam")
    iam.get_role(**role)
    iam.list_attached_role_policies(**role)
    (name,) = iam.list_role_policies(**role)["PolicyNames"]
    iam.get_role_policy(**role, PolicyName=name)
    iam.list_instance_profiles_for_role(**role)
    iam.get_policy(**policy)
    iam.get_policy_version(**policy, VersionId="v1")
    iam.list_policy_versions(**policy)
    iam.list_entities_for_policy(**policy)
    session.client("cloudformation").describe_stacks(StackName="orchestera-access")


def test_a_session_may_read_what_status_or_plan_reads_and_nothing_more(orchestera, aws, account, caller, new_account):
    used, granted = set(), set()
    member = member_of(account, new_account(), states.nothing)
    stack = states.Stack(account)
    stack.deploy(states.template(), MemberAccountId=member.id)
    others = [member_of(account, new_account(), state) for state in (states.suspended, states.by_hand)]
    ids = ",".join(one.id for one in others)
    for arguments in (["plan", "--delete"], ["plan", "--set", "AccessState=Suspended"], ["status", "--accounts", ids]):
        with Recording(aws.endpoint) as recording:
            answer = orchestera(recording.of(caller), *arguments)
        assert answer.returncode in (0, 1), answer.stderr
        own = caller.credentials["aws_access_key_id"]
        used |= {call.action for call in recording.calls if call.access_key != own}
        for policy in session_policies(recording):
            granted |= {action for statement in policy["Statement"] for action in as_list(statement["Action"])}
    assert used == granted


STATES = {
    "nothing": states.nothing,
    "deployed": states.deployed,
    "suspended": states.suspended,
    "drifted": states.drifted,
    "by-hand": states.by_hand,
    "with-path": states.with_path,
    "failed": states.failed,
}


def commands(account, member):
    """Every command that calls AWS."""
    yield ["preflight"]
    yield ["preflight", "--set", f"MemberAccountId={member.id}"]
    yield ["preflight", "--organization", "--set", "AccountEmail=spark@example.com", "--set", "BreakGlassUser=On"]
    yield ["plan"]
    for parameter in ("PolicyEdition=2026-02-06", "AccessState=Suspended", "OnExisting=Fail", "Guardrail=On"):
        yield ["plan", "--set", parameter]
    yield ["plan", "--delete"]
    yield ["plan", "--stack-name", "another", "--set", f"MemberAccountId={member.id}"]
    yield ["verify"]
    yield ["status"]
    yield ["status", "--accounts", f"{account.id},{member.id}"]
    yield ["status", "--stack-set", "orchestera-access"]
    yield ["console"]
    yield ["console", "Spark"]
    yield ["console", member.id]


def organized(account, member):
    """An organization with a StackSet and a member."""
    organization = Organization(account)
    unit = organization.unit("Workloads")
    organization.join(member, unit)
    stack_set = StackSet(account)
    stack_set.create({"Resources": states.HANDLE})
    stack_set.deploy(DeploymentTargets={"OrganizationalUnitIds": [unit]})


@pytest.mark.parametrize("state", STATES)
def test_no_command_writes_in_any_state(orchestera, aws, account, caller, new_account, state):
    STATES[state](account)
    member = member_of(account, new_account(), STATES[state])
    organized(account, member)
    opened = 0
    for arguments in commands(account, member):
        with Recording(aws.endpoint) as recording:
            orchestera(recording.of(caller), *arguments)
        # Every command asks first who it is.
        assert "sts:GetCallerIdentity" in recording.actions(), arguments
        for call in recording.calls:
            assert READS.fullmatch(call.operation), (arguments, call.action)
            if call.operation == "AssumeRole":
                opened += 1
                assert json.loads(call.request["Policy"])["Statement"], arguments
    assert opened >= 4


def test_without_the_session_policy_none_of_these_writes_is_denied(opened):
    member, _, administrator = opened("status")
    for service, operation, request in writes(member):
        assert may(administrator, service, operation, request), (service, operation)
