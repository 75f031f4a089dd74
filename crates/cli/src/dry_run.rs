//! IAM with writes that are kept instead of sent.
//!
//! Reads go to the real IAM until the first write to an object. From then on they show what the writes would have made
//! of it. So the function's own code runs to its end, and says what it would answer.
//!
//! What IAM itself would refuse cannot be known this way: a missing permission, and a name that differs in case only from
//! one that exists, which no read by name finds.

use crate::template::placeholder_guardrail_arn;
use custom_resource::error::{Error, FailedCall, Result};
use orchestera_access::account::Account;
use orchestera_access::iam::{
    AttachedPolicy, Iam, POLICY_DESCRIPTION, PolicyDescription, PolicyUser, PolicyVersion, ROLE_DESCRIPTION,
    RoleDescription, Tags, Write, is_same_key, kind_of,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module.
#[derive(Debug)]
pub struct DryRun<'a, I> {
    iam: &'a I,
    account: &'a Account,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// In the order in which the function sends them, whatever the reads in between take. `None` is one that IAM refuses.
    writes: Vec<Option<Write>>,
    /// By name. `None` is a role that does not exist, or not any more.
    roles: BTreeMap<String, Option<Role>>,
    /// By ARN.
    policies: BTreeMap<String, Option<Policy>>,
}

/// A role that was written to.
#[derive(Clone, Debug)]
struct Role {
    about: RoleDescription,
    attached: Vec<AttachedPolicy>,
    inline: BTreeMap<String, Value>,
    instance_profiles: Vec<String>,
}

/// A policy that was written to.
#[derive(Clone, Debug)]
struct Policy {
    about: PolicyDescription,
    /// The newest first.
    versions: Vec<PolicyVersion>,
    documents: BTreeMap<String, Value>,
    users: Vec<PolicyUser>,
}

impl<'a, I: Iam> DryRun<'a, I> {
    pub fn new(iam: &'a I, account: &'a Account) -> Self {
        Self { iam, account, kept: Mutex::default() }
    }

    /// The writes, in the order in which they would have been sent.
    pub fn writes(&self) -> Vec<Write> {
        self.kept().writes.iter().flatten().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The role, if it was written to.
    fn written_role(&self, name: &str) -> Option<Option<Role>> {
        self.kept().roles.get(name).cloned()
    }

    fn written_policy(&self, arn: &str) -> Option<Option<Policy>> {
        self.kept().policies.get(arn).cloned()
    }

    /// Reads all of a role, before the first write to it.
    async fn keep_role(&self, name: &str) -> Result<()> {
        if self.kept().roles.contains_key(name) {
            return Ok(());
        }
        let role = match self.iam.role(name).await? {
            None => None,
            Some(about) => {
                let mut inline = BTreeMap::new();
                for policy in self.iam.inline_policies(name).await? {
                    let document = self.iam.inline_policy(name, &policy).await?;
                    inline.insert(policy, document);
                }
                let (attached, instance_profiles) =
                    (self.iam.attached_policies(name).await?, self.iam.instance_profiles(name).await?);
                Some(Role { about, attached, inline, instance_profiles })
            }
        };
        self.kept().roles.insert(name.to_owned(), role);
        Ok(())
    }

    /// Reads all of a policy, before the first write to it.
    async fn keep_policy(&self, arn: &str) -> Result<()> {
        if self.kept().policies.contains_key(arn) {
            return Ok(());
        }
        let policy = match self.iam.policy(arn).await? {
            None => None,
            Some(about) => {
                let versions = self.iam.policy_versions(arn).await?;
                let mut documents = BTreeMap::new();
                for version in &versions {
                    documents.insert(version.id.clone(), self.iam.policy_document(arn, &version.id).await?);
                }
                Some(Policy { about, versions, documents, users: self.iam.policy_users(arn).await? })
            }
        };
        self.kept().policies.insert(arn.to_owned(), policy);
        Ok(())
    }

    /// Does to the kept state what the write does to IAM.
    async fn make(&self, write: &Write) -> Result<()> {
        let (role, policy) = objects(write, self.account);
        if let Some(name) = &role {
            self.keep_role(name).await?;
        }
        if let Some(arn) = &policy {
            self.keep_policy(arn).await?;
        }
        // IAM refuses a permissions boundary that does not exist. The stack creates its own before it asks the function.
        let is_created_first = |arn: &&str| *arn == placeholder_guardrail_arn(self.account);
        if let Some(arn) = boundary(write).filter(|arn| is_of(self.account, arn) && !is_created_first(arn))
            && self.policy(arn).await?.is_none()
        {
            return Err(gone(write.operation().name()));
        }
        let mut kept = self.kept();
        let Kept { roles, policies, .. } = &mut *kept;
        let mut none = (None, None);
        let role = role.and_then(|name| roles.get_mut(&name)).unwrap_or(&mut none.0);
        let policy = policy.and_then(|arn| policies.get_mut(&arn)).unwrap_or(&mut none.1);
        apply(write, self.account, role, policy).ok_or_else(|| gone(write.operation().name()))
    }
}

/// The error of a read whose object does not exist.
fn gone(operation: &'static str) -> Error {
    let (code, message) = ("NoSuchEntity".to_owned(), "it does not exist".to_owned());
    Error::call(kind_of(&code, false), FailedCall { operation, code, message, request_id: String::new() })
}

impl<I: Iam> Iam for DryRun<'_, I> {
    async fn role(&self, role_name: &str) -> Result<Option<RoleDescription>> {
        match self.written_role(role_name) {
            Some(role) => Ok(role.map(|role| role.about)),
            None => self.iam.role(role_name).await,
        }
    }

