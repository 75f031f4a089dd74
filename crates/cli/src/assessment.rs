//! Whether the role of an account is as it should be: a pure function from what exists to a state and what to do.
//!
//! It compares as the drift check does, with the parameters of the stack that the role's tags name. Without that stack,
//! it compares with what the tags record.

use crate::stack::{self, MASKED, Stack};
use crate::template::{self, GUARDRAIL_PATH, Parameters};
use custom_resource::function_arn::is_account_id;
use orchestera_access::account::{Account, PLATFORM_ACCOUNT_ID};
use orchestera_access::goal;
use orchestera_access::ownership::{
    EXTERNAL_ID, EXTERNAL_ID_GIVEN, LOGICAL_ID, POLICY_EDITION, Resource, STACK_ID, TAGS_SHA256,
};
use orchestera_access::physical_id::PhysicalId;
use orchestera_access::policy::{self, EDITIONS};
use orchestera_access::reconcile::desired::DesiredState;
use orchestera_access::reconcile::drift::{self, Difference};
use orchestera_access::reconcile::state::{Role, State as Observed};
use orchestera_access::reconcile::suspension;
use orchestera_access::trust;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;

/// The field of the drift check that no update of the stack changes.
const FOREIGN_POLICIES: &str = "role.foreignPolicies";

/// The state of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum State {
    /// The platform can use the role, and everything is as desired.
    #[serde(rename = "ready")]
    Ready,
    /// The kill switch is on.
    #[serde(rename = "suspended")]
    Suspended,
    /// Something differs from what the stack wants.
    #[serde(rename = "drifted")]
    Drifted,
    /// There is no role.
    #[serde(rename = "missing")]
    Missing,
    /// A role of that name exists, and it is not one for the platform.
    #[serde(rename = "foreign")]
    Foreign,
    /// The stack needs a person.
    #[serde(rename = "stack failed")]
    StackFailed,
    /// The account could not be read.
    #[serde(rename = "no way in")]
    NoWayIn,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Suspended => "suspended",
            Self::Drifted => "drifted",
            Self::Missing => "missing",
            Self::Foreign => "foreign",
            Self::StackFailed => "stack failed",
            Self::NoWayIn => "no way in",
        })
    }
}

/// What was found of one account.
#[derive(Clone, Debug)]
pub struct Assessment {
    pub state: State,
    /// `None` if there is no role.
    pub role_arn: Option<String>,
    /// Only if the trust policy asks for it.
    pub external_id: Option<String>,
    pub guardrail_arn: Option<String>,
    /// The edition that is in force. `None` if the policy is none of the published ones.
    pub edition: Option<&'static str>,
    pub differences: Vec<Difference>,
    pub foreign_policies: Vec<String>,
    /// One sentence. Blank if there is nothing to do.
    pub to_do: String,
}

/// The role in the native template, which has no custom resource.
const NATIVE_LOGICAL_ID: &str = "AccessRole";

/// The ARN of the stack that owns the role, or else the policy, by its tags.
pub fn stack_id(observed: &Observed) -> Option<&str> {
    let tags = observed.role_tags().into_iter().chain(observed.policy_tags());
    tags.filter_map(|tags| tags.get(STACK_ID)).next().map(String::as_str)
}

/// The account and the Region in the ARN of a stack.
pub fn account_and_region(stack_id: &str) -> Option<(&str, &str)> {
    let mut parts = stack_id.splitn(6, ':').skip(3);
    let (region, account) = (parts.next()?, parts.next()?);
    is_account_id(account).then_some((account, region))
}

/// Compares. `stack` is the one that [`stack_id`] names; `None` if it does not exist or could not be read.
pub fn assess(id: &PhysicalId, account: &Account, observed: &Observed, stack: Option<&Stack>) -> Assessment {
    let policy_arn = account.policy_arn(&id.policy_name);
    let Some(role) = &observed.role else { return without_role(id, stack) };
    let desired = desired(id, account, observed, role, stack);
    let differences = desired.as_ref().map(|desired| differences(desired, observed, stack.is_some()));
    let is_compared = differences.is_some();
    let is_owned = stack_id(observed).is_some();
    let mut found = Assessment {
        state: State::Ready,
        role_arn: Some(role.about.arn.clone()),
        external_id: trust::external_id(&role.about.trust).map(str::to_owned),
        guardrail_arn: role.about.permissions_boundary.clone().filter(|arn| arn.contains(GUARDRAIL_PATH)),
        edition: edition(observed),
        differences: differences.unwrap_or_default(),
        foreign_policies: role.foreign_policies(&policy_arn),
        to_do: String::new(),
    };
    (found.state, found.to_do) = state(id, role, &found, stack, is_owned);
    if !is_compared && matches!(found.state, State::Ready | State::Suspended) {
        // What was not compared is not known to be right.
        found.state = State::Drifted;
        found.to_do =
            "This release does not know a parameter of the stack, so nothing was compared. Use the release of \
                       the stack."
                .to_owned();
    }
    found
}

