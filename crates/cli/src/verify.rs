//! `orchestera verify`: whether the role of this account is correct, who may assume it, and what it may do.

use crate::arguments::{Connection, Printing, Verify as Options};
use crate::assessment::{Assessment, State, account_and_region, assess, stack_id};
use crate::member::in_region;
use crate::output::{self, has_color, mark, printable};
use crate::plan::alarms;
use crate::session::{self, Session};
use crate::stack::{Stack, Stacks};
use crate::verdict::Verdict;
use custom_resource::{Budget, Kind, Result};
use orchestera_access::account::PLATFORM_ACCOUNT_ID;
use orchestera_access::iam::aws::AwsIam;
use orchestera_access::physical_id::{PhysicalId, is_policy_name, is_role_name};
use orchestera_access::reconcile::observe::{Expected, ReadScope, observe};
use orchestera_access::reconcile::state::State as Observed;
use orchestera_access::trust;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

mod claim;
mod simulation;

pub use claim::Claim;
pub use simulation::Simulation;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub account_id: String,
    pub state: State,
    pub role_arn: Option<String>,
    pub external_id: Option<String>,
    pub guardrail_arn: Option<String>,
    pub edition: Option<&'static str>,
    pub stack: Option<Stack>,
    pub release: Option<String>,
    pub foreign_policies: Vec<String>,
    /// The SNS topic of the stack's alarms. Blank if it has none, `None` if the stack cannot be read.
    pub alarm_topic_arn: Option<String>,
    pub to_do: String,
    pub claims: Vec<Claim>,
}

/// Runs the command.
///
/// # Errors
/// If the account cannot be read.
pub async fn run(connection: &Connection, printing: &Printing, options: &Options) -> Result<Verdict> {
    refuse_names(options)?;
    let session = session::open(connection, printing).await?;
    let report = verify(&session, options).await?;
    output::report(printing, &report.text(has_color(printing)), &report)?;
    Ok(Verdict::of(report.is_good()))
}

fn refuse_names(options: &Options) -> Result<()> {
    if is_role_name(&options.role_name) && is_policy_name(&options.policy_name) {
        return Ok(());
    }
    Err(custom_resource::Error::refused(
        "The name of a role or of a policy has A-Z a-z 0-9 and _+=,.@- and no path. Correct it.",
    ))
}

async fn verify(session: &Session, options: &Options) -> Result<Report> {
    let account = &session.caller.account;
    let id = account.physical_id(&options.role_name, &options.policy_name);
    let iam = AwsIam::new(&session.configuration);
    let now = Instant::now();
    let budget = Budget::new(now, now + Duration::from_secs(120));
    let expected = Expected::first_version();
    let observed = observe(&iam, account, &budget, &id, ReadScope::Convergence, &expected);
    let observed = observed.await.map_err(|error| {
        let call = error.failed_call().map(|call| format!("{}: {}", call.operation, call.code)).unwrap_or_default();
        let sentence = match error.kind() {
            Kind::Denied => {
                format!("The role cannot be read ({call}). Add the permissions of: orchestera permissions verify")
            }
            _ => format!("The role cannot be read ({call}). Retry."),
        };
        error.because(sentence)
    })?;
    let stack = stack(session, options, &observed).await?;
    let found = assess(&id, account, &observed, stack.as_ref());
    let simulation = match (&observed.role, options.no_simulation) {
        (Some(role), false) => simulation::simulate(&session.configuration, &role.about.arn, found.edition).await,
        _ => Simulation::NotAsked,
    };
    Ok(report(account.id.clone(), &id, &observed, found, stack, &simulation))
}

/// The stack of the role's tags, or the one with the given name.
async fn stack(session: &Session, options: &Options, observed: &Observed) -> Result<Option<Stack>> {
    let tagged = stack_id(observed).and_then(|id| Some((id, account_and_region(id)?)));
    let found = match tagged {
        Some((id, (owner, region))) if owner == session.caller.account.id => {
            Stacks::new(&in_region(&session.configuration, region)).find(id).await
        }
        // The stack is in the management account. Its parameters cannot be read from here.
        Some(_) => return Ok(None),
        None => Stacks::new(&session.configuration).find(&options.stack.stack_name).await,
    };
    let found = found.map_err(|error| {
        let call = error.failed_call().map(|call| format!("{}: {}", call.operation, call.code)).unwrap_or_default();
        error.because(format!(
            "The stack cannot be read ({call}). Add the permissions of: orchestera permissions verify"
        ))
    })?;
    Ok(found.filter(|stack| stack.status != "DELETE_COMPLETE"))
}

fn report(
    account_id: String,
    id: &PhysicalId,
    observed: &Observed,
    found: Assessment,
    stack: Option<Stack>,
    simulation: &Simulation,
) -> Report {
    let claims = claims(id, observed, &found, simulation);
    Report {
        account_id,
        state: found.state,
        role_arn: found.role_arn,
        external_id: found.external_id,
        guardrail_arn: found.guardrail_arn,
        edition: found.edition,
        release: stack.as_ref().map(|stack| stack.release().to_owned()),
        alarm_topic_arn: stack.as_ref().map(|stack| stack.parameters.get("AlarmTopicArn").cloned().unwrap_or_default()),
        stack,
        foreign_policies: found.foreign_policies,
        to_do: found.to_do,
        claims,
    }
}