    async fn attached_policies(&self, role_name: &str) -> Result<Vec<AttachedPolicy>> {
        match self.written_role(role_name) {
            Some(role) => role.map(|role| role.attached).ok_or_else(|| gone("ListAttachedRolePolicies")),
            None => self.iam.attached_policies(role_name).await,
        }
    }

    async fn inline_policies(&self, role_name: &str) -> Result<Vec<String>> {
        match self.written_role(role_name) {
            Some(role) => role.map(|role| role.inline.into_keys().collect()).ok_or_else(|| gone("ListRolePolicies")),
            None => self.iam.inline_policies(role_name).await,
        }
    }

    async fn inline_policy(&self, role_name: &str, policy_name: &str) -> Result<Value> {
        match self.written_role(role_name) {
            Some(role) => {
                role.and_then(|role| role.inline.get(policy_name).cloned()).ok_or_else(|| gone("GetRolePolicy"))
            }
            None => self.iam.inline_policy(role_name, policy_name).await,
        }
    }

    async fn instance_profiles(&self, role_name: &str) -> Result<Vec<String>> {
        match self.written_role(role_name) {
            Some(role) => role.map(|role| role.instance_profiles).ok_or_else(|| gone("ListInstanceProfilesForRole")),
            None => self.iam.instance_profiles(role_name).await,
        }
    }

    async fn policy(&self, policy_arn: &str) -> Result<Option<PolicyDescription>> {
        match self.written_policy(policy_arn) {
            Some(policy) => Ok(policy.map(|policy| policy.about)),
            None => self.iam.policy(policy_arn).await,
        }
    }

    async fn policy_versions(&self, policy_arn: &str) -> Result<Vec<PolicyVersion>> {
        match self.written_policy(policy_arn) {
            Some(policy) => policy.map(|policy| policy.versions).ok_or_else(|| gone("ListPolicyVersions")),
            None => self.iam.policy_versions(policy_arn).await,
        }
    }

    async fn policy_document(&self, policy_arn: &str, version_id: &str) -> Result<Value> {
        match self.written_policy(policy_arn) {
            Some(policy) => policy
                .and_then(|policy| policy.documents.get(version_id).cloned())
                .ok_or_else(|| gone("GetPolicyVersion")),
            None => self.iam.policy_document(policy_arn, version_id).await,
        }
    }

