//! The function's program: everything that it does is in the library.

use custom_resource::run;
use orchestera_organization::environment::Environment;
use orchestera_organization::handler::OrganizationFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    run(OrganizationFunction::new(Environment::read())).await
}
