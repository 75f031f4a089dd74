//! The drift check: comparing what exists with what the properties want, between the updates of a stack.
//!
//! Nobody waits for a response. The outcome is one line of the log, which CloudWatch also reads as metrics.

use crate::account::Account;
use crate::cloudformation::Stacks;
use crate::goal;
use crate::iam::{Iam, Write};
use crate::member::MemberRole;
use crate::metrics::{self, CHECKS};
use crate::ownership::Resource;
use crate::properties::DriftMode;
use crate::reconcile::apply::Acquired;
use crate::reconcile::converge::Reconciler;
use crate::reconcile::desired::DesiredState;
use crate::reconcile::drift::{Difference, TrustRepair, differences, narrowing};
use crate::reconcile::observe::{Expected, ReadScope};
use crate::reconcile::state::State;
use custom_resource::event::Envelope;
use custom_resource::{Budget, Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::Deref;

/// What the schedule sends as `DriftCheck`: its stack and resource, and the resource's properties.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Check {
    /// `Report` or `Repair`.
    mode: String,
    stack_id: String,
    logical_resource_id: String,
    resource_properties: Value,
}

impl Check {
    /// `None` for anything else than a schedule's event.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused) if it cannot be decoded.
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
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A stack operation is in progress. The line of the log has the stack's status.
    Skipped(Value),
    /// The line of the log has every difference.
    Checked(Value),
}

/// Compares, and repairs if the mode says so. Does nothing while a stack operation is in progress, and repairs nothing
/// after one that failed.
///
/// # Errors
/// Those of the calls and of the properties, with a sentence.
pub async fn run<I: Iam, D: Deref<Target = I>>(
    check: &Check,
    own: &Account,
    budget: Budget,
    stacks: &impl Stacks,
    connect: impl AsyncFnOnce(Option<&MemberRole>) -> Result<D>,
) -> Result<Outcome> {
    let mode = match check.mode.as_str() {
        "Report" => DriftMode::Report,
        "Repair" => DriftMode::Repair,
        other => {
            return Err(Error::refused(format!(
                "A drift check's Mode is Report or Repair, not '{other}'. Update the stack, which creates its schedule again."
            )));
        }
    };
    let status = stacks.status(&check.stack_id).await.map_err(|error| {
        let sentence = format!(
            "The status of the stack {} could not be read, so that nothing was compared. The next check tries again; \
                 the function's role needs cloudformation:DescribeStacks on that stack.",
            check.stack_id
        );
        error.because(sentence)
    })?;
    if status.ends_with("_IN_PROGRESS") {
        return Ok(Outcome::Skipped(skipped(check, &status)));
    }
    let mode = if status.ends_with("_FAILED") { DriftMode::Report } else { mode };
    let resource = Resource { stack_id: check.stack_id.clone(), logical_id: check.logical_resource_id.clone() };
    let desired = goal::of_drift_check(&check.resource_properties, own, &resource)?;
    let iam = connect(desired.member_role.as_ref()).await?;
    let reconciler = Reconciler { iam: &*iam, account: &desired.account, budget };
    let differences = Box::pin(compare(&reconciler, &desired, mode)).await?;
    Ok(Outcome::Checked(line(check, &desired.account, mode, &differences)))
}

/// Every difference, and which of them were repaired.
async fn compare<I: Iam>(
    reconciler: &Reconciler<'_, I>,
    desired: &DesiredState,
    mode: DriftMode,
) -> Result<Vec<Difference>> {
    let expected = Expected::first_version;
    let observed = reconciler.observe(&desired.id, ReadScope::Convergence, &expected()).await?;
    let mut found = differences(desired, &observed);
    if mode == DriftMode::Report || narrowing(desired, &observed, TrustRepair::Cut).is_empty() {
        return Ok(found);
    }
    let narrow = async |repair| {
        let plan = |observed: &State| Ok(narrowing(desired, observed, repair));
        let read = (ReadScope::Convergence, expected());
        reconciler.converge(&desired.id, read, &Acquired::default(), plan).await
    };
    let converged = match narrow(TrustRepair::Cut).await {
        Err(failure)
            if failure.error.is("MalformedPolicyDocument")
                && matches!(failure.write, Some(Write::UpdateAssumeRolePolicy { .. })) =>
        {
            narrow(TrustRepair::DenyAlone).await?
        }
        converged => converged?,
    };
    let left = differences(desired, &converged.observed);
    for difference in &mut found {
        difference.repaired = !left.iter().any(|left| left.field == difference.field);
    }
    Ok(found)
}

/// One line: the metrics, and each field with what is desired and what was found.
fn line(check: &Check, account: &Account, mode: DriftMode, differences: &[Difference]) -> Value {
    let repaired = differences.iter().filter(|difference| difference.repaired).count();
    let shown = |difference: &Difference| {
        json!({
            "Field": difference.field, "Wanted": difference.desired, "Found": difference.found,
            "Repaired": difference.repaired,
        })
    };
    let metrics = [(CHECKS, 1), ("DriftedFields", differences.len()), ("RepairedFields", repaired)];
    let mut line = metrics::line(&check.stack_id, &metrics);
    line["AccountId"] = json!(account.id);
    line["Mode"] = json!(format!("{mode:?}"));
    line["Drift"] = differences.iter().map(shown).collect();
    line
}

/// One line: that nothing was compared, because the stack was in this status.
fn skipped(check: &Check, status: &str) -> Value {
    let mut line = metrics::line(&check.stack_id, &[(CHECKS, 1)]);
    line["Skipped"] = json!(status);
    line
}