fn without_role(id: &PhysicalId, stack: Option<&Stack>) -> Assessment {
    let (state, to_do) = match stack {
        Some(stack) if stack.has_failed() => (State::StackFailed, failed(stack)),
        Some(stack) if stack.is_in_progress() => {
            (State::Missing, format!("The stack {} is {}. Look again when it has ended.", stack.name, stack.status))
        }
        Some(stack) => (
            State::Missing,
            format!("The role {} was deleted. Update the stack {}, which creates it again.", id.role_name, stack.name),
        ),
        None => (State::Missing, "Create the stack in this account, or add the account to the StackSet.".to_owned()),
    };
    Assessment {
        state,
        role_arn: None,
        external_id: None,
        guardrail_arn: None,
        edition: None,
        differences: Vec::new(),
        foreign_policies: Vec::new(),
        to_do,
    }
}

fn failed(stack: &Stack) -> String {
    let why = if stack.reason.is_empty() { "See its events".to_owned() } else { stack.reason.clone() };
    let next = match stack.status.as_str() {
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" => "Delete it and create it again",
        "DELETE_FAILED" => "Delete it again",
        "UPDATE_ROLLBACK_FAILED" => "Continue the rollback",
        _ => "Correct that, then update it",
    };
    format!("The stack {} is {}. {why}. {next}.", stack.name, stack.status).replace("..", ".")
}

/// The most serious state comes first.
fn state(id: &PhysicalId, role: &Role, found: &Assessment, stack: Option<&Stack>, is_owned: bool) -> (State, String) {
    let name = &id.role_name;
    let admits = trust::admits(&role.about.trust, PLATFORM_ACCOUNT_ID);
    let is_closed_in_trust = trust::is_closed_by_us(&role.about.trust) && !trust::is_open(&role.about.trust);
    let is_closed = suspension::has_deny(role) || is_closed_in_trust;
    if !is_owned && !is_closed && !trust::is_the_guides(&role.about.trust, PLATFORM_ACCOUNT_ID) {
        let whom = if admits { "principals other than the platform" } else { "somebody other than the platform" };
        return (
            State::Foreign,
            format!("The role {name} was not created by this product and trusts {whom}. Delete it if nobody needs it."),
        );
    }
    if let Some(stack) = stack.filter(|stack| stack.has_failed()) {
        return (State::StackFailed, failed(stack));
    }
    let fields = found.differences.iter().map(|difference| difference.field).collect::<Vec<_>>().join(", ");
    let update = match stack {
        // CloudFormation sends an update only if a value differs.
        Some(stack) => format!(
            "To repair them, update the stack {} with a changed parameter, such as MaxSessionDuration, and change it back",
            stack.name
        ),
        None if is_owned => "Its stack was not found. If that stack no longer exists, delete the role and the policy, \
                             then create the stack again"
            .to_owned(),
        None => "Create the stack, which adopts the role".to_owned(),
    };
    if is_closed {
        let open = "The platform's access is suspended. To open it, update the stack with AccessState=Active.";
        return match fields.is_empty() {
            true => (State::Suspended, open.to_owned()),
            false => (State::Suspended, format!("These fields differ: {fields}. {open}")),
        };
    }
    if !fields.is_empty() {
        let by_hand = match &found.foreign_policies[..] {
            [] => String::new(),
            policies => format!(" Remove by hand the policies that others put on the role: {}.", policies.join(", ")),
        };
        let update = if fields == FOREIGN_POLICIES { String::new() } else { format!(" {update}.") };
        return (State::Drifted, format!("These fields differ: {fields}.{by_hand}{update}"));
    }
    let to_do = match stack {
        Some(stack) if stack.status == "UPDATE_ROLLBACK_COMPLETE" => {
            format!("The last update of the stack {} failed. See its events.", stack.name)
        }
        Some(_) => String::new(),
        None if is_owned => "The stack that the role's tags name was not found or cannot be read.".to_owned(),
        None => "It works, and was created by hand. You can create the stack, which adopts it.".to_owned(),
    };
    (State::Ready, to_do)
}

fn edition(observed: &Observed) -> Option<&'static str> {
    let document = &observed.policy.as_ref()?.document;
    EDITIONS.iter().find(|edition| policy::same(document, &edition.document())).map(|edition| edition.name)
}

