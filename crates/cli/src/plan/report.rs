//! A plan, as people and programs read it.

use super::outcome::{Asked, Outcome, PLACEHOLDER_EXTERNAL_ID};
use crate::arguments::Printing;
use crate::output::{self, has_color, mark, printable};
use custom_resource::{Request, Result};
use orchestera_access::iam::{Iam, Operation, Write};
use orchestera_access::ownership::{ADOPTED, CREATED, OWNERSHIP};
use orchestera_access::policy;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// See the module.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `create`, `update` or `delete`.
    pub operation: &'static str,
    pub account_id: String,
    pub stack: String,
    /// Whether the function would answer with success.
    pub succeeds: bool,
    /// What the function would answer if it fails. Blank otherwise.
    pub reason: String,
    pub role: Effect,
    pub policy: Effect,
    /// The calls to IAM, in their order.
    pub writes: Vec<String>,
    pub permissions_added: Vec<String>,
    pub permissions_removed: Vec<String>,
    pub notes: Vec<String>,
    /// The properties of the custom resource.
    pub properties: Value,
    /// The SNS topic of the stack's alarms. Blank if it has none.
    pub alarm_topic_arn: String,
    /// The attributes that the resource would have. Ids of a stack that does not exist are placeholders.
    pub attributes: Value,
}

/// What happens to the role or to the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Created,
    /// Created by hand before. The stack takes it over, and records how it was.
    Adopted,
    Changed,
    /// As it was before it was adopted.
    Restored,
    Deleted,
    /// Nobody can assume the role any more.
    Closed,
    Unchanged,
    /// Somebody else's. Nothing is changed.
    Refused,
}

impl Effect {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Adopted => "adopted",
            Self::Changed => "changed",
            Self::Restored => "restored",
            Self::Deleted => "deleted",
            Self::Closed => "closed",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

impl Report {
    pub async fn new(asked: &Asked, stack: &str, outcome: Outcome, iam: &impl Iam, notes: Vec<String>) -> Self {
        let Outcome { writes, answer } = outcome;
        let (operation, properties) = match &asked.request {
            Request::Create { properties } => ("create", properties),
            Request::Update { properties, .. } => ("update", properties),
            Request::Delete { properties, .. } => ("delete", properties),
        };
        let refusal = answer.as_ref().err().map(|error| error.reason());
        let effect = |is_of: fn(&Write) -> bool| {
            let writes: Vec<_> = writes.iter().filter(|write| is_of(write)).collect();
            effect(&writes, operation, refusal.is_some())
        };
        let policy = effect(|write| !is_of_role(write));
        let (added, removed) = match policy {
            // Also one that was created and deleted again.
            Effect::Unchanged | Effect::Refused => (Vec::new(), Vec::new()),
            _ => permissions(&writes, iam).await,
        };
        let (attributes, note) = match &answer {
            Ok(reached) => (json!(reached.attributes), reached.note.clone()),
            Err(_) => (json!({}), String::new()),
        };
        let mut notes = notes;
        notes.extend(Some(note).filter(|note| !note.is_empty()));
        let is_given = |properties: &Value| properties["ExternalId"].as_str().is_some_and(|id| !id.is_empty());
        let mut properties = properties.clone();
        if is_given(&properties) {
            // As CloudFormation shows a parameter with NoEcho.
            properties["ExternalId"] = json!(crate::stack::MASKED);
        }
        Self {
            operation,
            account_id: account_id(asked, &properties),
            stack: stack.to_owned(),
            succeeds: refusal.is_none(),
            role: effect(is_of_role),
            policy,
            reason: refusal.unwrap_or_default(),
            writes: writes.iter().map(ToString::to_string).collect(),
            permissions_added: added,
            permissions_removed: removed,
            notes,
            properties,
            alarm_topic_arn: String::new(),
            attributes,
        }
    }

    /// The same, of a stack with that topic for its alarms.
    pub fn with_alarms(self, topic_arn: &str) -> Self {
        Self { alarm_topic_arn: topic_arn.to_owned(), ..self }
    }

    /// Prints it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn print(&self, printing: &Printing) -> Result<()> {
        output::report(printing, &self.text(has_color(printing)), self)
    }

