"""The daily check, sent to the function as its schedule sends it."""

import json
import time

import pytest
from under_test import NOTHING, ROLE, left, statements

from orchestera_local import guide, permissions
from orchestera_local.stack import ACCESS, FUNCTION

EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
STRANGER = json.dumps(guide.trust(principal="arn:aws:iam::999988887777:root"))
# Of the resource's properties, what is not the function's to read.
NOT_READ = {"ServiceToken", "ServiceTimeout", "Release", "DriftSchedule", "Alarms"}


class Schedule:
    """The schedule of a stack, and its function."""

    def __init__(self, account, stack):
        self.account, self.stack = account, stack
        self.target = account.client("scheduler").get_schedule(Name=stack.resource("DriftSchedule"))["Target"]
        self.input = json.loads(self.target["Input"])["DriftCheck"]

    def fires(self):
        """Invokes with the schedule's own role. Returns the line that the check logs, or the error of the function."""
        scheduler = self.as_scheduler().client("lambda")
        before = len(self._lines())
        answer = scheduler.invoke(FunctionName=self.target["Arn"], Payload=self.target["Input"].encode())
        if "FunctionError" in answer:
            return json.loads(answer["Payload"].read())
        ends = time.monotonic() + 20
        while len(self._lines()) == before and time.monotonic() < ends:
            time.sleep(0.1)
        return self._lines()[-1]

    def as_scheduler(self):
        """The account's root in EventBridge's shoes: the role's trust is for that service, so it is changed first."""
        role = self.target["RoleArn"]
        trust = json.dumps(guide.trust(principal=self.account.id))
        self.account.client("iam").update_assume_role_policy(RoleName=role.split("/")[-1], PolicyDocument=trust)
        return self.account.assume(role)

    def _lines(self):
        logs, group = self.account.client("logs"), self.stack.resource("FunctionLogGroup")
        events = logs.filter_log_events(logGroupName=group)["events"]
        lines = [line for event in events for line in event["message"].splitlines()]
        return [json.loads(line) for line in lines if '"_aws"' in line]


def drifted(line):
    return {one["Field"]: one["Repaired"] for one in line["Drift"]}


def drift(iam, access):
    """Somebody lets a stranger in, for longer, with everything; and takes the policy off."""
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=STRANGER)
    iam.update_role(RoleName=ROLE, MaxSessionDuration=43200)
    iam.create_policy_version(PolicyArn=access.policy_arn, PolicyDocument=EVERYTHING, SetAsDefault=True)
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=access.policy_arn)
    iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


DRIFT = ["policy.document", "role.attachment", "role.foreignPolicies", "role.maxSessionDuration", "role.trust"]


def test_the_schedule_carries_the_properties_of_the_resource_and_finds_nothing_at_first(account, stack, template):
    parameters = {"ExternalId": "given@2026", "MaxSessionDuration": 7200, "Guardrail": "On"}
    stack.deploy(template, **parameters)
    schedule = Schedule(account, stack)
    assert schedule.input["ResourceProperties"].keys() == template["Resources"][ACCESS]["Properties"].keys() - NOT_READ
    assert (schedule.input["Mode"], schedule.input["StackId"]) == ("Report", stack.id)
    line = schedule.fires()
    assert (line["DriftedFields"], line["StackName"]) == (0, stack.name), line
    for changed in ({"PolicyEdition": "2026-02-06"}, {"AccessState": "Suspended"}, {"RequireExternalId": "false"}):
        stack.deploy(template, **changed)
        assert Schedule(account, stack).fires()["DriftedFields"] == 0, changed


def test_report_names_every_difference_and_changes_nothing(account, stack, iam, access, template):
    stack.deploy(template)
    drift(iam, access)
    before = access.all()
    line = Schedule(account, stack).fires()
    assert sorted(drifted(line)) == DRIFT and not any(drifted(line).values())
    assert access.all() == before


