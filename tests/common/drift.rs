//! A drift check as the schedule asks for it.

use super::opened;
use super::runbook::assert_explained;
use super::stack::Stack;
use custom_resource::{Budget, Result};
use orchestera_access::account::Account;
use orchestera_access::cloudformation::Stacks;
use orchestera_access::drift_check::{self, Check, Outcome};
use orchestera_access::iam::Iam;
use orchestera_access::sts::Sts;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

struct Status(&'static str);

impl Stacks for Status {
    async fn status(&self, _: &str) -> Result<String> {
        Ok(self.0.to_owned())
    }
}

/// What the schedule of [`Stack::new`] sends, while its stack is in that status.
pub async fn check(iam: &impl Iam, mode: &str, properties: Value, status: &'static str) -> Result<Outcome> {
    check_of(&Stack::new(iam), mode, properties, status).await
}

/// What the schedule of a stack sends.
pub async fn check_of<I: Iam, S: Sts>(
    stack: &Stack<'_, I, S>,
    mode: &str,
    properties: Value,
    status: &'static str,
) -> Result<Outcome> {
    let event = json!({"DriftCheck": {
        "Mode": mode, "StackId": stack.stack_id, "LogicalResourceId": "Access", "ResourceProperties": properties,
    }});
    let check = Check::read(&opened(&event)).unwrap().unwrap();
    let own = Account { partition: "aws".into(), id: stack.function_account.clone() };
    let start = Instant::now();
    let budget = Budget::new(start, start + Duration::from_secs(60));
    let checked = drift_check::run(&check, &own, budget, &Status(status), async |_| Ok(stack.iam)).await;
    checked.inspect_err(|error| assert_explained(&error.reason()))
}

/// The line of the log, after an update that ended well.
pub async fn line(iam: &impl Iam, mode: &str, properties: Value) -> Value {
    match check(iam, mode, properties, "UPDATE_COMPLETE").await.unwrap() {
        Outcome::Checked(line) => line,
        other => panic!("{other:?}"),
    }
}

/// The fields that differ.
pub fn fields(line: &Value) -> Vec<&str> {
    line["Drift"].as_array().unwrap().iter().map(|one| one["Field"].as_str().unwrap()).collect()
}
