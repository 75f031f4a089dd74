//! What is there.

use crate::account::Account;
use crate::budget::Budget;
use crate::error::{Error, Kind, Result};
use crate::iam::{AttachedPolicy, Iam, PolicyDescription, PolicyUser, PolicyVersion, RoleDescription, Write};
use crate::ownership::STACK_ID;
use crate::physical_id::PhysicalId;
use crate::reconcile::adoption::PolicyBefore;
use crate::reconcile::plan::Plan;
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
    /// The document of the inline policy that suspends the role, if it is there.
    pub suspension: Option<Value>,
    /// Names of the instance profiles that the role is in; empty unless observed for a [`Sight::Departure`].
    pub instance_profiles: Vec<String>,
}

/// A managed policy with its versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub about: PolicyDescription,
    pub versions: Vec<PolicyVersion>,
    /// The default version's. Of a [`Sight::Departure`] read only together with the others.
    pub document: Value,
    /// Those of the other versions by their ids. Read for the [`Sight::Departure`] of a policy with a record of how it was,
    /// where what this product wrote has to be told from what was there.
    pub other_documents: BTreeMap<String, Value>,
    /// Empty unless observed for a [`Sight::Departure`], by a Create, or without an owner's tag: what nobody uses can be
    /// adopted.
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

/// What is likely to be there. It decides what is asked in the first round, and never what is believed: wrong, it costs a
/// second round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing: a Create asks for the two objects alone, and for what hangs on them if they are there after all.
    Nothing,
    /// Both objects, this version of the policy in force: all is asked at once, the document of that version too.
    Version(String),
}

/// What every policy begins with, and most stay at.
const FIRST_VERSION: &str = "v1";

impl Expected {
    pub fn first_version() -> Self {
        Self::Version(FIRST_VERSION.to_owned())
    }

    /// Once `steps` are done on what is `there`. IAM counts versions upwards and uses no number again.
    pub fn after(there: &State, steps: &Plan) -> Self {
        let Some(policy) = &there.policy else { return Self::first_version() };
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

/// Reads the state. All reads go out at once but for what depends on the first answers, in a second round: documents of
/// versions that were not expected, and who uses a policy that has no owner.
///
/// # Errors
/// Those of the reads, with a sentence; [`OutOfTime`](Kind::OutOfTime) when the time for calls ends.
pub async fn observe(
    iam: &impl Iam,
    account: &Account,
    budget: &Budget,
    id: &PhysicalId,
    sight: Sight,
    expected: &Expected,
) -> Result<State> {
    let policy_arn = account.policy_arn(&id.policy_name);
    let reads = async {
        // Boxed: what one read of the SDK holds is large, and every caller of this would hold six of it on its stack.
        let (role, policy) = tokio::join!(
            Box::pin(observe_role(iam, &id.role_name, sight, expected)),
            Box::pin(observe_policy(iam, &policy_arn, sight, expected)),
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
                "IAM did not tell in time what there is of {} and {} in account {}. What was done before that stays; retry \
                 the stack operation, which carries on from there.",
                id.role_name, id.policy_name, account.id
            ),
        )),
    }
}

async fn observe_role(iam: &impl Iam, role_name: &str, sight: Sight, expected: &Expected) -> Result<Option<Role>> {
    let lists = async {
        let (attached, inline, instance_profiles) = tokio::join!(
            iam.attached_policies(role_name),
            iam.inline_policies(role_name),
            only_if(sight == Sight::Departure, iam.instance_profiles(role_name)),
        );
        Ok((attached?, inline?, instance_profiles?))
    };
    let Some((about, lists)) = with_lists(expected, iam.role(role_name), lists).await? else { return Ok(None) };
    let (attached, inline, instance_profiles) = lists;
    let suspension = match inline.iter().any(|name| name == suspension::POLICY_NAME) {
        true => Some(iam.inline_policy(role_name, suspension::POLICY_NAME).await?),
        false => None,
    };
    Ok(Some(Role { about, attached, inline, suspension, instance_profiles }))
}

async fn observe_policy(iam: &impl Iam, policy_arn: &str, sight: Sight, expected: &Expected) -> Result<Option<Policy>> {
    let needs_users = sight == Sight::Departure || *expected == Expected::Nothing;
    let expected_document = async {
        let id = expected.version_id();
        match sight {
            Sight::Convergence => Some((id, iam.policy_document(policy_arn, id).await.ok()?)),
            Sight::Departure => None,
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
    let in_force = &about.default_version_id;
    let has_no_owner = !needs_users && !about.tags.contains_key(STACK_ID);
    let has_to_be_put_back = sight == Sight::Departure && PolicyBefore::read(&about.tags).is_some();
    let others = versions.iter().filter(|version| has_to_be_put_back && version.id != *in_force);
    let (document, other_documents, late_users) = tokio::join!(
        async {
            match expected_document {
                // A version never changes.
                Some((id, document)) if id == in_force => Ok(document),
                _ if sight == Sight::Departure && !has_to_be_put_back => Ok(Value::Null),
                _ => iam.policy_document(policy_arn, in_force).await,
            }
        },
        try_join_all(
            others
                .map(async |version| { Ok((version.id.clone(), iam.policy_document(policy_arn, &version.id).await?)) })
        ),
        only_if(has_no_owner, iam.policy_users(policy_arn)),
    );
    let (document, other_documents) = (document?, other_documents?.into_iter().collect());
    Ok(Some(Policy { about, versions, document, other_documents, users: [users, late_users?].concat() }))
}

/// An object and the lists of what hangs on it, asked for at once; where nothing is expected, the lists only if it is there.
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
        // One of the lists may say that the object is not there: an old answer, or it is just going. Both are worth another
        // look.
        (Some(object), lists) => Ok(Some((object, lists?))),
        // Of what is not there, the lists may say so too, or be empty.
        (None, Err(error)) if error.kind() != Kind::Gone => Err(error),
        (None, _) => Ok(None),
    }
}

async fn only_if<T>(needed: bool, list: impl Future<Output = Result<Vec<T>>>) -> Result<Vec<T>> {
    if needed { list.await } else { Ok(Vec::new()) }
}
