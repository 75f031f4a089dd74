//! One event, one response.
//!
//! The event's address is read first. From there on, whatever happens becomes an [`Outcome`]: an event that cannot be
//! decoded, a client that cannot be built, a panic, the end of the time. Then the outcome is delivered, once.

use crate::budget::Budget;
use crate::delivery;
use crate::error::{Error, Kind, Result};
use crate::event::{Address, Envelope, Request};
use crate::http::Client;
use crate::response::{self, Outcome, Unfinished};
use crate::{log, sdk};
use aws_types::SdkConfig;
use futures_util::FutureExt;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

#[cfg(not(panic = "unwind"))]
compile_error!(
    "a panic must become a FAILED response: build with panic = \"unwind\" (cargo-lambda's own default is abort)"
);

/// The function's `Timeout`, where Lambda does not say how much of it is left.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a function does: the work of its custom resource.
#[expect(async_fn_in_trait, reason = "the runtime has one thread: no future needs to be Send")]
pub trait CustomResource {
    /// Builds what can be built before the first event, while Lambda gives the function a whole core. A failure is
    /// logged; the first event tries again, and its response can report it.
    async fn prepare(&self, _clients: &Clients) -> Result<()> {
        Ok(())
    }

    /// Works on one event. The future is dropped when the time to respond has come, and a panic in it becomes FAILED.
    ///
    /// # Errors
    /// [`Unfinished`] sends no response, so that Lambda invokes the function again with this event.
    async fn handle(&self, request: &Request, context: &Context<'_>) -> std::result::Result<Outcome, Unfinished>;

    /// Works on an event that CloudFormation did not send, such as a schedule's. Nobody waits for a response. The
    /// default refuses it.
    ///
    /// # Errors
    /// Lambda counts them, and invokes the function again if it was invoked asynchronously.
    async fn handle_other(&self, envelope: &Envelope<'_>, _context: &OtherContext<'_>) -> Result<()> {
        envelope.address().map(drop)
    }
}

/// What a resource can know and use while it works on an event of CloudFormation.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub address: &'a Address,
    pub invocation: &'a Invocation,
    pub budget: Budget,
    pub clients: &'a Clients,
}

/// The same for any other event.
#[derive(Clone, Copy, Debug)]
pub struct OtherContext<'a> {
    pub invocation: &'a Invocation,
    pub budget: Budget,
    pub clients: &'a Clients,
}

/// What Lambda says of an invocation.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The ARN under which the function was invoked.
    pub function_arn: String,
    /// When Lambda ends the invocation.
    pub deadline: Instant,
}

/// The HTTP client and the SDK's configuration. They are built when they are first needed and kept. If that fails, the
/// next use tries again.
#[derive(Debug, Default)]
pub struct Clients {
    http: OnceCell<Client>,
    configuration: OnceCell<SdkConfig>,
}

impl Clients {
    /// # Errors
    /// Those of [`Client::new`].
    pub async fn http(&self) -> Result<&Client> {
        self.http.get_or_try_init(async || Client::new()).await
    }

    /// For the SDK's clients.
    ///
    /// # Errors
    /// Those of [`sdk::configuration`].
    pub async fn configuration(&self) -> Result<&SdkConfig> {
        self.configuration.get_or_try_init(async || sdk::configuration(self.http().await?).await).await
    }
}

/// Why an invocation failed, as Lambda reports it: there was nobody to respond to, or the response was not
/// acknowledged.
#[derive(Debug)]
pub struct Failure {
    /// For Lambda's `errorType`.
    kind: &'static str,
    message: String,
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.kind.to_owned(), error_message: failure.message }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { kind: "EventNotHandled", message: error.to_string() }
    }
}

impl From<Unfinished> for Failure {
    fn from(unfinished: Unfinished) -> Self {
        Self { kind: "Unfinished", message: unfinished.waits_for }
    }
}

impl From<delivery::Undelivered> for Failure {
    fn from(error: delivery::Undelivered) -> Self {
        Self { kind: "ResponseNotDelivered", message: error.to_string() }
    }
}

/// A function that serves one custom resource.
#[derive(Debug, Default)]
pub struct Function<R> {
    resource: R,
    clients: Clients,
}

/// Runs the function until Lambda ends it: the log, the clients, and the loop over invocations.
///
/// # Errors
/// Those of the runtime, when Lambda cannot be reached.
pub async fn run(resource: impl CustomResource) -> std::result::Result<(), lambda_runtime::Error> {
    log::start();
    let function = &Function::new(resource);
    function.prepare().await;
    // Undecoded, because an event that the runtime cannot decode never reaches us, and gets no response.
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        // No invocation begins after its own deadline: if it is in the past, it comes from an emulator such as
        // cargo-lambda's.
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or(TIMEOUT);
        let function_arn = event.context.invoked_function_arn;
        function.handle(&event.payload, &Invocation { function_arn, deadline: Instant::now() + left }).await
    }))
    .await
}

