//! The drift check: what a schedule asks of the function between the updates of its stack.
//!
//! The schedule's input says which stack and resource it is, and repeats the resource's properties. Nobody waits for an
//! answer: the outcome is one line of the log, which CloudWatch also reads as metrics.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use crate::account::Account;
use crate::budget::Budget;
use crate::cloudformation::Stacks;
use crate::error::{Error, Result};
use crate::iam::Iam;
use crate::member::{Place, place};
use crate::ownership::Resource;
use crate::properties::DriftMode;
use crate::reconcile::Reconciler;
use crate::reconcile::drift::Difference;
use crate::request::{Envelope, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::Deref;
use std::time::{SystemTime, UNIX_EPOCH};

/// Of the metrics.
const NAMESPACE: &str = "OrchesteraAccess";

/// What the schedule sends as `DriftCheck`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Check {
    /// `Report` or `Repair`.
    mode: String,
    stack_id: String,
    logical_resource_id: String,
    resource_properties: Value,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The stack is being worked on, in this status.
    Skipped(String),
    /// A line of the log.
    Checked(Value),
}

impl Check {
    /// What a schedule sends instead of an event of CloudFormation; `None` for anything else.
    ///
    /// # Errors
    /// [`Refused`](crate::error::Kind::Refused) if it cannot be decoded.
    pub fn read(envelope: &Envelope<'_>) -> Result<Option<Self>> {
        let Some(raw) = envelope.field("DriftCheck").filter(|_| !envelope.is_from_cloudformation()) else {
            return Ok(None);
        };
        serde_json::from_str(raw.get()).map(Some).map_err(|error| {
            Error::refused(format!(
                "DriftCheck cannot be decoded: {error}. Update the stack, which creates its schedule again."
            ))
        })
    }

    /// Compares what is there with what the properties want, and narrows it if the mode says so. Does nothing while the stack
    /// is being worked on, and repairs nothing unless its last operation ended well.
    ///
    /// # Errors
    /// Those of the calls and of the properties, with a sentence.
    pub async fn run<I: Iam, D: Deref<Target = I>>(
        &self,
        own: &Account,
        budget: Budget,
        stacks: &impl Stacks,
        connect: impl AsyncFnOnce(&Place) -> Result<D>,
    ) -> Result<Outcome> {
        let mode = match self.mode.as_str() {
            "Report" => DriftMode::Report,
            "Repair" => DriftMode::Repair,
            other => {
                return Err(Error::refused(format!(
                    "A drift check's Mode is Report or Repair, not '{other}'. Update the stack, which makes its schedule anew."
                )));
            }
        };
        let status = stacks.status(&self.stack_id).await.map_err(|error| {
            let sentence = format!(
                "The status of the stack {} could not be read, so that nothing was compared. The next check tries again; \
                 the function's role needs cloudformation:DescribeStacks on that stack.",
                self.stack_id
            );
            error.because(sentence)
        })?;
        if status.ends_with("_IN_PROGRESS") {
            return Ok(Outcome::Skipped(status));
        }
        let mode = if status.ends_with("_FAILED") { DriftMode::Report } else { mode };
        // A check has the same place as an Update that changes nothing.
        let properties = self.resource_properties.clone();
        let request = Request::Update { physical_id: String::new(), old_properties: properties.clone(), properties };
        let place = place(own, &request)?;
        let account = place.account().unwrap_or(own).clone();
        let iam = connect(&place).await?;
        let resource = Resource { stack_id: self.stack_id.clone(), logical_id: self.logical_resource_id.clone() };
        let reconciler = Reconciler { iam: &*iam, account: account.clone(), resource, budget };
        let differences = Box::pin(reconciler.check_drift(&self.resource_properties, mode)).await?;
        Ok(Outcome::Checked(self.line(&account, mode, &differences)))
    }

    /// One line: the metrics, and each field with what is wanted and what was found.
    fn line(&self, account: &Account, mode: DriftMode, differences: &[Difference]) -> Value {
        let repaired = differences.iter().filter(|difference| difference.repaired).count();
        let metric = |name: &str| json!({ "Name": name, "Unit": "Count" });
        let shown = |difference: &Difference| {
            json!({
                "Field": difference.field, "Wanted": difference.wanted, "Found": difference.found,
                "Repaired": difference.repaired,
            })
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        json!({
            "_aws": {
                "Timestamp": u64::try_from(now.as_millis()).unwrap_or_default(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["StackName"]],
                    "Metrics": [metric("DriftedFields"), metric("RepairedFields")],
                }],
            },
            "StackName": self.stack_id.split('/').nth(1).unwrap_or(&self.stack_id),
            "DriftedFields": differences.len(),
            "RepairedFields": repaired,
            "StackId": self.stack_id,
            "AccountId": account.id,
            "Mode": format!("{mode:?}"),
            "Drift": differences.iter().map(shown).collect::<Vec<_>>(),
        })
    }
}
