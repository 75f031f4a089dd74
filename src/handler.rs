//! One event, one answer.
//!
//! The event's address is read first; from there on, whatever happens becomes an [`Outcome`]: what cannot be decoded, a
//! client that cannot be built, a panic, the end of the time. Then the outcome is delivered, once.

use crate::account::Account;
use crate::budget::Budget;
use crate::callback;
use crate::cloudformation::aws::AwsStacks;
use crate::drift::Check;
use crate::drift_check;
use crate::error::{Error, Kind, Result};
use crate::goal::{Goal, goal};
use crate::http;
use crate::iam::Iam;
use crate::iam::aws::{AwsIam, endpoint};
use crate::logging;
use crate::member::MemberRole;
use crate::physical_id;
use crate::reconcile::external_id;
use crate::reconcile::{self, Reached};
use crate::request::{Address, Envelope};
use crate::response::{self, Outcome};
use crate::sdk;
use crate::sts::aws::AwsSts;
use aws_types::SdkConfig;
use futures_util::FutureExt;
use serde_json::value::RawValue;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

#[cfg(not(panic = "unwind"))]
compile_error!(
    "a panic must become a FAILED answer: build with panic = \"unwind\" (cargo-lambda's own default is abort)"
);

/// The connections to IAM that are opened ahead: as many as there are reads in the widest round of a Create or an Update.
pub const CONNECTIONS: usize = 6;

/// What Lambda tells of an invocation.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The ARN under which the function was invoked.
    pub function_arn: String,
    /// When Lambda will end it.
    pub deadline: Instant,
}

/// The function: its clients, built when they are first needed and kept, unless they could not be.
#[derive(Default)]
pub struct Function {
    http: OnceCell<http::Client>,
    configuration: OnceCell<SdkConfig>,
    iam: OnceCell<AwsIam>,
}

