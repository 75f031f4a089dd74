"""`orchestera permissions` prints the least policy of each command.

With exactly that policy, the command says what it says to an administrator. Without any one action of it, or any one of
several resources, something is lost.
"""

import copy
import json

import pytest
import states
from assigning import Center
from recording import Recording

from orchestera_local.organization import Organization
from orchestera_local.permissions import as_list
from orchestera_local.stack_set import StackSet

# A managed policy has at most so many characters.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST = 6144
CONTACT = "Ann Lee; Head of Finance; billing@example.com; +1 555 0100"


class Scene:
    """A command that is run as a caller in an account, and what it says then."""

    def __init__(self, orchestera, caller, *arguments):
        self.orchestera, self.caller, self.arguments = orchestera, caller, arguments

    def says(self, document):
        """With that policy."""
        self.caller.may(document)
        answer = self.orchestera(self.caller.account, *self.arguments)
        # The function makes some calls at once. Which of them a plan names first is chance.
        return answer.returncode, sorted(answer.stdout.splitlines()), answer.stderr

    def calls(self, document):
        """The actions of its calls."""
        self.caller.may(document)
        with Recording(self.caller.account.endpoint) as recording:
            self.orchestera(recording.of(self.caller.account), *self.arguments)
        return set(recording.actions())


@pytest.fixture
def scenes(orchestera, new_account):
    """In an account of its own, in a state. With `member`, beside an account that may be entered."""

    def scene(state, *arguments, caller=states.User):
        account = new_account()
        state(account)
        arguments = [argument.format(account=account.id) for argument in arguments]
        return Scene(orchestera, caller(account), *arguments)

    return scene


@pytest.fixture
def of_plan(scenes, new_account):
    member = new_account()

    def management(account):
        states.nothing(account)
        states.enterable(member, account)

    return [
        scenes(states.nothing, "plan"),
        scenes(states.suspended, "plan", "--set", "PolicyEdition=2026-02-06"),
        scenes(states.by_hand, "plan", "--set", "PermissionsBoundaryName=Boundary"),
        scenes(states.drifted, "plan", "--delete"),
        scenes(states.with_path, "plan"),
        scenes(management, "plan", "--set", f"MemberAccountId={member.id}"),
    ]


@pytest.fixture
def of_preflight(scenes, new_account):
    member = new_account()

    def management(account):
        states.nothing(account)
        states.enterable(member, account)
        Organization(account)

    preflight = ["preflight", "--output", "ndjson"]
    return [
        scenes(states.nothing, *preflight),
        scenes(states.nothing, *preflight, caller=states.RoleSession),
        scenes(states.suspended, *preflight, "--set", "PolicyEdition=2026-02-06"),
        scenes(states.by_hand, *preflight, "--set", "FunctionPermissionsBoundaryName=Boundary"),
        scenes(states.with_path, *preflight),
        scenes(management, *preflight, "--set", f"MemberAccountId={member.id}"),
    ]


@pytest.fixture
def of_verify(scenes):
    """As a table, which has all that JSON has but the reason of the stack's status."""
    return [
        scenes(states.nothing, "verify"),
        scenes(states.deployed, "verify"),
        scenes(states.suspended, "verify"),
        scenes(states.by_hand, "verify"),
        scenes(states.with_path, "verify"),
    ]


@pytest.fixture
def of_status(orchestera, scenes, new_account):
    management, members = new_account(), [new_account(), new_account()]
    states.suspended(management)
    organization = Organization(management)
    unit = organization.unit("Workloads")
    for account, parent in zip(members, (unit, organization.unit("Spark", unit)), strict=True):
        states.enterable(account, management)
        organization.join(account, parent)
    stack_set = StackSet(management)
    stack_set.create({"Resources": states.HANDLE})
    stack_set.deploy(DeploymentTargets={"OrganizationalUnitIds": [unit]})
    caller = states.User(management)
    choices = [[], ["--organizational-unit", unit], ["--stack-set", stack_set.name]]
    in_organization = [Scene(orchestera, caller, "status", "--output", "json", *choice) for choice in choices]
    of_itself = ["status", "--output", "json", "--accounts", "{account}"]
    return [*in_organization, scenes(states.by_hand, *of_itself), scenes(states.with_path, *of_itself)]


@pytest.fixture
def of_console(orchestera, new_account):
    management = new_account()
    states.nothing(management)
    Organization(management)
    link = {"SwitchRoleUrl": {"Value": "https://signin.aws.amazon.com/switchrole?account=111122223333"}}
    stack = states.Stack(management, "orchestera-organization")
    stack.deploy(json.dumps({"Resources": states.HANDLE, "Outputs": link}))
    caller = states.User(management)
    (listed,) = management.client("organizations").list_accounts()["Accounts"]
    commands = [["console"], ["console", listed["Name"]], ["console", "111122223333"]]
    return [Scene(orchestera, caller, *command) for command in commands]


def furnished(account):
    """A management account in whose organization there is something of all that the checks look at."""
    states.nothing(account)
    organization = Organization(account)
    account.client("organizations").enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
    stack_set = StackSet(account)
    stack_set.create(
        {"Resources": states.HANDLE}, AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": False}
    )
    stack_set.deploy(DeploymentTargets={"OrganizationalUnitIds": [organization.unit("Elsewhere")]})
    denial = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:None", "Resource": "*"}]}
    policy = account.client("organizations").create_policy(
        Name="it", Description="it", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(denial)
    )["Policy"]["PolicySummary"]["Id"]
    account.client("organizations").attach_policy(PolicyId=policy, TargetId=organization.root)
    return organization


