//! What is in the account, and IAM's rules for changing it: taken names (case aside), delete conflicts, five versions, ten
//! attachments, sizes, tags, malformed documents.
//!
//! Sources: the API reference of each operation, and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use orchestera_access::iam::{POLICY_DESCRIPTION, PolicyUser, ROLE_DESCRIPTION, Tags, Write};
use orchestera_access::policy::Edition;
use regex::Regex;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

pub const ACCOUNT: &str = "111122223333";

/// An error code and words.
pub type Refusal = (&'static str, String);

/// Everything in the account. Two worlds can be compared, which is how a test shows that nothing was touched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// By name in lower case.
    pub roles: BTreeMap<String, Role>,
    /// By ARN.
    pub policies: BTreeMap<String, Policy>,
    /// Users and groups that a policy is attached to.
    pub principals: BTreeSet<(String, PolicyUser)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub name: String,
    pub path: String,
    pub description: String,
    pub trust: Value,
    pub max_session_duration: i32,
    pub permissions_boundary: Option<String>,
    pub tags: Tags,
    pub attached: BTreeSet<String>,
    /// Documents by name.
    pub inline: BTreeMap<String, Value>,
    pub instance_profiles: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub name: String,
    pub description: String,
    pub versions: Vec<(u32, Value)>,
    pub default: u32,
    pub made: u32,
    pub tags: Tags,
}

impl Policy {
    /// The document in force.
    pub fn document(&self) -> &Value {
        let version = self.versions.iter().find(|(number, _)| *number == self.default);
        &version.expect("the default version is there").1
    }
}

pub fn policy_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:policy/{name}")
}

