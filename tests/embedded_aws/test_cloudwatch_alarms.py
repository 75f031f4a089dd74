"""CloudWatch on the embedded AWS: metrics in a log, the state of an alarm, and the topics that it notifies."""

import json
import time

import pytest

from orchestera_local.embedded_aws.alarms import state
from orchestera_local.organization import Organization

NAMESPACE, METRIC = "OrchesteraAccess", "DriftedFields"


def alarm(treatment, before="OK", needed=3):
    return {
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": needed,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1,
        "TreatMissingData": treatment,
        "StateValue": before,
    }


# The table of CloudWatch's documentation for 3 of 3: the oldest data point first, X breaches.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
ROWS = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "- - - - 0": ("OK", "OK", "OK", "OK"),
    "- - - - -": ("INSUFFICIENT_DATA", "kept", "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": ("ALARM", "kept", "ALARM", "OK"),
}


@pytest.mark.parametrize("row", ROWS)
def test_missing_data_is_treated_as_the_documentation_shows(row):
    values = [{"0": 0, "X": 1, "-": None}[one] for one in row.split()][::-1]
    for treatment, expected in zip(("missing", "ignore", "breaching", "notBreaching"), ROWS[row], strict=True):
        assert state(alarm(treatment, before="kept"), values) == expected, treatment


def test_data_points_to_alarm_may_be_fewer_than_the_periods():
    assert state(alarm("missing", needed=2), [1, 0, 1, 0, 0]) == "ALARM"
    assert state(alarm("missing", needed=3), [1, 0, 1, 0, 0]) == "OK"


class Scene:
    """An account with a log, a topic, and a queue that is subscribed."""

    def __init__(self, account, topics=None):
        self.account, topics = account, topics or account
        self.cloudwatch, self.logs = account.client("cloudwatch"), account.client("logs")
        self.logs.create_log_group(logGroupName="log")
        self.logs.create_log_stream(logGroupName="log", logStreamName="stream")
        self.sns, self.sqs = topics.client("sns"), topics.client("sqs")
        self.topic = self.sns.create_topic(Name="Alarms")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="alarms")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": attributes["QueueArn"],
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=attributes["QueueArn"])

    def alarm(self, **changes):
        request = {
            "AlarmName": "Drift",
            "Namespace": NAMESPACE,
            "MetricName": METRIC,
            "Dimensions": [{"Name": "StackName", "Value": "mine"}],
            "Statistic": "Maximum",
            "Period": 3600,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 1,
            "TreatMissingData": "ignore",
            "AlarmActions": [self.topic],
        }
        self.cloudwatch.put_metric_alarm(**(request | changes))

    def emit(self, value, stack="mine", hours_ago=0):
        directive = {
            "Namespace": NAMESPACE,
            "Dimensions": [["StackName"]],
            "Metrics": [{"Name": METRIC, "Unit": "Count"}],
        }
        now = int((time.time() - 3600 * hours_ago) * 1000)
        line = {"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, "StackName": stack, METRIC: value}
        self.logs.put_log_events(
            logGroupName="log",
            logStreamName="stream",
            logEvents=[{"timestamp": now, "message": "text"}, {"timestamp": now, "message": json.dumps(line)}],
        )

    def state(self):
        (found,) = self.cloudwatch.describe_alarms(AlarmNames=["Drift"])["MetricAlarms"]
        return found["StateValue"]

    def messages(self):
        """The states that were told since the last time."""
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(json.loads(message["Body"])["Message"])["NewStateValue"] for message in found]


def test_a_log_holds_metrics_and_an_alarm_takes_account_of_their_dimensions(account):
    scene = Scene(account)
    scene.alarm()
    assert scene.state() == "INSUFFICIENT_DATA"
    scene.emit(2, stack="another")
    assert (scene.state(), scene.messages()) == ("INSUFFICIENT_DATA", [])
    scene.emit(0)
    assert (scene.state(), scene.messages()) == ("OK", [])
    scene.emit(2)
    assert (scene.state(), scene.messages()) == ("ALARM", ["ALARM"])
    # One notification for each change.
    scene.emit(3)
    assert (scene.state(), scene.messages()) == ("ALARM", [])


def test_the_next_check_that_finds_nothing_ends_the_alarm(account):
    scene = Scene(account)
    scene.alarm()
    scene.emit(2, hours_ago=2)
    assert scene.state() == "ALARM"
    scene.emit(0)
    assert scene.state() == "OK"


def test_an_alarm_that_ignores_missing_data_keeps_its_state_and_another_loses_it_by_time(account):
    scene = Scene(account)
    scene.alarm(InsufficientDataActions=[scene.topic])
    scene.emit(1)
    assert scene.messages() == ["ALARM"]
    account.settings(cloudwatch_hours_ahead=30)
    assert scene.state() == "ALARM"
    scene.alarm(
        TreatMissingData="missing", EvaluationPeriods=24, InsufficientDataActions=[scene.topic], Statistic="SampleCount"
    )
    assert (scene.state(), scene.messages()) == ("INSUFFICIENT_DATA", ["INSUFFICIENT_DATA"])


def test_a_topic_of_another_account_is_notified_only_if_its_policy_allows_cloudwatch(aws, new_account):
    management, member = new_account(), new_account()
    organization = Organization(management)
    organization.join(member)
    scene = Scene(member, topics=management)
    scene.alarm()
    scene.emit(1)
    assert (scene.state(), scene.messages()) == ("ALARM", [])
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": scene.topic,
        "Condition": {
            "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:*:alarm:D*"},
            "StringEquals": {"aws:SourceOrgID": organization.id},
        },
    }

    def allow(statement):
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        scene.sns.set_topic_attributes(TopicArn=scene.topic, AttributeName="Policy", AttributeValue=document)

    for other in (
        {"Principal": {"Service": "s3.amazonaws.com"}},
        {"Condition": {"StringEquals": {"aws:SourceOrgID": "o-x"}}},
    ):
        allow(statement | other)
        scene.emit(0)
        scene.alarm(Threshold=1)
        scene.emit(1)
        assert scene.messages() == [], other
    allow(statement)
    scene.cloudwatch.set_alarm_state(AlarmName="Drift", StateValue="OK", StateReason="test")
    assert (scene.state(), scene.messages()) == ("ALARM", ["ALARM"])