impl Function {
    /// Builds the clients ahead of the first event, while Lambda lends the whole of a core. A failure here is left for the
    /// event, which can be answered.
    pub async fn prepare(&self) {
        match AssertUnwindSafe(self.open_connections()).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the clients could not be built; the next event tries again"),
            // Logged by the panic hook. The process must live on, or the event would find nobody to answer it.
            Err(_) => {}
        }
    }

    /// Handles one event and delivers its answer.
    ///
    /// # Errors
    /// When nobody can be answered, or the answer was not acknowledged. Lambda then invokes the function again.
    pub async fn handle(
        &self,
        payload: &RawValue,
        invocation: &Invocation,
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let budget = Budget::new(Instant::now(), invocation.deadline);
        let envelope = Envelope::open(payload)?;
        if let Some(check) = envelope.drift_check()? {
            return Ok(self.check_drift(&check, invocation, budget).await?);
        }
        let address = envelope.address()?;
        // Open by the time that there is an answer. Whether it is, delivery finds out.
        drop(self.http().await?.open_ahead(address.url.expose(), 1));
        let outcome =
            decide(&envelope, &address, invocation, budget, async |role| self.connect(role, &budget).await).await;
        let body = response::body(&address, &outcome);
        log_outcome(&address, &outcome);
        callback::deliver(self.http().await?, &address.url, &body, budget.delivery_ends).await?;
        tracing::info!("the answer was acknowledged");
        Ok(())
    }

    /// Nobody waits for an answer: the outcome goes to the log, and a failure too, which Lambda counts and repeats once.
    async fn check_drift(&self, check: &Check, invocation: &Invocation, budget: Budget) -> Result<()> {
        let own = Account::of_function(&invocation.function_arn, None)?;
        let stacks = AwsStacks::new(self.configuration().await?);
        let checked =
            Box::pin(drift_check::run(check, &own, budget, &stacks, async |role| self.connect(role, &budget).await))
                .await;
        match checked {
            Ok(drift_check::Outcome::Skipped(status)) => {
                tracing::info!(status, "no drift check while the stack is worked on")
            }
            Ok(drift_check::Outcome::Checked(line)) => logging::line(&line),
            Err(error) => {
                tracing::error!(reason = error.reason(), cause = error.cause(), "the drift check failed");
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether they could be opened is for the calls to find out.
    async fn open_connections(&self) -> Result<()> {
        self.iam().await?;
        if let Some(endpoint) = endpoint(self.configuration().await?).await {
            self.http().await?.open_ahead(&endpoint, CONNECTIONS).await;
        }
        Ok(())
    }

    async fn http(&self) -> Result<&http::Client> {
        self.http.get_or_try_init(async || http::Client::new()).await
    }

    async fn iam(&self) -> Result<&AwsIam> {
        self.iam.get_or_try_init(async || Ok(AwsIam::new(self.configuration().await?))).await
    }

    async fn configuration(&self) -> Result<&SdkConfig> {
        self.configuration.get_or_try_init(async || sdk::configuration(self.http().await?)).await
    }

    /// IAM with the function's own rights, or in the member account with a session of its role.
    async fn connect(&self, member_role: Option<&MemberRole>, budget: &Budget) -> Result<Box<AwsIam>> {
        let iam = match member_role {
            // Boxed for the same reason as in `decide`.
            Some(role) => {
                let sts = AwsSts::new(self.configuration().await?);
                Box::pin(role.assume(&sts, budget)).await?
            }
            None => self.iam().await?.clone(),
        };
        Ok(Box::new(iam))
    }
}

/// Works on the event until there is an outcome, which there is at the latest when the time to answer has come. No AWS call
/// is under way after that.
pub async fn decide<I: Iam, D: Deref<Target = I>>(
    envelope: &Envelope,
    address: &Address,
    invocation: &Invocation,
    budget: Budget,
    connect: impl AsyncFnOnce(Option<&MemberRole>) -> Result<D>,
) -> Outcome {
    let work = async {
        let request = envelope.request()?;
        tracing::info!(
            request_type = request.kind(),
            stack_id = address.stack_id,
            logical_id = address.logical_id,
            physical_id = address.physical_id,
            request_id = address.request_id,
            "event received"
        );
        let own = Account::of_function(&invocation.function_arn, address.service_token.as_deref())?;
        let goal = goal(&request, &own, &address.resource(), &external_id::random()?)?;
        if matches!(goal, Goal::Nothing) {
            return Ok(Reached::default());
        }
        match connect(goal.member_role()).await {
            // Boxed: the types of what is inside are nested deeper than the compiler likes to look.
            Ok(iam) => Box::pin(reconcile::reach(&goal, &*iam, budget)).await,
            // A Create that could not assume the member role created nothing. Its Delete must not fail for the same reason.
            Err(error) if matches!(error.kind(), Kind::Denied | Kind::Refused) && goal.is_left_from_failed_create() => {
                Ok(Reached { note: error.reason(), ..Reached::default() })
            }
            Err(error) => Err(error),
        }
    };
    match timeout_at(budget.answer_by, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(Ok(reached))) => succeeded(address, reached),
        Ok(Ok(Err(error))) => failed(address, error),
        // The panic hook has logged it.
        Ok(Err(_)) => failed(address, panicked(address)),
        Err(_) => failed(address, out_of_time()),
    }
}

/// SUCCESS, under the id in the event. Only a Create has none.
fn succeeded(address: &Address, reached: Reached) -> Outcome {
    let Reached { id, attributes, note } = reached;
    let new = || id.map(|id| id.to_string()).unwrap_or_default();
    Outcome::Success { physical_id: address.physical_id.clone().unwrap_or_else(new), attributes, note }
}

/// FAILED, under the id in the event. A Create that failed has an id of its own, so that its Delete is recognised.
fn failed(address: &Address, error: Error) -> Outcome {
    let of_create = || physical_id::of_failed_create(&address.logical_id, &address.request_id);
    Outcome::Failed { physical_id: address.physical_id.clone().unwrap_or_else(of_create), error }
}

fn panicked(address: &Address) -> Error {
    Error::new(
        Kind::Bug,
        format!(
            "The function has a defect and stopped in the middle of its work. Retry the stack operation, which carries on \
             from what is there; if it stops again, report the lines of the function's log that hold the request id {}.",
            address.request_id
        ),
    )
}

fn out_of_time() -> Error {
    Error::new(
        Kind::OutOfTime,
        "The time of the function ended in the middle of its work, so that it is not known how much of it was done. Retry the \
         stack operation, which carries on from what is there.",
    )
}

fn log_outcome(address: &Address, outcome: &Outcome) {
    let (status, physical_id, reason) = (outcome.status(), outcome.physical_id(), outcome.reason());
    let request_id = &address.request_id;
    match outcome {
        Outcome::Success { .. } => tracing::info!(status, physical_id, reason, request_id, "answering"),
        Outcome::Failed { error, .. } => {
            let (kind, cause) = (error.kind(), error.cause());
            tracing::error!(status, physical_id, reason, ?kind, cause, request_id, "answering");
        }
    }
}