def test_repair_shuts_out_what_is_too_much_and_attaches_nothing(account, stack, iam, access, template):
    stack.deploy(template, DriftCheck="Repair")
    drift(iam, access)
    line = Schedule(account, stack).fires()
    assert sorted(drifted(line)) == DRIFT
    assert {field for field, repaired in drifted(line).items() if repaired} == {
        "policy.document",
        "role.maxSessionDuration",
    }
    assert access.document() == permissions.edition("2025-09-29")
    # Nobody is let in again by a machine: what the trust held of ours was gone.
    trust = access.role()["AssumeRolePolicyDocument"]["Statement"]
    assert [one["Effect"] for one in trust] == ["Allow", "Deny"] and "999988887777" not in json.dumps(trust)
    assert access.attached() == ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    # The next update puts all of it right.
    stack.deploy(template, DriftCheck="Repair", OnExisting="Fail")
    assert access.attached().count(access.policy_arn) == 1
    assert [one["Effect"] for one in access.role()["AssumeRolePolicyDocument"]["Statement"]] == ["Allow"]


def test_a_plug_that_was_pulled_stays_pulled(account, stack, iam, access, template):
    stack.deploy(template, DriftCheck="Repair")
    iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.put_role_policy(RoleName=ROLE, PolicyName="Stop", PolicyDocument=EVERYTHING.replace("Allow", "Deny"))
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=access.policy_arn)
    before = access.all()
    line = Schedule(account, stack).fires()
    assert line["RepairedFields"] == 0 and sorted(drifted(line)) == ["role.attachment", "role.foreignPolicies"]
    assert access.all() == before


def test_off_leaves_no_schedule_no_role_and_no_right(account, stack, template):
    stack.deploy(template, DriftCheck="Off")
    assert account.client("scheduler").list_schedules()["Schedules"] == []
    roles = [role["RoleName"] for role in account.client("iam").list_roles()["Roles"]]
    assert len(roles) == 2 and not [name for name in roles if "Drift" in name]
    assert stack.delete() == "DELETE_COMPLETE"
    assert left(account) == NOTHING


def test_the_schedule_goes_with_the_stack_and_may_invoke_that_function_only(account, stack, template):
    stack.deploy(template)
    schedule = Schedule(account, stack)
    scheduler = schedule.as_scheduler()
    other = schedule.target["Arn"].replace(stack.resource(FUNCTION), "another")
    for call, request in [
        (scheduler.client("lambda").invoke, {"FunctionName": other, "Payload": b"{}"}),
        (scheduler.client("lambda").get_function, {"FunctionName": schedule.target["Arn"]}),
        (scheduler.client("iam").get_role, {"RoleName": ROLE}),
    ]:
        assert not permissions.is_allowed(call, **request), call
    assert stack.delete() == "DELETE_COMPLETE"
    assert account.client("scheduler").list_schedules()["Schedules"] == [] and left(account) == NOTHING


def test_without_the_right_to_see_its_stack_the_check_fails_and_nothing_is_compared(account, stack, template):
    (statement,) = [one for one in statements(template) if one["Action"] == "cloudformation:DescribeStacks"]
    statement["Action"] = "cloudformation:ListStacks"
    stack.deploy(template)
    error = Schedule(account, stack).fires()
    assert "status of the stack" in json.dumps(error), error


@pytest.mark.parametrize("mode", ["Report", "Repair"])
def test_a_member_account_is_checked_there(aws, account, stack, template, mode):
    member = aws.account(f"4{account.id[1:]}")
    trust = guide.trust(principal=f"arn:aws:iam::{account.id}:root")
    door, iam = "OrganizationAccountAccessRole", member.client("iam")
    iam.create_role(RoleName=door, AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName=door, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    stack.deploy(template, MemberAccountId=member.id, DriftCheck=mode)
    iam.update_role(RoleName=ROLE, MaxSessionDuration=43200)
    line = Schedule(account, stack).fires()
    assert (line["AccountId"], drifted(line)) == (member.id, {"role.maxSessionDuration": mode == "Repair"})