/// A tag list from pairs.
pub fn tags<const N: usize>(pairs: [(&str, &str); N]) -> Tags {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

impl World {
    /// Numbers of versions are never used again, so that nothing can put back how many were made. Takes that from `other`.
    pub fn unnumbered_like(&self, other: &World) -> Self {
        let mut world = self.clone();
        for (arn, policy) in &mut world.policies {
            policy.made = other.policies.get(arn).map_or(policy.made, |policy| policy.made);
        }
        world
    }

    /// Without the external id that every Create generates anew.
    pub fn without_generated(mut self) -> Self {
        let tags = self.roles.values_mut().map(|role| &mut role.tags);
        for tags in tags.chain(self.policies.values_mut().map(|policy| &mut policy.tags)) {
            tags.remove("orchestera:external-id");
        }
        self
    }

    /// Without what no two lives have in common.
    pub fn comparable(&self) -> Self {
        let mut world = self.clone().without_generated();
        for role in world.roles.values_mut() {
            // The generated external id, which is also what the trust asks for.
            if let Some(id) = role.trust.pointer_mut("/Statement/0/Condition/StringEquals/sts:ExternalId") {
                *id = "generated".into();
            }
        }
        for policy in world.policies.values_mut() {
            // Numbers of versions depend on how often one was made.
            policy.made = 0;
            let document = policy.document().clone();
            let is_ours = |document: &Value| Edition::named("2025-09-29").is_some_and(|e| e.document() == *document);
            if policy.versions.iter().any(|(_, one)| is_ours(one)) {
                policy.versions = vec![(0, document)];
                policy.default = 0;
            }
        }
        world
    }

    /// The role of exactly this name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(&name.to_lowercase()).filter(|role| role.name == name)
    }

    pub fn role_mut(&mut self, name: &str) -> Option<&mut Role> {
        self.roles.get_mut(&name.to_lowercase()).filter(|role| role.name == name)
    }

    pub fn policy(&self, arn: &str) -> Option<&Policy> {
        self.policies.get(arn)
    }

    fn need_role(&mut self, name: &str) -> Result<&mut Role, Refusal> {
        self.role_mut(name).ok_or_else(|| gone("role", name))
    }

    fn need_policy(&mut self, arn: &str) -> Result<&mut Policy, Refusal> {
        self.policies.get_mut(arn).ok_or_else(|| gone("policy", arn))
    }

    /// AWS's own policies are there without being made.
    fn attachable(&self, arn: &str) -> Result<(), Refusal> {
        let there = arn.contains(":iam::aws:policy/") || self.policies.contains_key(arn);
        if there { Ok(()) } else { Err(gone("policy", arn)) }
    }

    pub fn users_of(&self, arn: &str) -> Vec<PolicyUser> {
        let uses = |role: &&Role| role.attached.contains(arn) || role.permissions_boundary.as_deref() == Some(arn);
        let roles = self.roles.values().filter(uses).map(|role| PolicyUser::Role(role.name.clone()));
        let others = self.principals.iter().filter(|(policy, _)| policy == arn).map(|(_, user)| user.clone());
        roles.chain(others).collect()
    }

    /// One write, as IAM does it: wholly or not at all.
    pub fn write(&mut self, write: &Write) -> Result<(), Refusal> {
        match write {
            Write::CreateRole { role_name, trust, max_session_duration, permissions_boundary, tags } => {
                check_name(role_name, 64)?;
                check_document(trust, Place::Trust)?;
                check_session(*max_session_duration)?;
                check_tags(&Tags::new(), tags)?;
                if let Some(arn) = permissions_boundary {
                    self.attachable(arn)?;
                }
                if self.roles.contains_key(&role_name.to_lowercase()) {
                    return Err(taken("role", role_name));
                }
                let role = Role {
                    name: role_name.clone(),
                    path: "/".to_owned(),
                    description: ROLE_DESCRIPTION.to_owned(),
                    trust: trust.clone(),
                    max_session_duration: *max_session_duration,
                    permissions_boundary: permissions_boundary.clone(),
                    tags: tags.clone(),
                    attached: BTreeSet::new(),
                    inline: BTreeMap::new(),
                    instance_profiles: BTreeSet::new(),
                };
                self.roles.insert(role_name.to_lowercase(), role);
            }
            Write::UpdateAssumeRolePolicy { role_name, trust } => {
                check_document(trust, Place::Trust)?;
                self.need_role(role_name)?.trust = trust.clone();
            }
            Write::UpdateRole { role_name, max_session_duration, description } => {
                check_session(*max_session_duration)?;
                let role = self.need_role(role_name)?;
                role.max_session_duration = *max_session_duration;
                role.description = description.clone().unwrap_or_else(|| role.description.clone());
            }
            Write::PutRolePermissionsBoundary { role_name, policy_arn } => {
                self.attachable(policy_arn)?;
                self.need_role(role_name)?.permissions_boundary = Some(policy_arn.clone());
            }
            Write::DeleteRolePermissionsBoundary { role_name } => {
                self.need_role(role_name)?.permissions_boundary = None;
            }
            Write::TagRole { role_name, tags } => tag(&mut self.need_role(role_name)?.tags, tags)?,
            Write::UntagRole { role_name, keys } => untag(&mut self.need_role(role_name)?.tags, keys),
            Write::AttachRolePolicy { role_name, policy_arn } => {
                self.attachable(policy_arn)?;
                let role = self.need_role(role_name)?;
                if role.attached.len() >= 10 && !role.attached.contains(policy_arn) {
                    return Err(("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10".to_owned()));
                }
                role.attached.insert(policy_arn.clone());
            }
            Write::DetachRolePolicy { role_name, policy_arn } => {
                if !self.need_role(role_name)?.attached.remove(policy_arn) {
                    return Err(gone("attachment of policy", policy_arn));
                }
            }
            Write::PutRolePolicy { role_name, policy_name, document } => {
                check_name(policy_name, 128)?;
                let role = self.need_role(role_name)?;
                check_document(document, Place::Policy)?;
                role.inline.insert(policy_name.clone(), document.clone());
            }
            Write::DeleteRolePolicy { role_name, policy_name } => {
                if self.need_role(role_name)?.inline.remove(policy_name).is_none() {
                    return Err(gone("inline policy", policy_name));
                }
            }
            Write::DeleteRole { role_name } => {
                let role = self.need_role(role_name)?;
                if !role.attached.is_empty() {
                    return Err(conflict("must detach all policies first"));
                }
                if !role.inline.is_empty() {
                    return Err(conflict("must delete policies first"));
                }
                if !role.instance_profiles.is_empty() {
                    return Err(conflict("must remove roles from instance profile first"));
                }
                self.roles.remove(&role_name.to_lowercase());
            }
            Write::CreatePolicy { policy_name, document, tags } => {
                check_name(policy_name, 128)?;
                check_document(document, Place::Policy)?;
                check_tags(&Tags::new(), tags)?;
                let folded = |arn: &String| arn.rsplit('/').next().unwrap_or_default().to_lowercase();
                if self.policies.keys().any(|arn| folded(arn) == policy_name.to_lowercase()) {
                    return Err(taken("policy", policy_name));
                }
                let policy = Policy {
                    name: policy_name.clone(),
                    description: POLICY_DESCRIPTION.to_owned(),
                    versions: vec![(1, document.clone())],
                    default: 1,
                    made: 1,
                    tags: tags.clone(),
                };
                self.policies.insert(policy_arn(policy_name), policy);
            }
            Write::CreatePolicyVersion { policy_arn, document } => {
                check_document(document, Place::Policy)?;
                let policy = self.need_policy(policy_arn)?;
                if policy.versions.len() >= 5 {
                    return Err(("LimitExceeded", "A managed policy can have up to 5 versions.".to_owned()));
                }
                policy.made += 1;
                policy.versions.push((policy.made, document.clone()));
                policy.default = policy.made;
            }
            Write::SetDefaultPolicyVersion { policy_arn, version_id } => {
                let policy = self.need_policy(policy_arn)?;
                let number = version_number(version_id).filter(|n| policy.versions.iter().any(|(v, _)| v == n));
                policy.default = number.ok_or_else(|| gone("version", version_id))?;
            }
            Write::DeletePolicyVersion { policy_arn, version_id } => {
                let policy = self.need_policy(policy_arn)?;
                let number = version_number(version_id).filter(|n| policy.versions.iter().any(|(v, _)| v == n));
                let number = number.ok_or_else(|| gone("version", version_id))?;
                if number == policy.default {
                    return Err(conflict("Cannot delete the default version of a policy."));
                }
                policy.versions.retain(|(version, _)| *version != number);
            }
            Write::TagPolicy { policy_arn, tags } => tag(&mut self.need_policy(policy_arn)?.tags, tags)?,
            Write::UntagPolicy { policy_arn, keys } => untag(&mut self.need_policy(policy_arn)?.tags, keys),
            Write::DeletePolicy { policy_arn } => {
                let users = self.users_of(policy_arn);
                let policy = self.need_policy(policy_arn)?;
                if !users.is_empty() {
                    return Err(conflict("Cannot delete a policy attached to entities."));
                }
                if policy.versions.len() > 1 {
                    return Err(conflict("This policy has more than one version."));
                }
                self.policies.remove(policy_arn);
            }
        }
        Ok(())
    }
}

