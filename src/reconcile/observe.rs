//! Reading the state from IAM.

use crate::account::Account;
use crate::iam::{Iam, PolicyVersion, Write};
use crate::ownership::STACK_ID;
use crate::physical_id::PhysicalId;
use crate::reconcile::adoption::PolicyBefore;
use crate::reconcile::plan::Plan;
use crate::reconcile::state::{Policy, Role, State};
use crate::reconcile::{reason, suspension};
use custom_resource::{Budget, Error, Kind, Result};
use futures_util::future::try_join_all;
use serde_json::Value;
use std::future::Future;
use tokio::time::timeout_at;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadScope {
    /// What convergence compares.
    Convergence,
    /// Also what can prevent a deletion.
    Removal,
}

/// A guess at the state. It decides what is read in the first round, never the result. A wrong guess costs a second
/// round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Neither object exists. A Create reads the two objects alone, and the rest only if they exist after all.
    Nothing,
    /// Both objects exist, with this default version of the policy. Everything is read at once, with that version's
    /// document.
    Version(String),
}

/// The first version of every policy, which most policies keep.
const FIRST_VERSION: &str = "v1";

impl Expected {
    pub fn first_version() -> Self {
        Self::Version(FIRST_VERSION.to_owned())
    }

    /// After `steps` in the state `observed`. IAM counts versions upwards and never uses a number again.
    pub fn after(observed: &State, steps: &Plan) -> Self {
        let Some(policy) = &observed.policy else { return Self::first_version() };
        let newest = policy.versions.iter().map(PolicyVersion::number).max().unwrap_or_default();
        let adds_one = steps.steps().any(|step| matches!(step, Write::CreatePolicyVersion { .. }));
        Self::Version(if adds_one { format!("v{}", newest + 1) } else { policy.about.default_version_id.clone() })
    }

    fn version_id(&self) -> &str {
        match self {
            Self::Nothing => FIRST_VERSION,
            Self::Version(id) => id,
        }
    }
}

/// Reads the state. All reads are sent at once, except those that depend on the first answers: documents of versions
/// that were not expected, and who uses a policy without an owner. These are sent in a second round.
///
/// # Errors
/// Those of the reads, with a sentence; [`OutOfTime`](Kind::OutOfTime) when the time for calls ends.
pub async fn observe(
    iam: &impl Iam,
    account: &Account,
    budget: &Budget,
    id: &PhysicalId,
    scope: ReadScope,
    expected: &Expected,
) -> Result<State> {
    let policy_arn = account.policy_arn(&id.policy_name);
    let reads = async {
        // Boxed: what one read of the SDK holds is large, and every caller of this would hold six of it on its stack.
        let (role, policy) = tokio::join!(
            Box::pin(observe_role(iam, &id.role_name, scope, expected)),
            Box::pin(observe_policy(iam, &policy_arn, scope, expected)),
        );
        Ok(State { role: role?, policy: policy? })
    };
    match timeout_at(budget.calls_end, reads).await {
        Ok(state) => state.map_err(|error: Error| {
            let sentence = reason::of_read(&error, account, id);
            error.because(sentence)
        }),
        Err(_) => Err(Error::new(
            Kind::OutOfTime,
            format!(
                "Reading {} and {} in account {} did not finish in time. What was done before stays. Retry the stack \
                 operation, which continues from the existing state.",
                id.role_name, id.policy_name, account.id
            ),
        )),
    }
}

async fn observe_role(iam: &impl Iam, role_name: &str, scope: ReadScope, expected: &Expected) -> Result<Option<Role>> {
    let lists = async {
        let (attached, inline, instance_profiles) = tokio::join!(
            iam.attached_policies(role_name),
            iam.inline_policies(role_name),
            only_if(scope == ReadScope::Removal, iam.instance_profiles(role_name)),
        );
        Ok((attached?, inline?, instance_profiles?))
    };
    let Some((about, lists)) = with_lists(expected, iam.role(role_name), lists).await? else { return Ok(None) };
    let (attached, inline, instance_profiles) = lists;
    let (ours, inline): (Vec<_>, Vec<_>) = inline.into_iter().partition(|name| name == suspension::POLICY_NAME);
    let suspension = match ours.is_empty() {
        false => Some(iam.inline_policy(role_name, suspension::POLICY_NAME).await?),
        true => None,
    };
    Ok(Some(Role { about, attached, inline, suspension, instance_profiles }))
}

async fn observe_policy(
    iam: &impl Iam,
    policy_arn: &str,
    scope: ReadScope,
    expected: &Expected,
) -> Result<Option<Policy>> {
    let needs_users = scope == ReadScope::Removal || *expected == Expected::Nothing;
    let expected_document = async {
        let id = expected.version_id();
        match scope {
            ReadScope::Convergence => Some((id, iam.policy_document(policy_arn, id).await.ok()?)),
            ReadScope::Removal => None,
        }
    };
    let lists = async {
        let (versions, users, expected_document) = tokio::join!(
            iam.policy_versions(policy_arn),
            only_if(needs_users, iam.policy_users(policy_arn)),
            expected_document,
        );
        Ok((versions?, users?, expected_document))
    };
    let Some((about, lists)) = with_lists(expected, iam.policy(policy_arn), lists).await? else { return Ok(None) };
    let (versions, users, expected_document) = lists;
    let default_version = &about.default_version_id;
    let has_no_owner = !needs_users && !about.tags.contains_key(STACK_ID);
    let has_to_be_restored = scope == ReadScope::Removal && PolicyBefore::read(&about.tags).is_some();
    let others = versions.iter().filter(|version| has_to_be_restored && version.id != *default_version);
    let (document, other_documents, late_users) = tokio::join!(
        async {
            match expected_document {
                // A version never changes.
                Some((id, document)) if id == default_version => Ok(document),
                _ if scope == ReadScope::Removal && !has_to_be_restored => Ok(Value::Null),
                _ => iam.policy_document(policy_arn, default_version).await,
            }
        },
        try_join_all(others.map(async |version| {
            Ok::<_, Error>((version.id.clone(), iam.policy_document(policy_arn, &version.id).await?))
        })),
        only_if(has_no_owner, iam.policy_users(policy_arn)),
    );
    let (document, other_documents) = (document?, other_documents?.into_iter().collect());
    Ok(Some(Policy { about, versions, document, other_documents, users: [users, late_users?].concat() }))
}

/// An object and the lists about it, read at once. If nothing is expected, the lists are read only if the object
/// exists.
async fn with_lists<T, L>(
    expected: &Expected,
    object: impl Future<Output = Result<Option<T>>>,
    lists: impl Future<Output = Result<L>>,
) -> Result<Option<(T, L)>> {
    if *expected == Expected::Nothing {
        return match object.await? {
            Some(object) => Ok(Some((object, lists.await?))),
            None => Ok(None),
        };
    }
    let (object, lists) = tokio::join!(object, lists);
    match (object?, lists) {
        // A list may say that the object does not exist: the answer is old, or the object is being deleted. Both are
        // read again.
        (Some(object), lists) => Ok(Some((object, lists?))),
        // The lists of an object that does not exist say so too, or are empty.
        (None, Err(error)) if error.kind() != Kind::Gone => Err(error),
        (None, _) => Ok(None),
    }
}

async fn only_if<T>(needed: bool, list: impl Future<Output = Result<Vec<T>>>) -> Result<Vec<T>> {
    if needed { list.await } else { Ok(Vec::new()) }
}