def with_paths(account):
    """The same, and the group and both roles are there, with a path."""
    furnished(account)
    iam, trust = account.client("iam"), json.dumps(states.guide.trust())
    iam.create_group(GroupName="orchestera-admin-group", Path="/teams/")
    for name in ("mgmt-org-admin", "AWSControlTowerAdmin"):
        iam.create_role(RoleName=name, Path="/teams/", AssumeRolePolicyDocument=trust)


def with_identity_center(account):
    states.nothing(account)
    Organization(account)
    center = Center(account)
    ann = center.user("ann")
    center.group("admins", ann)
    account_set = center.permission_set("AdministratorAccess")
    center.assign(account.id, account_set, ann)


def with_organization_stack(account):
    """The parameters alone decide what `preflight` makes of an existing stack."""
    states.nothing(account)
    Organization(account)
    email = {"AccountEmail": {"Type": "String"}}
    stack = states.Stack(account, "orchestera-organization")
    stack.deploy(json.dumps({"Parameters": email, "Resources": states.HANDLE}), AccountEmail="spark@example.com")


def unit_of(account):
    organizations = account.client("organizations")
    (root,) = organizations.list_roots()["Roots"]
    return organizations.create_organizational_unit(ParentId=root["Id"], Name="Workloads")["OrganizationalUnit"]["Id"]


@pytest.fixture
def of_preflight_organization(orchestera, new_account):
    def scene(state, **parameters):
        account = new_account()
        state(account)
        if parameters.pop("in_unit", False):
            parameters["OrganizationalUnitId"] = unit_of(account)
        sets = [word for name, value in parameters.items() for word in ("--set", f"{name}={value}")]
        return Scene(orchestera, states.User(account), "preflight", "--organization", *sets)

    email = {"AccountEmail": "spark@example.com"}
    everything = email | {"AdminGroup": "Use", "AdminUserNames": "ann", "BreakGlassUser": "On", "BootstrapRole": "On"}
    everything |= {"BillingContact": CONTACT, "AccessIn": "Spark", "in_unit": True}
    center = email | {"SignIn": "IdentityCenter", "PermissionSet": "Use", "AdminGroup": "None"}
    return [
        scene(states.nothing, **email),
        scene(furnished, **everything),
        scene(with_paths, **everything),
        scene(with_identity_center, IdentityCenterPrincipal="user:ann", **center),
        scene(with_identity_center, IdentityCenterPrincipal="group:admins", **center),
        scene(with_organization_stack),
    ]


COMMANDS = ["plan", "preflight", "verify", "status", "console", "preflight-organization"]


@pytest.fixture
def prepared(request, command):
    return request.getfixturevalue(f"of_{command.replace('-', '_')}")


@pytest.fixture
def policy(orchestera, account, command):
    answer = orchestera(account, "permissions", command)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def without(policy, sid, part, value):
    """The policy without this action or this resource in one statement."""
    changed = copy.deepcopy(policy)
    (statement,) = [one for one in changed["Statement"] if one["Sid"] == sid]
    statement[part] = [one for one in as_list(statement[part]) if one != value]
    changed["Statement"] = [one for one in changed["Statement"] if one["Action"] and one["Resource"]]
    return changed


def parts(policy):
    """Every action of every statement, and every resource where there are several."""
    for statement in policy["Statement"]:
        yield from ((statement["Sid"], "Action", action) for action in as_list(statement["Action"]))
        if len(resources := as_list(statement["Resource"])) > 1:
            yield from ((statement["Sid"], "Resource", resource) for resource in resources)


def about_you(said):
    """What `preflight` says of the caller's own permissions, and the rest."""
    _, output, errors = said
    checks = [json.loads(line) for line in output]
    of_caller = [check for check in checks if check["subject"] == "your permissions"]
    return of_caller, (errors, [check for check in checks if check not in of_caller])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works_with_exactly_its_policy_and_needs_each_action_and_resource(prepared, policy, command):
    assert len(json.dumps(policy, separators=(",", ":"))) <= LONGEST
    complete = []
    for scene in prepared:
        everything, least = scene.says(states.EVERYTHING), scene.says(policy)
        if command == "preflight":
            (of_administrator,), everything = about_you(everything)
            (of_reader,), rest = about_you(least)
            # IAM's policy simulator answers, and tells an administrator from who may only read.
            assert (of_administrator["severity"], of_reader["severity"]) == ("fine", "failure"), of_reader
            assert "cloudformation:CreateStack" in of_reader["sentence"] and rest == everything, scene.arguments
        else:
            assert least == everything, scene.arguments
        complete.append((scene, scene.calls(policy), least))
    called = set().union(*(calls for _, calls, _ in complete))
    assert called >= {action for _, part, action in parts(policy) if part == "Action"}, "nothing calls the rest"

    def is_needed(sid, part, value):
        changed = without(policy, sid, part, value)
        return any(
            scene.says(changed) != least for scene, calls, least in complete if part == "Resource" or value in calls
        )

    needless = [part for part in parts(policy) if not is_needed(*part)]
    assert needless == []