pub(super) fn version_number(id: &str) -> Option<u32> {
    id.strip_prefix('v')?.parse().ok()
}

pub(super) fn gone(what: &str, name: &str) -> Refusal {
    ("NoSuchEntity", format!("The {what} {name} cannot be found."))
}

fn taken(what: &str, name: &str) -> Refusal {
    ("EntityAlreadyExists", format!("The {what} {name} already exists."))
}

fn conflict(why: &str) -> Refusal {
    ("DeleteConflict", format!("Cannot delete entity, {why}"))
}

fn invalid(why: impl Into<String>) -> Refusal {
    ("ValidationError", why.into())
}

fn check_name(name: &str, longest: usize) -> Result<(), Refusal> {
    let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
    if legal && (1..=longest).contains(&name.len()) { Ok(()) } else { Err(invalid(format!("name '{name}'"))) }
}

fn check_session(seconds: i32) -> Result<(), Refusal> {
    if (3600..=43200).contains(&seconds) { Ok(()) } else { Err(invalid(format!("maxSessionDuration {seconds}"))) }
}

fn check_tags(there: &Tags, new: &Tags) -> Result<(), Refusal> {
    static LEGAL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$").unwrap());
    let legal = |text: &str| LEGAL.is_match(text);
    for (key, value) in new {
        if key.is_empty() || key.chars().count() > 128 || !legal(key) || key.to_lowercase().starts_with("aws:") {
            return Err(invalid(format!("tag key '{key}'")));
        }
        if value.chars().count() > 256 || !legal(value) {
            return Err(invalid(format!("tag value '{value}'")));
        }
    }
    if new.len() > 50 {
        return Err(invalid("more than 50 tags in one call"));
    }
    let folded: Vec<_> = new.keys().map(|key| key.to_lowercase()).collect();
    if folded.iter().collect::<BTreeSet<_>>().len() < folded.len() {
        return Err(("InvalidInput", "Duplicate tag keys found.".to_owned()));
    }
    let kept = there.keys().filter(|key| !folded.contains(&key.to_lowercase())).count();
    if kept + new.len() > 50 {
        return Err(("LimitExceeded", "The number of tags has reached the maximum limit.".to_owned()));
    }
    Ok(())
}

