//! `Custom::OrchesteraAccess`: in which account an event is worked on, and with which clients.

use crate::account::Account;
use crate::cloudformation::aws::AwsStacks;
use crate::drift_check::{self, Check};
use crate::goal::{Goal, goal};
use crate::iam::Iam;
use crate::iam::aws::{AwsIam, endpoint};
use crate::member::MemberRole;
use crate::metrics::{self, CHECKS};
use crate::ownership::Resource;
use crate::reconcile::{self, Reached, external_id};
use crate::sts::aws::AwsSts;
use custom_resource::call::has_unknown_credentials;
use custom_resource::event::Envelope;
use custom_resource::function::{Clients, Invocation, OtherContext};
use custom_resource::{Address, Budget, Context, CustomResource, Kind, Outcome, Request, Result, Unfinished, log};
use std::ops::Deref;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// The connections to IAM that are opened before the first event: as many as there are reads in the widest round of a
/// Create or an Update.
pub const CONNECTIONS: usize = 6;

/// The most sessions in a member account that one event uses, and the time between two.
const MOST_SESSIONS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// The access function.
#[derive(Debug, Default)]
pub struct Access {
    iam: OnceCell<AwsIam>,
}

impl CustomResource for Access {
    async fn prepare(&self, clients: &Clients) -> Result<()> {
        self.iam(clients).await?;
        if let Some(endpoint) = endpoint(clients.configuration().await?).await {
            clients.http().await?.open_connections(&endpoint, CONNECTIONS).await;
        }
        Ok(())
    }

    async fn handle(&self, request: &Request, context: &Context<'_>) -> std::result::Result<Outcome, Unfinished> {
        let Context { address, invocation, budget, clients } = context;
        let connect = async |role: Option<&MemberRole>| self.connect(role, clients, budget).await;
        let outcome = decide(request, address, invocation, *budget, connect).await;
        // The alarm for two days without a check begins with this.
        if matches!(outcome, Outcome::Success { .. }) && !matches!(request, Request::Delete { .. }) {
            log::line(&metrics::line(&address.stack_id, &[(CHECKS, 1)]));
        }
        Ok(outcome)
    }

    /// A drift check. The outcome goes to the log, and a failure too, which Lambda counts and repeats once.
    async fn handle_other(&self, envelope: &Envelope<'_>, context: &OtherContext<'_>) -> Result<()> {
        let Some(check) = Check::read(envelope)? else { return envelope.address().map(drop) };
        let OtherContext { invocation, budget, clients } = context;
        let own = Account::of_function(&invocation.function_arn, None)?;
        let stacks = AwsStacks::new(clients.configuration().await?);
        let connect = async |role: Option<&MemberRole>| self.connect(role, clients, budget).await;
        let checked = Box::pin(drift_check::run(&check, &own, *budget, &stacks, connect)).await;
        match checked {
            Ok(drift_check::Outcome::Skipped(line) | drift_check::Outcome::Checked(line)) => log::line(&line),
            Err(error) => {
                tracing::error!(reason = error.reason(), cause = error.cause(), "the drift check failed");
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Access {
    async fn iam(&self, clients: &Clients) -> Result<&AwsIam> {
        self.iam.get_or_try_init(async || Ok(AwsIam::new(clients.configuration().await?))).await
    }

    /// IAM with the function's own rights, or in the member account with a session of its role.
    async fn connect(&self, role: Option<&MemberRole>, clients: &Clients, budget: &Budget) -> Result<Box<AwsIam>> {
        let iam = match role {
            // Boxed for the same reason as in `decide`.
            Some(role) => Box::pin(role.assume(&AwsSts::new(clients.configuration().await?), budget)).await?,
            None => self.iam(clients).await?.clone(),
        };
        Ok(Box::new(iam))
    }
}

/// Works on one event of CloudFormation. `connect` yields IAM: with the function's own rights, or with a session of the
/// role.
pub async fn decide<I: Iam, D: Deref<Target = I>>(
    request: &Request,
    address: &Address,
    invocation: &Invocation,
    budget: Budget,
    connect: impl AsyncFn(Option<&MemberRole>) -> Result<D>,
) -> Outcome {
    let work = async {
        let own = Account::of_function(&invocation.function_arn, address.service_token.as_deref())?;
        // A Delete must not depend on the system's randomness.
        let random = match request {
            Request::Delete { .. } => String::new(),
            Request::Create { .. } | Request::Update { .. } => external_id::random()?,
        };
        let goal = goal(request, &own, &Resource::from(address), &random)?;
        if matches!(goal, Goal::Nothing) {
            return Ok(Reached::default());
        }
        let mut sessions = 1;
        loop {
            match attempt(&goal, budget, &connect).await {
                // IAM may never learn of this session. It may know the next one.
                Err(error)
                    if has_unknown_credentials(&error)
                        && goal.member_role().is_some()
                        && sessions < MOST_SESSIONS
                        && budget.may_write_after(PAUSE) =>
                {
                    tracing::info!(cause = error.cause(), "trying again with a new session");
                    sleep(PAUSE).await;
                    sessions += 1;
                }
                reached => return reached,
            }
        }
    };
    match work.await {
        Ok(Reached { id, attributes, note }) => {
            // The id in the event. Only a Create has none.
            let new = || id.map(|id| id.to_string()).unwrap_or_default();
            Outcome::Success { physical_id: address.physical_id.clone().unwrap_or_else(new), attributes, note }
        }
        Err(error) => Outcome::failed(address, error),
    }
}

/// Reaches the goal with one session.
async fn attempt<I: Iam, D: Deref<Target = I>>(
    goal: &Goal,
    budget: Budget,
    connect: &impl AsyncFn(Option<&MemberRole>) -> Result<D>,
) -> Result<Reached> {
    let connected = connect(goal.member_role()).await;
    // The member role can be assumed before its own rights have arrived: they are waited for from here on.
    let budget = if goal.member_role().is_some() { budget.starting_now() } else { budget };
    match connected {
        // Boxed: the types of futures within futures are nested deeper than the compiler accepts.
        Ok(iam) => Box::pin(reconcile::reach(goal, &*iam, budget)).await,
        // A Create that could not assume the member role created nothing. Its Delete must not fail for the same reason.
        Err(error) if matches!(error.kind(), Kind::Denied | Kind::Refused) && goal.is_left_from_failed_create() => {
            Ok(Reached { note: error.reason(), ..Reached::default() })
        }
        Err(error) => Err(error),
    }
}