/// What is claimed of the role. Each claim holds, or something is wrong.
pub fn claims(id: &PhysicalId, observed: &Observed, found: &Assessment, simulation: &Simulation) -> Vec<Claim> {
    let (role_name, policy_name) = (&id.role_name, &id.policy_name);
    let exists = |holds| {
        Claim::new(holds, format!("The role {role_name} exists."), format!("The role {role_name} does not exist."))
    };
    let Some(role) = &observed.role else { return vec![exists(false)] };
    let is_suspended = found.state == State::Suspended;
    let differs = |field: &str| found.differences.iter().any(|difference| difference.field == field);
    let platform = format!("The platform, account {PLATFORM_ACCOUNT_ID},");
    let (may, may_not) = (format!("{platform} may assume it."), format!("{platform} cannot assume it."));
    let admits = trust::admits(&role.about.trust, PLATFORM_ACCOUNT_ID);
    let mut claims = vec![exists(true)];
    claims.push(match is_suspended {
        true => Claim::new(!admits, format!("{platform} cannot assume it: it is suspended."), may),
        false => Claim::new(admits, may, may_not),
    });
    let others = others(&role.about.trust, &role.about.arn);
    claims.push(Claim::new(!others, "Nobody else may assume it.", "Others may assume it, too: see its trust policy."));
    let external_id = match &found.external_id {
        Some(external_id) => format!("It requires the external ID {external_id}."),
        None => "It requires no external ID.".to_owned(),
    };
    let is_another = differs("role.externalId") || (found.external_id.is_none() && differs("role.trust"));
    claims.push(Claim::new(!is_another, &external_id, format!("{external_id} That is not what the stack wants.")));
    let stack_wants = |what: &str| (format!("{what} as the stack wants."), format!("{what} not as the stack wants."));
    let (right, wrong) = stack_wants("Its trust policy is");
    claims.push(Claim::new(!differs("role.trust"), right, wrong));
    claims.push(edition(policy_name, found.edition, differs("policy.document")));
    let (detached, attached) = ("The policy is detached from the role", "The policy is attached to the role");
    let is_attached = !differs("role.attachment") && !differs("policy");
    claims.push(match is_suspended {
        true => Claim::new(is_attached, format!("{detached}: it is suspended."), format!("{attached}.")),
        false => Claim::new(is_attached, format!("{attached}."), format!("{detached}.")),
    });
    let boundary = boundary(&role.about.permissions_boundary);
    let wrong = format!("{boundary} That is not what the stack wants.");
    claims.push(Claim::new(!differs("role.permissionsBoundary"), boundary, wrong));
    let foreign = format!("Others put policies on the role: {}.", found.foreign_policies.join(", "));
    claims.push(Claim::new(found.foreign_policies.is_empty(), "No other policy is on the role.", foreign));
    for (field, what) in [
        ("role.tags", "The tags of the role are"),
        ("policy.tags", "The tags of the policy are"),
        ("role.maxSessionDuration", "The maximum session duration is"),
        ("role.suspension", "The kill switch is"),
        ("owner", "The owner of role and policy is"),
    ] {
        let (right, wrong) = stack_wants(what);
        claims.push(Claim::new(!differs(field), right, wrong));
    }
    claims.extend(simulation.claims(is_suspended));
    claims
}

fn edition(policy_name: &str, edition: Option<&str>, differs: bool) -> Claim {
    match edition {
        Some(edition) => {
            let right = format!("The policy {policy_name} is the edition {edition}.");
            let wrong = format!("The policy {policy_name} is the edition {edition}. The stack wants another one.");
            Claim::new(!differs, right, wrong)
        }
        None => Claim::new(false, "", format!("The policy {policy_name} is no published edition.")),
    }
}

fn boundary(arn: &Option<String>) -> String {
    match arn {
        Some(arn) => format!("Its permissions boundary is {arn}."),
        None => "It has no permissions boundary.".to_owned(),
    }
}

/// Whether the trust policy allows anybody beside the platform's account.
fn others(observed: &Value, role_arn: &str) -> bool {
    let mut parts = role_arn.split(':');
    let account = orchestera_access::account::Account {
        partition: parts.nth(1).unwrap_or("aws").to_owned(),
        id: parts.nth(2).unwrap_or_default().to_owned(),
    };
    if trust::is_closed_by_us(observed) && !trust::is_open(observed) {
        return false;
    }
    // Without a condition, which allows the platform with any external id.
    let widest = trust::document(&account, PLATFORM_ACCOUNT_ID, None);
    trust::narrowed(observed, &widest, PLATFORM_ACCOUNT_ID).is_some()
}

impl Report {
    /// Whether the platform can use the role as the stack wants it.
    pub fn is_good(&self) -> bool {
        self.state == State::Ready && self.claims.iter().all(|claim| claim.holds)
    }

    fn text(&self, is_colored: bool) -> String {
        let mut lines = vec![format!("Account {}: {}", self.account_id, self.state)];
        lines.extend(self.role_arn.iter().map(|arn| format!("Role ARN     {arn}")));
        lines.extend(self.external_id.iter().map(|id| format!("External ID  {id}")));
        lines.extend(self.guardrail_arn.iter().map(|arn| format!("Guardrail    {arn}")));
        let stack = self
            .stack
            .as_ref()
            .map(|stack| format!("Stack        {} ({}, release {})", stack.name, stack.status, stack.release()));
        lines.extend(stack);
        lines.extend(self.alarm_topic_arn.iter().map(|topic_arn| format!("Alarms       {}", alarms(topic_arn))));
        lines.push(String::new());
        let sign = |holds| mark(if holds { '✓' } else { '✗' }, is_colored);
        let mut lines: Vec<_> = lines.iter().map(|line| printable(line)).collect();
        lines.extend(self.claims.iter().map(|claim| format!("{} {}", sign(claim.holds), printable(&claim.sentence))));
        if !self.to_do.is_empty() {
            lines.push(format!("\n{}", printable(&self.to_do)));
        }
        format!("{}\n", lines.join("\n"))
    }
}
