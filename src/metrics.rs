//! The metrics of a stack: lines of the function's log that CloudWatch reads as metrics.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const NAMESPACE: &str = "OrchesteraAccess";

/// Whenever role and policy were looked at: a drift check, one that was skipped because a stack operation was in
/// progress, and a Create or Update that succeeded. The template has an alarm for two days without one.
pub const CHECKS: &str = "DriftChecks";

/// A line with these metrics, each a count, by the name of the stack. More may be added to it.
pub fn line(stack_id: &str, metrics: &[(&str, usize)]) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let named: Vec<_> = metrics.iter().map(|(name, _)| json!({ "Name": name, "Unit": "Count" })).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": u64::try_from(now.as_millis()).unwrap_or_default(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["StackName"]], "Metrics": named }],
        },
        "StackName": stack_id.split('/').nth(1).unwrap_or(stack_id),
        "StackId": stack_id,
    });
    for (name, value) in metrics {
        line[*name] = json!(value);
    }
    line
}
