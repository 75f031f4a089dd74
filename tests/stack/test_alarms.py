"""The three alarms of a stack, and the topic that they notify."""

import json
import re

import pytest
from test_drift import Schedule, drift
from under_test import NOTHING, ROLE, left, statements

from orchestera_local.stack import FUNCTION, Stack
from orchestera_release import product
from orchestera_release.product import ROOT

DRIFT, FAILED, NO_CHECK = "DriftAlarm", "FunctionAlarm", "NoCheckAlarm"


class Topic:
    """An SNS topic, and a queue that keeps what it is told."""

    def __init__(self, account):
        self.sns, self.sqs = account.client("sns"), account.client("sqs")
        self.arn = self.sns.create_topic(Name="Alarms")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="alarms")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]
        policy = allowing("sns.amazonaws.com", "sqs:SendMessage", attributes["QueueArn"])
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": json.dumps(policy)})
        self.sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=attributes["QueueArn"])

    def has_policy(self, document):
        self.sns.set_topic_attributes(TopicArn=self.arn, AttributeName="Policy", AttributeValue=json.dumps(document))

    def told(self):
        """Logical id, new state and account of each message since the last time."""
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for one in found:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])
        messages = [json.loads(json.loads(one["Body"])["Message"]) for one in found]
        return [
            (re.search(r"-(\w+Alarm)-", one["AlarmName"])[1], one["NewStateValue"], one["AWSAccountId"])
            for one in messages
        ]


def allowing(service, action, resource):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def states(account, stack):
    alarms = account.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack.name}-")["MetricAlarms"]
    return {re.search(r"-(\w+Alarm)-", one["AlarmName"])[1]: one["StateValue"] for one in alarms}


@pytest.fixture
def topic(account):
    return Topic(account)


def test_without_a_topic_there_are_no_alarms_and_they_come_and_go_with_it(account, stack, template, topic):
    stack.deploy(template)
    assert states(account, stack) == {}
    stack.deploy(template, AlarmTopicArn=topic.arn)
    assert states(account, stack).keys() == {DRIFT, FAILED, NO_CHECK}
    # Without a drift check, the function can still fail.
    stack.deploy(template, AlarmTopicArn=topic.arn, DriftCheck="Off")
    assert states(account, stack).keys() == {FAILED}
    stack.deploy(template)
    assert states(account, stack) == {}
    stack.deploy(template, AlarmTopicArn=topic.arn)
    assert stack.delete() == "DELETE_COMPLETE"
    assert states(account, stack) == {} and left(account) == NOTHING


def test_a_new_stack_notifies_nobody(account, stack, template, topic):
    stack.deploy(template, AlarmTopicArn=topic.arn)
    assert states(account, stack) == {DRIFT: "INSUFFICIENT_DATA", FAILED: "OK", NO_CHECK: "OK"}
    assert Schedule(account, stack).fires()["DriftedFields"] == 0
    assert states(account, stack) == {DRIFT: "OK", FAILED: "OK", NO_CHECK: "OK"}
    assert topic.told() == []


def test_drift_is_told_once_and_the_alarm_lasts_until_the_next_check(account, stack, iam, access, template, topic):
    stack.deploy(template, AlarmTopicArn=topic.arn)
    drift(iam, access)
    for _ in range(2):
        Schedule(account, stack).fires()
    assert (states(account, stack)[DRIFT], topic.told()) == ("ALARM", [(DRIFT, "ALARM", account.id)])
    # By the next day, the last check counts no more than the one before it.
    account.settings(cloudwatch_hours_ahead=23)
    assert states(account, stack)[DRIFT] == "ALARM"
    assert topic.told() == []


def test_a_function_that_fails_is_told(account, stack, template, topic):
    (statement,) = [one for one in statements(template) if one["Action"] == "cloudformation:DescribeStacks"]
    statement["Action"] = "cloudformation:ListStacks"
    stack.deploy(template, AlarmTopicArn=topic.arn)
    Schedule(account, stack).fires()
    assert states(account, stack)[FAILED] == "ALARM"
    assert topic.told() == [(FAILED, "ALARM", account.id)]


def test_two_days_without_a_check_are_told_and_fewer_are_not(account, stack, template, topic):
    stack.deploy(template, AlarmTopicArn=topic.arn)
    account.settings(cloudwatch_hours_ahead=47)
    assert (states(account, stack)[NO_CHECK], topic.told()) == ("OK", [])
    account.settings(cloudwatch_hours_ahead=52)
    assert states(account, stack)[NO_CHECK] == "INSUFFICIENT_DATA"
    assert topic.told() == [(NO_CHECK, "INSUFFICIENT_DATA", account.id)]


