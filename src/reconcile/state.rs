//! What is there.

use crate::account::Account;
use crate::budget::Budget;
use crate::error::{Error, Kind, Result};
use crate::iam::{AttachedPolicy, Iam, PolicyDescription, PolicyUser, PolicyVersion, RoleDescription};
use crate::ownership::{ADOPTED, OWNERSHIP, STACK_ID};
use crate::physical_id::PhysicalId;
use crate::reconcile::{reason, suspension};
use futures_util::future::try_join_all;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use tokio::time::timeout_at;

/// The role and the policy under one pair of names, as IAM told it at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub role: Option<Role>,
    pub policy: Option<Policy>,
}

/// A role and what hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub about: RoleDescription,
    pub attached: Vec<AttachedPolicy>,
    /// Names of inline policies.
    pub inline: Vec<String>,
    /// The document of the inline policy that suspends the role, if it is there; not read for a [`Sight::Departure`].
    pub suspension: Option<Value>,
    /// Names of the instance profiles that the role is in; empty unless observed for a [`Sight::Departure`].
    pub instance_profiles: Vec<String>,
}

/// A managed policy with its versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub about: PolicyDescription,
    pub versions: Vec<PolicyVersion>,
    /// The default version's.
    pub document: Value,
    /// Those of the other versions by their ids. Read for the [`Sight::Departure`] of an adopted policy only, where what this
    /// product wrote has to be told from what was there.
    pub other_documents: BTreeMap<String, Value>,
    /// Empty unless observed for a [`Sight::Departure`], or without an owner's tag: what nobody uses can be adopted.
    pub users: Vec<PolicyUser>,
}

impl Policy {
    /// The id of the version that was made first among those that `may` be taken.
    pub fn oldest_version(&self, may: impl Fn(&PolicyVersion) -> bool) -> Option<String> {
        self.versions.iter().filter(|version| may(version)).min_by_key(|version| version.number()).map(|v| v.id.clone())
    }
}

impl Role {
    /// What others put on it: ARNs of managed policies, and names of inline ones as `inline:name`.
    pub fn foreign_policies(&self, policy_arn: &str) -> Vec<String> {
        let managed = self.attached.iter().map(|policy| policy.arn.clone()).filter(|arn| arn != policy_arn);
        let inline = self.inline.iter().filter(|name| *name != suspension::POLICY_NAME);
        managed.chain(inline.map(|name| format!("inline:{name}"))).collect()
    }

    pub fn has_attached(&self, policy_arn: &str) -> bool {
        self.attached.iter().any(|policy| policy.arn == policy_arn)
    }
}

/// How much has to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// What convergence compares.
    Convergence,
    /// Also what stands in the way of a deletion.
    Departure,
}

/// Reads the state. All reads go out at once but for what depends on the first answers, in a second round: documents, which
/// need a version's id, and who uses a policy that has no owner.
///
///
/// # Errors
/// Those of the reads, with a sentence; [`OutOfTime`](Kind::OutOfTime) when the time for calls ends.
pub async fn observe(
    iam: &impl Iam,
    account: &Account,
    budget: &Budget,
    id: &PhysicalId,
    sight: Sight,
) -> Result<State> {
    let policy_arn = account.policy_arn(&id.policy_name);
    let reads = async {
        let (role, policy) =
            tokio::join!(observe_role(iam, &id.role_name, sight), observe_policy(iam, &policy_arn, sight));
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
                "IAM did not tell in time what there is of {} and {} in account {}. What was done before that stays; retry \
                 the stack operation, which carries on from there.",
                id.role_name, id.policy_name, account.id
            ),
        )),
    }
}

async fn observe_role(iam: &impl Iam, role_name: &str, sight: Sight) -> Result<Option<Role>> {
    let (about, attached, inline, instance_profiles) = tokio::join!(
        iam.role(role_name),
        iam.attached_policies(role_name),
        iam.inline_policies(role_name),
        only_if(sight == Sight::Departure, iam.instance_profiles(role_name)),
    );
    let Some(about) = about? else {
        return none_if_gone(attached.map(drop).and(inline.map(drop)).and(instance_profiles.map(drop)));
    };
    // One of them says that the role is not there: an old answer, or it is just going. Both are worth another look.
    let (attached, inline, instance_profiles) = (attached?, inline?, instance_profiles?);
    let is_suspended = sight == Sight::Convergence && inline.iter().any(|name| name == suspension::POLICY_NAME);
    let suspension = match is_suspended {
        true => Some(iam.inline_policy(role_name, suspension::POLICY_NAME).await?),
        false => None,
    };
    Ok(Some(Role { about, attached, inline, suspension, instance_profiles }))
}

async fn observe_policy(iam: &impl Iam, policy_arn: &str, sight: Sight) -> Result<Option<Policy>> {
    let (about, versions, users) = tokio::join!(
        iam.policy(policy_arn),
        iam.policy_versions(policy_arn),
        only_if(sight == Sight::Departure, iam.policy_users(policy_arn)),
    );
    let Some(about) = about? else { return none_if_gone(versions.map(drop).and(users.map(drop))) };
    let (versions, users) = (versions?, users?);
    let has_no_owner = sight == Sight::Convergence && !about.tags.contains_key(STACK_ID);
    let has_to_be_put_back = sight == Sight::Departure && about.tags.get(OWNERSHIP).is_some_and(|o| o == ADOPTED);
    let others = versions.iter().filter(|version| has_to_be_put_back && version.id != about.default_version_id);
    let (document, other_documents, late_users) = tokio::join!(
        iam.policy_document(policy_arn, &about.default_version_id),
        try_join_all(
            others
                .map(async |version| { Ok((version.id.clone(), iam.policy_document(policy_arn, &version.id).await?)) })
        ),
        only_if(has_no_owner, iam.policy_users(policy_arn)),
    );
    let (document, other_documents) = (document?, other_documents?.into_iter().collect());
    Ok(Some(Policy { about, versions, document, other_documents, users: [users, late_users?].concat() }))
}

/// Of what is not there, the lists of what hangs on it may say so too, or be empty.
fn none_if_gone<T>(lists: Result<()>) -> Result<Option<T>> {
    match lists {
        Err(error) if error.kind() != Kind::Gone => Err(error),
        _ => Ok(None),
    }
}

async fn only_if<T>(needed: bool, list: impl Future<Output = Result<Vec<T>>>) -> Result<Vec<T>> {
    if needed { list.await } else { Ok(Vec::new()) }
}
