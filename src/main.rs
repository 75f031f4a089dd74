//! The Lambda function: logging, clients, and the loop over invocations. Everything else is in the library.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use orchestera_access::handler::{Function, Invocation};
use orchestera_access::logging;
use serde_json::value::RawValue;
use std::time::SystemTime;
use tokio::time::Instant;

/// One event at a time and nothing to compute: one thread is enough, and starts faster.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let function = &Function::default();
    function.prepare().await;
    // Undecoded, because what the runtime cannot decode never reaches us, and is never answered.
    run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let function_arn = event.context.invoked_function_arn;
        function.handle(&event.payload, &Invocation { function_arn, deadline: Instant::now() + left }).await
    }))
    .await
}