    async fn policy_users(&self, policy_arn: &str) -> Result<Vec<PolicyUser>> {
        match self.written_policy(policy_arn) {
            Some(policy) => policy.map(|policy| policy.users).ok_or_else(|| gone("ListEntitiesForPolicy")),
            None => self.iam.policy_users(policy_arn).await,
        }
    }

    async fn write(&self, write: &Write) -> Result<()> {
        let number = {
            let mut kept = self.kept();
            kept.writes.push(Some(write.clone()));
            kept.writes.len() - 1
        };
        let made = self.make(write).await;
        if made.is_err()
            && let Some(refused) = self.kept().writes.get_mut(number)
        {
            *refused = None;
        }
        made
    }
}

/// The name of the role and the ARN of the policy that a write is about. Attaching is about both.
fn objects(write: &Write, account: &Account) -> (Option<String>, Option<String>) {
    match write {
        Write::AttachRolePolicy { role_name, policy_arn } | Write::DetachRolePolicy { role_name, policy_arn } => {
            (Some(role_name.clone()), is_of(account, policy_arn).then(|| policy_arn.clone()))
        }
        Write::CreatePolicy { policy_name, .. } => (None, Some(account.policy_arn(policy_name))),
        Write::CreatePolicyVersion { .. }
        | Write::SetDefaultPolicyVersion { .. }
        | Write::DeletePolicyVersion { .. }
        | Write::TagPolicy { .. }
        | Write::UntagPolicy { .. }
        | Write::DeletePolicy { .. } => (None, Some(write.object().to_owned())),
        Write::CreateRole { .. }
        | Write::UpdateAssumeRolePolicy { .. }
        | Write::UpdateRole { .. }
        | Write::PutRolePermissionsBoundary { .. }
        | Write::DeleteRolePermissionsBoundary { .. }
        | Write::TagRole { .. }
        | Write::UntagRole { .. }
        | Write::PutRolePolicy { .. }
        | Write::DeleteRolePolicy { .. }
        | Write::DeleteRole { .. } => (Some(write.object().to_owned()), None),
    }
}

/// Whether the policy is one of the account's own. Those of AWS are not read: nothing is asked about their users.
fn is_of(account: &Account, policy_arn: &str) -> bool {
    policy_arn.starts_with(&account.policy_arn(""))
}

fn boundary(write: &Write) -> Option<&str> {
    match write {
        Write::CreateRole { permissions_boundary, .. } => permissions_boundary.as_deref(),
        Write::PutRolePermissionsBoundary { policy_arn, .. } => Some(policy_arn),
        _ => None,
    }
}