fn tag(there: &mut Tags, new: &Tags) -> Result<(), Refusal> {
    check_tags(there, new)?;
    // One key, whatever its case: the newer spelling stands.
    let folded: BTreeSet<_> = new.keys().map(|key| key.to_lowercase()).collect();
    there.retain(|key, _| !folded.contains(&key.to_lowercase()));
    there.extend(new.clone());
    Ok(())
}

fn untag(there: &mut Tags, keys: &[String]) {
    let folded: BTreeSet<_> = keys.iter().map(|key| key.to_lowercase()).collect();
    there.retain(|key, _| !folded.contains(&key.to_lowercase()));
}

/// Whether among the principals is one that is neither everybody, nor an account, nor an ARN. So IAM shows who was deleted, by
/// the unique id, and takes it in no document:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn names_nobody(principals: &Value) -> bool {
    let is_account = |one: &str| one.len() == 12 && one.bytes().all(|b| b.is_ascii_digit());
    let is_somebody =
        |one: &Value| one.as_str().is_some_and(|one| one == "*" || is_account(one) || one.starts_with("arn:"));
    match principals {
        Value::Null => false,
        Value::Array(all) => !all.iter().all(is_somebody) || all.is_empty(),
        one => !is_somebody(one),
    }
}

#[derive(PartialEq)]
enum Place {
    Trust,
    Policy,
}

fn check_document(document: &Value, place: Place) -> Result<(), Refusal> {
    let malformed = |why: &str| Err(("MalformedPolicyDocument", why.to_owned()));
    let longest = if place == Place::Trust { 2048 } else { 6144 };
    if document.to_string().len() > longest {
        return Err(("LimitExceeded", format!("Cannot exceed quota: {longest}")));
    }
    if !matches!(document["Version"].as_str(), Some("2012-10-17" | "2008-10-17")) {
        return malformed("Syntax errors in policy: Version");
    }
    let statements = match &document["Statement"] {
        Value::Array(statements) if !statements.is_empty() => statements.clone(),
        one @ Value::Object(_) => vec![one.clone()],
        _ => return malformed("Syntax errors in policy: Statement"),
    };
    let sids: Vec<_> = statements.iter().filter_map(|statement| statement["Sid"].as_str()).collect();
    if sids.iter().filter(|sid| !sid.is_empty()).collect::<BTreeSet<_>>().len()
        < sids.iter().filter(|sid| !sid.is_empty()).count()
    {
        return malformed("Statement IDs (SID) in a single policy must be unique.");
    }
    for statement in &statements {
        let has = |key: &str| statement.get(key).is_some();
        if !matches!(statement["Effect"].as_str(), Some("Allow" | "Deny")) {
            return malformed("Syntax errors in policy: Effect");
        }
        if has("Action") == has("NotAction") {
            return malformed("Policy statement must contain actions.");
        }
        match place {
            Place::Trust if has("Resource") => return malformed("Has prohibited field Resource"),
            Place::Trust if has("NotPrincipal") => return malformed("AssumeRole policy must not contain NotPrincipal"),
            Place::Trust if !has("Principal") => return malformed("Missing required field Principal"),
            Place::Trust if names_nobody(&statement["Principal"]["AWS"]) => {
                return malformed("Invalid principal in policy");
            }
            Place::Policy if has("Principal") => return malformed("Policy document should not specify a principal."),
            Place::Policy if !has("Resource") && !has("NotResource") => {
                return malformed("Policy statement must contain resources.");
            }
            _ => {}
        }
    }
    Ok(())
}