/// What the stack wants, or what the tags record. `None` if neither is known well enough.
fn desired(
    id: &PhysicalId,
    account: &Account,
    observed: &Observed,
    role: &Role,
    stack: Option<&Stack>,
) -> Option<DesiredState> {
    let tag = |key: &str| {
        let all = observed.role_tags().into_iter().chain(observed.policy_tags());
        all.filter_map(|tags| tags.get(key)).next().cloned()
    };
    // Tags can have been changed by hand. The stack is the better witness.
    let (stack_id, logical_id) = match stack {
        Some(stack) => {
            (stack.id.clone(), if stack.is_native() { NATIVE_LOGICAL_ID } else { stack::LOGICAL_ID }.to_owned())
        }
        None => (tag(STACK_ID).unwrap_or_default(), tag(LOGICAL_ID).unwrap_or_default()),
    };
    let own = Account {
        id: account_and_region(&stack_id).map_or_else(|| account.id.clone(), |(own, _)| own.to_owned()),
        ..account.clone()
    };
    let mut properties = match stack {
        Some(stack) => of_stack(stack, observed, &own),
        None => of_tags(observed, role, tag(POLICY_EDITION).as_deref()),
    };
    properties["RoleName"] = json!(id.role_name);
    properties["PolicyName"] = json!(id.policy_name);
    if own.id != account.id {
        properties["MemberAccountId"] = json!(account.id);
    }
    goal::of_drift_check(&properties, &own, &Resource { stack_id, logical_id }).ok()
}

/// The properties that the stack's parameters become.
pub fn of_stack(stack: &Stack, observed: &Observed, own: &Account) -> Value {
    let guardrail = stack.outputs.get("GuardrailArn").cloned().unwrap_or_default();
    template::properties(&known_parameters(stack, observed), own, &guardrail)
}

/// The parameters of an existing stack. `ExternalId` is masked. If it was given, it is the one in the outputs.
pub fn known_parameters(stack: &Stack, observed: &Observed) -> Parameters {
    let mut parameters = template::with_defaults(&stack.parameters);
    if parameters["ExternalId"] == MASKED {
        let given = given_external_id(stack, observed).unwrap_or_default();
        parameters.insert("ExternalId".to_owned(), given);
    }
    parameters
}

/// The external id of the outputs, unless it is the generated one of the tags.
fn given_external_id(stack: &Stack, observed: &Observed) -> Option<String> {
    let in_force = stack.outputs.get("ExternalId").filter(|id| !id.is_empty())?;
    let generated = observed.role_tags().and_then(|tags| tags.get(EXTERNAL_ID));
    (generated != Some(in_force)).then(|| in_force.clone())
}

fn of_tags(observed: &Observed, role: &Role, edition_of_tag: Option<&str>) -> Value {
    let known = EDITIONS.iter().map(|edition| edition.name).find(|name| Some(*name) == edition_of_tag);
    // Any edition will do for a document that is none of them: it differs.
    let edition = known.or_else(|| edition(observed)).unwrap_or(EDITIONS[0].name);
    let asked = trust::external_id(&role.about.trust);
    let generated = observed.role_tags().and_then(|tags| tags.get(EXTERNAL_ID)).map(String::as_str);
    json!({
        "PolicyEdition": edition,
        "RequireExternalId": asked.is_some() || generated.is_some(),
        "ExternalId": asked.filter(|asked| Some(*asked) != generated).unwrap_or_default(),
        "MaxSessionDuration": role.about.max_session_duration,
        "PermissionsBoundaryArn": role.about.permissions_boundary.clone().unwrap_or_default(),
        "AccessState": if suspension::has_deny(role) { "Suspended" } else { "Active" },
    })
}

/// As the drift check, without what cannot be known here or does not count here.
fn differences(desired: &DesiredState, observed: &Observed, has_stack: bool) -> Vec<Difference> {
    let known = |tags: &Value| known_tags(tags, has_stack);
    let is_created_by_hand = desired.resource.stack_id.is_empty();
    let is_native = desired.resource.logical_id == NATIVE_LOGICAL_ID;
    let counts = |difference: &Difference| match difference.field {
        // Nobody's tags are desired on what nobody owns; the native template tags the role alone, and with less.
        "role.tags" | "policy.tags" if is_created_by_hand => false,
        "role.tags" if is_native => {
            desired.properties.tags.iter().any(|(key, value)| difference.found[key] != json!(value))
        }
        "policy.tags" | "owner" if is_native => false,
        "role.tags" | "policy.tags" => known(&difference.desired) != known(&difference.found),
        _ => true,
    };
    drift::differences(desired, observed).into_iter().filter(counts).collect()
}

/// Tags without those that depend on a masked parameter or, without the stack, on its parameter `Tags`.
fn known_tags(tags: &Value, has_stack: bool) -> Value {
    let mut tags = tags.clone();
    if let Some(tags) = tags.as_object_mut() {
        tags.remove(EXTERNAL_ID_GIVEN);
        if !has_stack {
            tags.remove(TAGS_SHA256);
        }
    }
    tags
}
