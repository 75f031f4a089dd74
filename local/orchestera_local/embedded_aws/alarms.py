"""CloudWatch: the metrics that a log holds, when an alarm changes its state, and whom it notifies.

MiniStack reads no metrics from a log. Its alarms take no account of dimensions, of data points to alarm and of missing
data, and notify topics of their own account alone.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

import contextvars
import json
import time

import ministack.services.cloudwatch as cloudwatch
import ministack.services.cloudwatch_logs as logs
import ministack.services.sns as sns
from ministack.core import responses
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region

from . import settings
from .organizations.membership import id_of

SERVICE = "cloudwatch.amazonaws.com"
BREACHES = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
# CloudWatch looks at some periods more than EvaluationPeriods. How many is documented by examples only: 5 for 3.
MORE_PERIODS = 2


def repair():
    cloudwatch._evaluate_alarm = _evaluate
    cloudwatch._dispatch_alarm_actions = _notify
    cloudwatch.record_metric = _then_evaluate(cloudwatch.record_metric)
    cloudwatch._describe_alarms = _after_an_evaluation(cloudwatch._describe_alarms)
    logs._append_log_events = _then_read_metrics(logs._append_log_events)


def _then_read_metrics(append):
    def repaired(stream, events):
        appended = append(stream, events)
        for event in events:
            if '"_aws"' in event["message"]:
                _record(json.loads(event["message"]))
        cloudwatch._evaluate_all_alarms()
        return appended

    return repaired


def _record(line):
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: line[name] for name in names}
            for metric in directive["Metrics"]:
                key = (directive["Namespace"], metric["Name"], cloudwatch._dims_key(dimensions))
                cloudwatch._metric_bucket(key).append(
                    {
                        "Timestamp": line["_aws"]["Timestamp"] / 1000,
                        "Value": float(line[metric["Name"]]),
                        "Unit": metric.get("Unit", "None"),
                        "Dimensions": dimensions,
                    }
                )


def _then_evaluate(record):
    def repaired(*metric, **named):
        record(*metric, **named)
        cloudwatch._evaluate_all_alarms()

    return repaired


def _after_an_evaluation(describe):
    """CloudWatch evaluates once a minute. Here it does so when somebody looks."""

    def repaired(*request):
        cloudwatch._evaluate_all_alarms()
        return describe(*request)

    return repaired


def _evaluate(alarm):
    if not alarm.get("MetricName"):
        return
    before, after = alarm["StateValue"], state(alarm, _values(alarm))
    if before == after:
        return
    reason = f"{alarm['MetricName']} by the data points of the evaluation range"
    alarm |= {"StateValue": after, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
    cloudwatch._record_history(alarm["AlarmName"], before, after, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, after, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _values(alarm):
    """The statistic for each period of the evaluation range, the latest first. None: there is no data point."""
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    points = cloudwatch._metrics.get(key) or []
    now = time.time() + 3600 * settings.of(get_account_id()).cloudwatch_hours_ahead
    periods = [[] for _ in range(alarm["EvaluationPeriods"] + MORE_PERIODS)]
    for point in points:
        age = int((now - point["Timestamp"]) // alarm["Period"])
        if 0 <= age < len(periods):
            periods[age].append(point)
    return [cloudwatch._calc_stats(of_period)[alarm["Statistic"]] if of_period else None for of_period in periods]


def state(alarm, values):
    """The state of an alarm, from the values of the evaluation range."""
    present = [value for value in values if value is not None][: alarm["EvaluationPeriods"]]
    missing = alarm["EvaluationPeriods"] - len(present)
    breaching = sum(BREACHES[alarm["ComparisonOperator"]](value, alarm["Threshold"]) for value in present)
    needed = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    match alarm["TreatMissingData"]:
        case "missing" if not present:
            return "INSUFFICIENT_DATA"
        case "missing":
            # The data points that exist decide.
            needed = min(needed, len(present))
        case "ignore" if breaching < needed <= breaching + missing:
            return alarm["StateValue"]
        case "breaching":
            breaching += missing
    return "ALARM" if breaching >= needed else "OK"


def _notify(alarm, _, after, reason):
    field = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}[after]
    for topic in alarm.get(field) or [] if alarm.get("ActionsEnabled", True) else []:
        if not _may_publish(topic, alarm["AlarmArn"]):
            cloudwatch._record_history(alarm["AlarmName"], after, after, f"Failed to execute action {topic}")
            continue
        subject = f'{after}: "{alarm["AlarmName"]}" in {get_region()}'[:100]
        message = {
            "AlarmName": alarm["AlarmName"],
            "AlarmDescription": alarm["AlarmDescription"],
            "AWSAccountId": get_account_id(),
            "NewStateValue": after,
            "NewStateReason": reason,
        }
        contextvars.copy_context().run(_publish, topic, json.dumps(message), subject)


def _may_publish(topic_arn, alarm_arn):
    """By the topic's policy. In its owner's account, the policy that a topic begins with is enough."""
    topic = sns._topic_by_arn_any_scope(topic_arn)
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sns:Publish",
        resource_arn=topic_arn,
        region=get_region(),
        service_context={
            "aws:sourcearn": alarm_arn,
            "aws:sourceaccount": get_account_id(),
            "aws:sourceowner": get_account_id(),
            "aws:sourceorgid": id_of(get_account_id()) or "",
        },
    )
    policy = topic and topic["attributes"].get("Policy")
    return bool(policy) and evaluate_resource_policy(policy, context, service=SERVICE).decision == "Allow"


def _publish(topic_arn, message, subject):
    # What is subscribed belongs to the topic's account.
    responses.set_request_account_id(topic_arn.split(":")[4])
    sns._fanout(topic_arn, responses.new_uuid(), message, subject)
