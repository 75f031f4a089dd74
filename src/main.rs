//! The Lambda function: logging, clients, and the loop over invocations. Everything else is in the library.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use orchestera_access::handler::{Function, Invocation};
use orchestera_access::logging;
use serde_json::value::RawValue;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The function's `Timeout`, where Lambda does not tell how much of it is left.
const TIMEOUT: Duration = Duration::from_secs(60);

/// One event at a time and nothing to compute: one thread is enough, and starts faster.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let function = &Function::default();
    function.prepare().await;
    // Undecoded, because what the runtime cannot decode never reaches us, and is never answered.
    run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        // No invocation begins after its own deadline: one in the past is an emulator's, as cargo-lambda's is.
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or(TIMEOUT);
        let function_arn = event.context.invoked_function_arn;
        function.handle(&event.payload, &Invocation { function_arn, deadline: Instant::now() + left }).await
    }))
    .await
}