    /// For people.
    pub fn text(&self, is_colored: bool) -> String {
        let mut text = String::new();
        let verb = match self.operation {
            "create" => "Creating",
            "update" => "Updating",
            _ => "Deleting",
        };
        let result = if self.succeeds { "would succeed" } else { "would fail" };
        let sign = mark(if self.succeeds { '✓' } else { '✗' }, is_colored);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{sign} {verb} the stack {} {result} in account {}.", self.stack, self.account_id);
        if !self.reason.is_empty() {
            let _ = writeln!(text, "\n  The function would answer:\n  {}", printable(&self.reason));
        }
        let _ = writeln!(
            text,
            "\n  Role                  {}\n  Policy                {}",
            self.role.word(),
            self.policy.word()
        );
        let of_attributes = |name: &str| self.attributes[name].as_str().unwrap_or_default();
        if self.succeeds && self.operation != "delete" {
            let external_id = match of_attributes("ExternalId") {
                "" => "none",
                PLACEHOLDER_EXTERNAL_ID => "generated when the stack is created",
                external_id => external_id,
            };
            let boundary = self.properties["PermissionsBoundaryArn"].as_str().filter(|arn| !arn.is_empty());
            let _ = writeln!(text, "  External ID           {external_id}");
            let _ = writeln!(text, "  Permissions boundary  {}", printable(boundary.unwrap_or("none")));
            let tags = self.properties["Tags"].as_str().filter(|tags| !tags.is_empty());
            let _ = writeln!(text, "  Tags                  {}", printable(tags.unwrap_or("none")));
            let _ = writeln!(text, "  Alarms                {}", printable(&alarms(&self.alarm_topic_arn)));
        }
        let mut list = |title: &str, lines: &[String], sign: &str| {
            if !lines.is_empty() {
                let _ = writeln!(text, "\n{title}:");
                for line in lines {
                    let _ = writeln!(text, "  {sign}{}", printable(line));
                }
            }
        };
        list("Calls to IAM, in this order", &self.writes, "");
        // A new policy has them all. The edition says which.
        if self.policy != Effect::Created {
            list("Permissions added", &self.permissions_added, "+ ");
            list("Permissions removed", &self.permissions_removed, "- ");
        }
        list("Notes", &self.notes, "");
        if self.writes.is_empty() && self.succeeds {
            let _ = writeln!(text, "\nNo call to IAM changes anything.");
        }
        let _ = writeln!(
            text,
            "\nThis compares states. It cannot try the function's permissions or service control policies: see orchestera preflight."
        );
        text
    }
}

/// Where the stack's alarms go.
pub fn alarms(topic_arn: &str) -> String {
    if topic_arn.is_empty() { "none".to_owned() } else { format!("to {topic_arn}") }
}

fn account_id(asked: &Asked, properties: &Value) -> String {
    let member = properties["MemberAccountId"].as_str().filter(|id| !id.is_empty());
    member.unwrap_or(&asked.own.id).to_owned()
}

fn is_of_role(write: &Write) -> bool {
    use Operation as O;
    matches!(
        write.operation(),
        O::CreateRole
            | O::UpdateAssumeRolePolicy
            | O::UpdateRole
            | O::PutRolePermissionsBoundary
            | O::DeleteRolePermissionsBoundary
            | O::TagRole
            | O::UntagRole
            | O::AttachRolePolicy
            | O::DetachRolePolicy
            | O::PutRolePolicy
            | O::DeleteRolePolicy
            | O::DeleteRole
    )
}

/// What these writes to one object come to.
fn effect(writes: &[&Write], operation: &str, is_refused: bool) -> Effect {
    let has = |wanted: fn(&Write) -> bool| writes.iter().any(|write| wanted(write));
    let sets_ownership = |to: &str| {
        writes.iter().any(|write| match write {
            Write::TagRole { tags, .. } | Write::TagPolicy { tags, .. } => {
                tags.get(OWNERSHIP).is_some_and(|it| it == to)
            }
            _ => false,
        })
    };
    let creates = has(|write| matches!(write, Write::CreateRole { .. } | Write::CreatePolicy { .. }));
    let deletes = has(|write| matches!(write, Write::DeleteRole { .. } | Write::DeletePolicy { .. }));
    let closes = has(|write| matches!(write, Write::PutRolePolicy { .. }));
    match () {
        () if writes.is_empty() && is_refused => Effect::Refused,
        () if writes.is_empty() => Effect::Unchanged,
        // What was created is removed again when the rest fails.
        () if creates && deletes => Effect::Unchanged,
        () if deletes => Effect::Deleted,
        () if creates => Effect::Created,
        () if closes => Effect::Closed,
        () if sets_ownership(ADOPTED) => Effect::Adopted,
        () if operation == "delete" && !sets_ownership(CREATED) => Effect::Restored,
        () => Effect::Changed,
    }
}

/// The permissions that the new version of the policy adds and removes.
async fn permissions(writes: &[Write], iam: &impl Iam) -> (Vec<String>, Vec<String>) {
    for write in writes {
        match write {
            Write::CreatePolicy { document, .. } => return policy::difference(&json!({}), document),
            Write::CreatePolicyVersion { policy_arn, document } => {
                let before = match iam.policy(policy_arn).await {
                    Ok(Some(about)) => iam.policy_document(policy_arn, &about.default_version_id).await.ok(),
                    _ => None,
                };
                return policy::difference(&before.unwrap_or_default(), document);
            }
            _ => {}
        }
    }
    (Vec::new(), Vec::new())
}
