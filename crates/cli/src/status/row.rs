//! A row of the table of all accounts.

use crate::accounts::ListedAccount;
use crate::arguments::Printing;
use crate::assessment::{Assessment, State};
use crate::output::{self, Rows};
use crate::stack::Stack;
use custom_resource::Result;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The columns, in csv and in JSON. New ones are only ever added at the end.
pub const COLUMNS: [&str; 14] = [
    "account_id",
    "account_name",
    "state",
    "role_arn",
    "external_id",
    "guardrail_arn",
    "edition",
    "drifted_fields",
    "foreign_policies",
    "stack",
    "stack_status",
    "release",
    "to_do",
    "failed_call",
];

/// The columns for people.
const SHOWN: [&str; 6] = ["account_id", "account_name", "state", "edition", "release", "to_do"];

/// What is known of one account.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub account_id: String,
    pub account_name: String,
    pub state: State,
    pub role_arn: Option<String>,
    pub external_id: Option<String>,
    pub guardrail_arn: Option<String>,
    pub edition: Option<&'static str>,
    pub drifted_fields: Vec<&'static str>,
    pub foreign_policies: Vec<String>,
    pub stack: Option<StackOfRow>,
    /// One sentence. Blank if there is nothing to do.
    pub to_do: String,
    /// The call that failed, with AWS's code, such as `AssumeRole: AccessDenied`. Blank if none did.
    pub failed_call: String,
}

/// What a row keeps of a stack. Ten thousand stacks with all their parameters would take much memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackOfRow {
    pub name: String,
    pub status: String,
    pub release: String,
}

impl From<Stack> for StackOfRow {
    fn from(stack: Stack) -> Self {
        let release = stack.release().to_owned();
        Self { name: stack.name, status: stack.status, release }
    }
}

impl Row {
    /// An account that could not be read, or that needs no reading.
    pub fn unread(account: &ListedAccount, state: State, to_do: String, failed_call: String) -> Self {
        Self {
            account_id: account.id.clone(),
            account_name: account.name.clone(),
            state,
            role_arn: None,
            external_id: None,
            guardrail_arn: None,
            edition: None,
            drifted_fields: Vec::new(),
            foreign_policies: Vec::new(),
            stack: None,
            to_do,
            failed_call,
        }
    }

    /// An account that was read.
    pub fn of(account: &ListedAccount, found: Assessment, stack: Option<Stack>, failed_call: String) -> Self {
        Self {
            account_id: account.id.clone(),
            account_name: account.name.clone(),
            state: found.state,
            role_arn: found.role_arn,
            external_id: found.external_id,
            guardrail_arn: found.guardrail_arn,
            edition: found.edition,
            drifted_fields: found.differences.iter().map(|difference| difference.field).collect(),
            foreign_policies: found.foreign_policies,
            stack: stack.map(StackOfRow::from),
            to_do: found.to_do,
            failed_call,
        }
    }

    /// A value for each of [`COLUMNS`].
    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.account_id),
            json!(self.account_name),
            json!(self.state),
            json!(self.role_arn),
            json!(self.external_id),
            json!(self.guardrail_arn),
            json!(self.edition),
            json!(self.drifted_fields),
            json!(self.foreign_policies),
            json!(self.stack.as_ref().map(|stack| &stack.name)),
            json!(self.stack.as_ref().map(|stack| &stack.status)),
            json!(self.stack.as_ref().map(|stack| &stack.release)),
            json!(self.to_do),
            json!(self.failed_call),
        ]
    }
}

/// Prints the rows.
///
/// # Errors
/// If they cannot be written.
pub fn print(printing: &Printing, rows: &[Row], is_partial: bool) -> Result<()> {
    let about = Map::from_iter([("partial".to_owned(), json!(is_partial))]);
    let rows = rows.iter().map(Row::values).collect();
    output::rows(printing, &Rows { columns: &COLUMNS, rows, about, name: "accounts", shown: &SHOWN })
}

/// How many accounts are in which state.
pub fn summary(rows: &[Row]) -> String {
    let mut counts = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(row.state).or_insert(0) += 1);
    let counts: Vec<_> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let accounts = if rows.len() == 1 { "account" } else { "accounts" };
    format!("{} {accounts}: {}", rows.len(), counts.join(", "))
}
