//! `orchestera aws-config --check`: who each of our profiles is.

use super::block::{Block, Present};
use super::config_text::Kind;
use crate::arguments::{Connection, Printing};
use crate::output::{self, Rows};
use crate::session;
use crate::verdict::Verdict;
use custom_resource::error::Result;
use serde_json::{Map, Value, json};
use std::path::Path;

const COLUMNS: [&str; 5] = ["profile", "state", "account", "arn", "what_to_do"];

/// Asks AWS who each profile of the block is.
///
/// # Errors
/// If the result cannot be printed.
pub async fn run(connection: &Connection, printing: &Printing, path: &Path, block: &Block) -> Result<Verdict> {
    let mut rows = Vec::new();
    let mut is_good = true;
    // One after the other: the first call with a session of Identity Center may refresh its token for the others.
    for profile in block.sections.iter().filter(|section| section.name.kind == Kind::Profile) {
        // The profile with which IAM users sign in says nothing of its account.
        let expected = profile.account_id().or(block.management_account_id.as_deref());
        let row = checked(connection, profile, expected).await;
        is_good &= matches!(row.state, "ok" | "not checked");
        let cells = [row.account, row.arn, row.what_to_do];
        let cells = cells.into_iter().map(|cell| cell.map_or(Value::Null, Value::String));
        rows.push([json!(profile.name.name), json!(row.state)].into_iter().chain(cells).collect());
    }
    let about = Map::from_iter([("path".to_owned(), json!(path.display().to_string()))]);
    output::rows(printing, &Rows { columns: &COLUMNS, rows, about, name: "profiles", shown: &COLUMNS })?;
    Ok(Verdict::of(is_good))
}

struct Row {
    state: &'static str,
    account: Option<String>,
    arn: Option<String>,
    what_to_do: Option<String>,
}

async fn checked(connection: &Connection, profile: &Present, expected: Option<&str>) -> Row {
    let name = &profile.name.name;
    let row = |state, what_to_do| Row { state, account: None, arn: None, what_to_do };
    if profile.value("mfa_serial").is_some() {
        // The SDK cannot ask for the code.
        let command = format!("aws sts get-caller-identity --profile {name}");
        return row("not checked", Some(format!("The profile asks for an MFA code. Run: {command}")));
    }
    let own = Connection { profile: Some(name.clone()), mfa_serial: None, ..connection.clone() };
    let caller = match session::of_profile(&own, Some(name)).await {
        Ok(session) => session.caller,
        Err(error) => return row("failed", Some(error.reason())),
    };
    let other = expected.filter(|expected| **expected != caller.account.id);
    let (state, what_to_do) = match other {
        None => ("ok", None),
        Some(id) => (
            "wrong account",
            Some(format!("The profile leads to another account than {id}. Write it again: orchestera aws-config")),
        ),
    };
    Row { state, account: Some(caller.account.id), arn: Some(caller.arn), what_to_do }
}