/// What the write makes of its objects. `None` if it is about an object that does not exist.
fn apply(write: &Write, account: &Account, role: &mut Option<Role>, policy: &mut Option<Policy>) -> Option<()> {
    match write {
        Write::CreateRole { role_name, trust, max_session_duration, permissions_boundary, tags } => {
            let about = RoleDescription {
                arn: account.role_arn(role_name),
                description: ROLE_DESCRIPTION.to_owned(),
                trust: trust.clone(),
                max_session_duration: *max_session_duration,
                permissions_boundary: permissions_boundary.clone(),
                tags: tags.clone(),
            };
            *role = Some(Role { about, attached: Vec::new(), inline: BTreeMap::new(), instance_profiles: Vec::new() });
        }
        Write::UpdateAssumeRolePolicy { trust, .. } => role.as_mut()?.about.trust = trust.clone(),
        Write::UpdateRole { max_session_duration, description, .. } => {
            let about = &mut role.as_mut()?.about;
            about.max_session_duration = *max_session_duration;
            about.description = description.clone().unwrap_or_else(|| std::mem::take(&mut about.description));
        }
        Write::PutRolePermissionsBoundary { policy_arn, .. } => {
            role.as_mut()?.about.permissions_boundary = Some(policy_arn.clone());
        }
        Write::DeleteRolePermissionsBoundary { .. } => role.as_mut()?.about.permissions_boundary = None,
        Write::TagRole { tags, .. } => set_tags(&mut role.as_mut()?.about.tags, tags),
        Write::UntagRole { keys, .. } => remove_tags(&mut role.as_mut()?.about.tags, keys),
        Write::AttachRolePolicy { role_name, policy_arn } => {
            if is_of(account, policy_arn) && policy.is_none() {
                return None;
            }
            let attached = &mut role.as_mut()?.attached;
            if !attached.iter().any(|one| one.arn == *policy_arn) {
                attached.push(AttachedPolicy { arn: policy_arn.clone() });
            }
            let user = PolicyUser::Role(role_name.clone());
            if let Some(policy) = policy.as_mut().filter(|policy| !policy.users.contains(&user)) {
                policy.users.push(user);
            }
        }
        Write::DetachRolePolicy { role_name, policy_arn } => {
            let attached = &mut role.as_mut()?.attached;
            attached.remove(attached.iter().position(|one| one.arn == *policy_arn)?);
            if let Some(policy) = policy {
                policy.users.retain(|user| *user != PolicyUser::Role(role_name.clone()));
            }
        }
        Write::PutRolePolicy { policy_name, document, .. } => {
            role.as_mut()?.inline.insert(policy_name.clone(), document.clone());
        }
        Write::DeleteRolePolicy { policy_name, .. } => {
            role.as_mut()?.inline.remove(policy_name)?;
        }
        Write::DeleteRole { .. } => *role = role.take().map(|_| None)?,
        Write::CreatePolicy { policy_name, document, tags } => {
            let (arn, id) = (account.policy_arn(policy_name), "v1".to_owned());
            let description = POLICY_DESCRIPTION.to_owned();
            let about = PolicyDescription { arn, default_version_id: id.clone(), description, tags: tags.clone() };
            let versions = vec![PolicyVersion { id: id.clone(), is_default: true }];
            let documents = [(id, document.clone())].into();
            *policy = Some(Policy { about, versions, documents, users: Vec::new() });
        }
        Write::CreatePolicyVersion { document, .. } => {
            let policy = policy.as_mut()?;
            let newest = policy.versions.iter().map(PolicyVersion::number).max().unwrap_or_default();
            let id = format!("v{}", newest + 1);
            policy.versions.insert(0, PolicyVersion { id: id.clone(), is_default: true });
            policy.documents.insert(id.clone(), document.clone());
            make_default(policy, &id);
        }
        Write::SetDefaultPolicyVersion { version_id, .. } => make_default(policy.as_mut()?, version_id),
        Write::DeletePolicyVersion { version_id, .. } => {
            let policy = policy.as_mut()?;
            policy.versions.retain(|version| version.id != *version_id);
            policy.documents.remove(version_id)?;
        }
        Write::TagPolicy { tags, .. } => set_tags(&mut policy.as_mut()?.about.tags, tags),
        Write::UntagPolicy { keys, .. } => remove_tags(&mut policy.as_mut()?.about.tags, keys),
        Write::DeletePolicy { .. } => *policy = policy.take().map(|_| None)?,
    }
    Some(())
}

fn make_default(policy: &mut Policy, id: &str) {
    policy.about.default_version_id = id.to_owned();
    policy.versions.iter_mut().for_each(|version| version.is_default = version.id == id);
}

/// IAM keeps one tag of keys that differ in case only.
fn set_tags(present: &mut Tags, tags: &Tags) {
    present.retain(|key, _| !tags.keys().any(|new| is_same_key(new, key)));
    present.extend(tags.clone());
}

fn remove_tags(present: &mut Tags, keys: &[String]) {
    present.retain(|key, _| !keys.iter().any(|gone| is_same_key(gone, key)));
}
