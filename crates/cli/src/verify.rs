//! `orchestera verify`: whether the role of this account is correct, who may assume it, and what it may do.

use crate::Verdict;
use crate::arguments::{Connection, Printing, Verify as Options};
use crate::assessment::{Assessment, State, account_and_region, assess, stack_id};
use crate::member::in_region;
use crate::output::{self, has_color, mark, printable};
use crate::session::{self, Session};
use crate::stack::{Stack, Stacks};
use custom_resource::{Budget, Kind, Result};
use orchestera_access::account::PLATFORM_ACCOUNT_ID;
use orchestera_access::iam::aws::AwsIam;
use orchestera_access::physical_id::{PhysicalId, is_policy_name, is_role_name};
use orchestera_access::reconcile::observe::{Expected, ReadScope, observe};
use orchestera_access::reconcile::state::State as Observed;
use orchestera_access::trust;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

mod simulation;

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
    pub to_do: String,
    pub claims: Vec<Claim>,
}

/// Something that is or is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    pub holds: bool,
    pub sentence: String,
}

impl Claim {
    fn new(holds: bool, sentence: impl Into<String>) -> Self {
        Self { holds, sentence: sentence.into() }
    }
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
        stack,
        foreign_policies: found.foreign_policies,
        to_do: found.to_do,
        claims,
    }
}

/// What is claimed of the role. Each claim holds, or something is wrong.
pub fn claims(id: &PhysicalId, observed: &Observed, found: &Assessment, simulation: &Simulation) -> Vec<Claim> {
    let Some(role) = &observed.role else {
        return vec![Claim::new(false, format!("The role {} exists.", id.role_name))];
    };
    let is_suspended = found.state == State::Suspended;
    let differs = |field: &str| found.differences.iter().any(|difference| difference.field == field);
    let mut claims = vec![Claim::new(true, format!("The role {} exists.", id.role_name))];
    let admits = trust::admits(&role.about.trust, PLATFORM_ACCOUNT_ID);
    claims.push(match is_suspended {
        true => Claim::new(
            !admits,
            format!("The platform, account {PLATFORM_ACCOUNT_ID}, cannot assume it: it is suspended."),
        ),
        false => Claim::new(admits, format!("The platform, account {PLATFORM_ACCOUNT_ID}, may assume it.")),
    });
    let others = others(&role.about.trust, &role.about.arn);
    claims.push(Claim::new(!others, "Nobody else may assume it.".to_owned()));
    claims.push(match &found.external_id {
        Some(external_id) => {
            Claim::new(!differs("role.externalId"), format!("It asks for the external id {external_id}."))
        }
        None => {
            Claim::new(!differs("role.externalId") && !differs("role.trust"), "It asks for no external id.".to_owned())
        }
    });
    claims.push(Claim::new(!differs("role.trust"), "Its trust policy is as the stack wants it."));
    let edition = match found.edition {
        Some(edition) => format!("The policy {} is the edition {edition}.", id.policy_name),
        None => format!("The policy {} is a published edition.", id.policy_name),
    };
    claims.push(Claim::new(found.edition.is_some() && !differs("policy.document"), edition));
    let attached =
        if is_suspended { "The policy is detached: it is suspended." } else { "The policy is attached to the role." };
    claims.push(Claim::new(!differs("role.attachment") && !differs("policy"), attached));
    claims.push(Claim::new(!differs("role.permissionsBoundary"), boundary(&role.about.permissions_boundary)));
    claims.push(Claim::new(found.foreign_policies.is_empty(), foreign(&found.foreign_policies)));
    claims.push(Claim::new(
        !differs("role.tags") && !differs("policy.tags"),
        "The tags of both are as the stack wants them.",
    ));
    let rest = ["role.maxSessionDuration", "role.suspension", "owner"].map(differs);
    claims.push(Claim::new(rest == [false; 3], "Session duration, suspension and owner are as the stack wants them."));
    claims.extend(simulation.claims(is_suspended));
    claims
}

fn boundary(arn: &Option<String>) -> String {
    match arn {
        Some(arn) => format!("Its permissions boundary is {arn}."),
        None => "It has no permissions boundary.".to_owned(),
    }
}

fn foreign(policies: &[String]) -> String {
    match policies {
        [] => "No other policy is on the role.".to_owned(),
        policies => format!("No other policy is on the role. Found: {}.", policies.join(", ")),
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
        lines.push(String::new());
        let sign = |holds| mark(if holds { '✓' } else { '✗' }, is_colored);
        lines.extend(self.claims.iter().map(|claim| format!("{} {}", sign(claim.holds), claim.sentence)));
        if !self.to_do.is_empty() {
            lines.push(format!("\n{}", self.to_do));
        }
        let lines: Vec<_> = lines.iter().map(|line| keep_color(line, is_colored)).collect();
        format!("{}\n", lines.join("\n"))
    }
}

/// Text of others without control characters. The colors are ours.
fn keep_color(line: &str, is_colored: bool) -> String {
    let is_ours = is_colored && line.starts_with('\u{1b}');
    if is_ours || line.starts_with('\n') { line.to_owned() } else { printable(line) }
}

/// For tests: a report as JSON.
impl From<&Report> for Value {
    fn from(report: &Report) -> Self {
        json!(report)
    }
}
