//! The Lambda function. Everything is in the libraries.

use orchestera_access::handler::Access;

/// One event at a time and nothing to compute: one thread is enough, and starts faster.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    custom_resource::run(Access::default()).await
}