impl<R: CustomResource> Function<R> {
    pub fn new(resource: R) -> Self {
        Self { resource, clients: Clients::default() }
    }

    /// Prepares for the first event.
    pub async fn prepare(&self) {
        match AssertUnwindSafe(self.resource.prepare(&self.clients)).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the clients could not be built; the next event tries again"),
            // The panic hook has logged it. The process must live on, or nobody could respond to the event.
            Err(_) => {}
        }
    }

    /// Handles one event and delivers its response.
    ///
    /// # Errors
    /// When there is nobody to respond to, or the response was not acknowledged. Lambda then invokes the function again.
    pub async fn handle(&self, payload: &RawValue, invocation: &Invocation) -> std::result::Result<(), Failure> {
        let budget = Budget::new(Instant::now(), invocation.deadline);
        let clients = &self.clients;
        let envelope = Envelope::open(payload)?;
        if !envelope.is_from_cloudformation() {
            return Ok(self.resource.handle_other(&envelope, &OtherContext { invocation, budget, clients }).await?);
        }
        let address = &envelope.address()?;
        let http = clients.http().await?;
        // The connection to the response's host is open by the time that there is a response. What is still under way
        // when this returns ends with it.
        let mut opening = JoinSet::new();
        if let Some(origin) = address.url.origin() {
            let http = http.clone();
            opening.spawn(async move { http.open_connections(&origin, 1).await });
        }
        let context = Context { address, invocation, budget, clients };
        let outcome =
            outcome(&envelope, address, budget, async |request| self.resource.handle(request, &context).await);
        let outcome = outcome.await.inspect_err(|unfinished| {
            let (waits_for, request_id) = (&unfinished.waits_for, &address.request_id);
            tracing::info!(waits_for, request_id, "no response yet; the next invocation continues");
        })?;
        let body = response::body(address, &outcome);
        log_outcome(address, &outcome);
        delivery::deliver(http, &address.url, &body, budget.delivery_ends).await?;
        tracing::info!("the response was acknowledged");
        Ok(())
    }
}

/// Works on the event until there is an outcome, at the latest when the time to respond has come. No AWS call is under
/// way after that.
///
/// # Errors
/// Those of `work`: there is no outcome yet.
pub async fn outcome(
    envelope: &Envelope<'_>,
    address: &Address,
    budget: Budget,
    work: impl AsyncFnOnce(&Request) -> std::result::Result<Outcome, Unfinished>,
) -> std::result::Result<Outcome, Unfinished> {
    let work = async {
        let request = match envelope.request() {
            Ok(request) => request,
            Err(error) => return Ok(Outcome::failed(address, error)),
        };
        tracing::info!(
            request_type = request.kind(),
            stack_id = address.stack_id,
            logical_id = address.logical_id,
            physical_id = address.physical_id,
            request_id = address.request_id,
            "event received"
        );
        // Boxed: the types of futures within futures are nested deeper than the compiler accepts.
        Box::pin(work(&request)).await
    };
    match timeout_at(budget.answer_by, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        // The panic hook has logged it.
        Ok(Err(_)) => Ok(Outcome::failed(address, panicked(address))),
        Err(_) => Ok(Outcome::failed(address, out_of_time())),
    }
}

fn panicked(address: &Address) -> Error {
    Error::new(
        Kind::Bug,
        format!(
            "The function has a defect and stopped in the middle of its work. Retry the stack operation, which continues from \
             the existing state. If it stops again, report the lines of the function's log that contain the request id {}.",
            address.request_id
        ),
    )
}

fn out_of_time() -> Error {
    Error::new(
        Kind::OutOfTime,
        "The function ran out of time in the middle of its work. It is not known how much was done. Retry the stack \
         operation, which continues from the existing state.",
    )
}

fn log_outcome(address: &Address, outcome: &Outcome) {
    let (status, physical_id, reason) = (outcome.status(), outcome.physical_id(), outcome.reason());
    let request_id = &address.request_id;
    match outcome {
        Outcome::Success { .. } => tracing::info!(status, physical_id, reason, request_id, "responding"),
        Outcome::Failed { error, .. } => {
            let (kind, cause) = (error.kind(), error.cause());
            tracing::error!(status, physical_id, reason, ?kind, cause, request_id, "responding");
        }
    }
}