def checks(account, stack):
    """How often CloudWatch has heard of a check."""
    found = account.client("cloudwatch").get_metric_statistics(
        Namespace="OrchesteraAccess",
        MetricName="DriftChecks",
        Dimensions=[{"Name": "StackName", "Value": stack.name}],
        StartTime="2020-01-01",
        EndTime="2099-01-01",
        Period=86400,
        Statistics=["SampleCount"],
    )
    return sum(one["SampleCount"] for one in found["Datapoints"])


def test_a_check_that_is_skipped_counts_as_a_check_and_so_does_an_update(account, template):
    skipped = []

    def during(event):
        waits = (event["LogicalResourceId"], event["ResourceStatus"]) == ("Wait", "CREATE_IN_PROGRESS")
        # There are two events of that status.
        if waits and not skipped:
            before = checks(account, stack)
            skipped.append((Schedule(account, stack).fires(), checks(account, stack) - before))
            stack.cloudformation.signal_resource(
                StackName=stack.id, LogicalResourceId="Wait", UniqueId="1", Status="SUCCESS"
            )

    stack = Stack(account, on_event=during)
    stack.deploy(template)
    assert checks(account, stack) == 1, "the Create"
    # The stack waits for a signal.
    template["Resources"]["Wait"] = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": "Access",
        "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT5M"}},
    }
    stack.deploy(template, PolicyEdition="2026-02-06")
    ((line, more),) = skipped
    assert line["Skipped"] == "UPDATE_IN_PROGRESS" and "DriftedFields" not in line
    assert more == 1 and checks(account, stack) == 3, "the Create, the Update, the check that was skipped"


def policy_of_the_document(topic_arn, organization_id):
    """The policy of a central topic, as docs/tags-and-alarms.md has it."""
    (text,) = re.findall(
        r"```json\n(\{[^`]*cloudwatch\.amazonaws\.com[^`]*)```", (ROOT / "docs/tags-and-alarms.md").read_text()
    )
    text = text.replace("arn:aws:sns:us-east-1:111122223333:orchestera-alarms", topic_arn)
    return json.loads(text.replace("o-exampleorgid", organization_id))


def test_every_account_of_a_stack_set_tells_one_topic_by_the_policy_of_the_document(
    aws, organization, unit, join, published
):
    accounts = [join(), join()]
    topic = Topic(organization.management)
    stack = Stack(organization.management, "orchestera-rollout")
    parameters = {"OrganizationalUnitIds": unit, "AlarmTopicArn": topic.arn, "Tags": "Team=Data,CostCenter=a=b"}
    stack.deploy((published / product.STACK_SET).read_text(), **parameters)
    drifted, other = accounts

    def check(account):
        (name,) = [one["StackName"] for one in account.client("cloudformation").describe_stacks()["Stacks"]]
        inner = Stack(account, name)
        inner.id = name
        role = account.client("iam").get_role(RoleName=ROLE)["Role"]
        tags = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
        assert (tags["Team"], tags["CostCenter"]) == ("Data", "a=b")
        return Schedule(account, inner).fires()

    drifted.client("iam").update_role(RoleName=ROLE, MaxSessionDuration=43200)
    # Without its policy, the topic of another account hears nothing.
    assert check(drifted)["DriftedFields"] == 1 and topic.told() == []
    drifted.client("iam").update_role(RoleName=ROLE, MaxSessionDuration=3600)
    topic.has_policy(policy_of_the_document(topic.arn, organization.id))
    assert check(drifted)["DriftedFields"] == 0 == check(other)["DriftedFields"]
    other.client("iam").update_role(RoleName=ROLE, MaxSessionDuration=43200)
    check(other)
    assert topic.told() == [(DRIFT, "ALARM", other.id)]


def test_the_platform_can_change_no_alarm_under_the_guardrail(template):
    boundary = template["Resources"]["GuardrailBoundary"]["Properties"]["PolicyDocument"]
    (own,) = [one for one in boundary["Statement"] if one["Sid"] == "ThisGrantIsNotItsOwnToChange"]
    alarms = "arn:*:cloudwatch:*:*:alarm:${AWS::StackName}-*"
    assert {"Fn::Sub": alarms} in own["Resource"]


def test_each_alarm_says_where_and_what_to_do(account, stack, template, topic):
    stack.deploy(template, AlarmTopicArn=topic.arn)
    for alarm in account.client("cloudwatch").describe_alarms()["MetricAlarms"]:
        text = alarm["AlarmDescription"]
        assert account.id in text and stack.name in text and stack.resource(FUNCTION) in text, text
        assert len(text) <= 1024
