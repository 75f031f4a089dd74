//! The plan of a removal: a pure function from what is to be removed and the observed state to the steps that delete,
//! restore or close it.

use crate::iam::{PolicyUser, RETAINED_DESCRIPTION, ROLE_DESCRIPTION, Tags, Write};
use crate::ownership::{self, Owner};
use crate::reconcile::adoption::{self, POLICY, ROLE};
use crate::reconcile::plan::Plan;
use crate::reconcile::removal::{Removal, RemovalMode, RemovalProgress};
use crate::reconcile::state::{Policy, Role, State};
use crate::reconcile::{restoration, suspension};
use crate::trust;
use custom_resource::{Error, Result};
use std::collections::BTreeSet;

/// The next steps of a removal, and what to say of them.
#[derive(Clone, Debug, Default)]
pub struct RemovalPlan {
    pub steps: Plan,
    /// What was changed beside this resource's own objects, or restored, as sentences.
    pub notes: BTreeSet<String>,
    /// What was left because this resource does not own it, as sentences.
    pub left: BTreeSet<String>,
    /// Whether an adopted object is restored. Then this resource no longer owns it.
    pub restores: bool,
    /// Why the removal fails although the steps succeed, as a sentence. A person has to read it.
    pub refusal: Option<String>,
}

/// The steps of `removal`. Empty when nothing is left to remove.
///
/// # Errors
/// [`Refused`](custom_resource::Kind::Refused), before anything is changed, if somebody else depends on what would be
/// deleted.
pub fn plan(removal: &Removal, progress: &RemovalProgress, observed: &State) -> Result<RemovalPlan> {
    let role = observed.role.as_ref().filter(|_| removal.includes_role());
    let policy = observed.policy.as_ref().filter(|_| removal.includes_policy());
    if removal.mode == RemovalMode::Retain {
        return Ok(retention(removal, role, policy));
    }
    if let (RemovalMode::Delete { .. } | RemovalMode::Undo { .. }, Some(role)) = (removal.mode, role)
        && !progress.has_restored
        && was_created_by_us(removal, role)
        && is_to_be_closed(removal, role)
    {
        return Ok(closed(removal, role));
    }
    let mut plan = RemovalPlan::default();
    let owned = |tags: &Tags| removal.resource.owns(&removal.id, tags);
    let our_role = role.filter(|role| owned(&role.about.tags));
    let our_policy = policy.filter(|policy| owned(&policy.about.tags));
    plan.left.extend(role.filter(|_| our_role.is_none()).map(|role| left(removal, ROLE, &role.about.tags)));
    plan.left.extend(policy.filter(|_| our_policy.is_none()).map(|policy| left(removal, POLICY, &policy.about.tags)));

    let role_tags = observed.role_tags();
    let policy_tags = observed.policy_tags();
    let (our_role, role_to_restore) = partition(our_role, |role| {
        adoption::is_adopted_role(role, policy_tags) && !is_deleted_although_adopted(removal, &role.about.tags)
    });
    let (our_policy, policy_to_restore) = partition(our_policy, |policy| {
        adoption::is_marked(POLICY, &policy.about.tags, role_tags)
            && !is_deleted_although_adopted(removal, &policy.about.tags)
    });
    // A policy that is deleted without the role is detached from it first. Release 0.4.0 could give the role another
    // policy and another id. Then the old policy is detached even if others use it, so that it cannot be deleted.
    // A policy that is restored was never attached to a role that this resource created.
    let goes_from =
        |role: &Role| our_policy.is_some() || policy_to_restore.is_some() && was_created_by_us(removal, role);
    let detached_from = observed
        .role
        .as_ref()
        .filter(|role| our_role.is_none() && role.has_attached(&removal.policy_arn()) && goes_from(role));
    let detach = detached_from.map(|role| (role, detachment(removal)));
    match (refuse_if_in_use(removal, our_role, our_policy, observed.role.as_ref()), &detach) {
        (Ok(()), _) => {}
        (Err(error), Some((role, step))) if role_to_restore.is_none() && is_ours_or_was(removal, role) => {
            plan.steps.push(vec![step.clone()]);
            plan.refusal = Some(error.reason());
            return Ok(plan);
        }
        (Err(error), _) => return Err(error),
    }

    // First what is attached to the objects, then the objects. The two sides are about different objects.
    let mut role_steps = our_role.map(|role| detach_everything(removal, role, &mut plan.notes)).unwrap_or_default();
    role_steps.extend(detach.map(|(_, step)| step));
    let mut policy_steps = our_policy.map(|policy| delete_versions(removal, policy)).unwrap_or_default();
    let role_back = role_to_restore.map(|role| {
        let policy_stays = observed.policy.is_some() && our_policy.is_none();
        restoration::of_role(removal, progress, role, policy_stays)
    });
    let policy_back = policy_to_restore.map(|policy| restoration::of_policy(removal, policy));
    for (back, steps) in [(role_back, &mut role_steps), (policy_back, &mut policy_steps)] {
        if let Some(back) = back {
            plan.restores = true;
            plan.notes.insert(back.note);
            steps.extend(back.steps.into_iter().filter(|step| !steps.contains(step)).collect::<Vec<_>>());
        }
    }
    plan.steps.push_side_by_side(role_steps, policy_steps);
    let delete_role = our_role.map(|_| Write::DeleteRole { role_name: removal.role_name() });
    let delete_policy = our_policy.map(|_| Write::DeletePolicy { policy_arn: removal.policy_arn() });
    plan.steps.push(delete_role.into_iter().chain(delete_policy).collect());
    Ok(plan)
}

/// Whether an object is deleted although it was adopted.
fn is_deleted_although_adopted(removal: &Removal, tags: &Tags) -> bool {
    removal.mode == (RemovalMode::Delete { all: true }) && tags.contains_key(ownership::DELETE_ADOPTED)
}

/// The object on the right if it passes, on the left if not.
fn partition<T>(object: Option<&T>, passes: impl FnOnce(&T) -> bool) -> (Option<&T>, Option<&T>) {
    match object {
        Some(object) if passes(object) => (None, Some(object)),
        object => (object, None),
    }
}

/// Whether this resource created a role that has lost our tags. A role with another description was adopted, and an
/// earlier attempt has restored it.
fn was_created_by_us(removal: &Removal, role: &Role) -> bool {
    lost_its_tags(removal, &role.about.tags) && role.about.description == ROLE_DESCRIPTION
}

/// Whether this resource owns a role under any id, or created it and closed it because its tags were lost. Then our
/// policy is still to be detached from it.
fn is_ours_or_was(removal: &Removal, role: &Role) -> bool {
    matches!(removal.resource.owner(&role.about.tags), Owner::ThisResource { .. }) || was_created_by_us(removal, role)
}

fn detachment(removal: &Removal) -> Write {
    Write::DetachRolePolicy { role_name: removal.role_name(), policy_arn: removal.policy_arn() }
}

/// Whether the tags name no other owner, but do not prove ownership either.
fn lost_its_tags(removal: &Removal, tags: &Tags) -> bool {
    match removal.resource.owner(tags) {
        Owner::Nobody | Owner::ThisResource { resource_id: None } => true,
        // Release 0.4.0 could give the resource another id that names this role too; anything else was never written by
        // us.
        Owner::ThisResource { resource_id: Some(id) } => {
            id.split('/').nth(1) != Some(&ownership::tag_value(&removal.id.role_name))
        }
        Owner::AnotherResource { .. } => false,
    }
}

/// Our tags are removed. Nothing else changes.
fn retention(removal: &Removal, role: Option<&Role>, policy: Option<&Policy>) -> RemovalPlan {
    let ours = |tags: &Tags| -> Option<Vec<String>> {
        let keys = || tags.keys().filter(|key| key.starts_with(ownership::PREFIX)).cloned().collect();
        removal.resource.owns(&removal.id, tags).then(keys)
    };
    let is_suspended = role.is_some_and(|role| role.suspension.is_some());
    let observed_role = role;
    let role = role.and_then(|role| ours(&role.about.tags));
    let policy = policy.and_then(|policy| ours(&policy.about.tags));
    let mut plan = RemovalPlan::default();
    if role.is_some() || policy.is_some() {
        let access = if is_suspended {
            "and the platform still has no access"
        } else {
            "and the platform keeps its access. To end it, delete them in IAM"
        };
        plan.notes.insert(format!(
            "OnDelete is Retain: the role {} and the policy {} stay in account {}, {access}.",
            removal.id.role_name, removal.id.policy_name, removal.account.id
        ));
    }
    // With our description, a later stack that adopts the role could not tell it from one that lost its tags.
    let disowned = observed_role.filter(|it| role.is_some() && it.about.description == ROLE_DESCRIPTION);
    plan.steps.push(Vec::from_iter(disowned.map(|it| Write::UpdateRole {
        role_name: removal.role_name(),
        max_session_duration: it.about.max_session_duration,
        description: Some(RETAINED_DESCRIPTION.to_owned()),
    })));
    let role = role.map(|keys| Write::UntagRole { role_name: removal.role_name(), keys });
    let policy = policy.map(|keys| Write::UntagPolicy { policy_arn: removal.policy_arn(), keys });
    plan.steps.push(role.into_iter().chain(policy).collect());
    plan
}

/// Whether anybody can assume the role, or an attempt to close it is unfinished.
fn is_to_be_closed(removal: &Removal, role: &Role) -> bool {
    let is_half_closed = || !suspension::has_deny(role) || role.has_attached(&removal.policy_arn());
    trust::is_open(&role.about.trust) || trust::is_closed_by_us(&role.about.trust) && is_half_closed()
}

/// Anybody can still assume the role, but its tags no longer prove that this resource created it. It is closed, not
/// deleted.
fn closed(removal: &Removal, role: &Role) -> RemovalPlan {
    let policy_arn = removal.policy_arn();
    let mut plan = RemovalPlan::default();
    // If nobody can assume the role, its trust policy stays.
    let trust = match trust::is_open(&role.about.trust) {
        true => trust::with_everybody_denied(&role.about.trust),
        false => role.about.trust.clone(),
    };
    plan.steps.push(suspension::closing_steps(&removal.id.role_name, role, &trust, &policy_arn));
    let others: Vec<_> =
        role.attached.iter().map(|policy| policy.arn.as_str()).filter(|arn| *arn != policy_arn).collect();
    let others: Vec<_> = others.into_iter().chain(role.inline.iter().map(String::as_str)).collect();
    let others = if others.is_empty() {
        String::new()
    } else {
        format!(" The role also has {}, which somebody else added.", others.join(", "))
    };
    plan.refusal = Some(format!(
        "The role {} in account {} lost the tags that prove that this stack created it, so it was not deleted. \
         Instead, all access was denied: its inline policy {} denies everything, its trust policy denies everybody, \
         and the policy {} is detached.{others} Find out who removed the tags. Delete the role in IAM, and the policy \
         {policy_arn} if it still exists. Then delete the stack again, which will succeed.",
        removal.id.role_name,
        removal.account.id,
        suspension::POLICY_NAME,
        removal.id.policy_name,
    ));
    plan
}

/// Nothing is changed while somebody else depends on it.
fn refuse_if_in_use(
    removal: &Removal,
    role: Option<&Role>,
    policy: Option<&Policy>,
    named: Option<&Role>,
) -> Result<()> {
    let mut obstacles = Vec::new();
    if let Some(role) = role.filter(|role| !role.instance_profiles.is_empty()) {
        obstacles.push(format!(
            "the role {} is in the instance profile {}: remove it from there (aws iam \
             remove-role-from-instance-profile)",
            removal.id.role_name,
            role.instance_profiles.join(", ")
        ));
    }
    // A role with our name counts as ours if this resource owns it, or if it has just been deleted.
    let named_is_ours = named.is_none_or(|role| is_ours_or_was(removal, role));
    let strangers: Vec<_> = policy
        .iter()
        .flat_map(|policy| &policy.users)
        .filter(|user| !(named_is_ours && **user == PolicyUser::Role(removal.role_name())))
        .map(ToString::to_string)
        .collect();
    if !strangers.is_empty() {
        obstacles.push(format!(
            "the policy {} is used by {}: detach it there, or remove it as their permissions boundary",
            removal.id.policy_name,
            strangers.join(", ")
        ));
    }
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!(
        "Nothing was deleted in account {}, because {}. Then delete the stack again.",
        removal.account.id,
        obstacles.join("; and ")
    )))
}

/// The steps that IAM requires before a role can be deleted: its policies are detached, its inline policies deleted.
fn detach_everything(removal: &Removal, role: &Role, notes: &mut BTreeSet<String>) -> Vec<Write> {
    let role_name = || removal.role_name();
    let foreign = role.attached.iter().filter(|policy| policy.arn != removal.policy_arn());
    notes.extend(foreign.map(|policy| {
        format!("The policy {}, which somebody else attached to the role, was detached and not deleted.", policy.arn)
    }));
    notes.extend(
        role.inline
            .iter()
            .map(|name| format!("The inline policy {name}, which somebody else put on the role, was deleted with it.")),
    );
    let detach = role
        .attached
        .iter()
        .map(|policy| Write::DetachRolePolicy { role_name: role_name(), policy_arn: policy.arn.clone() });
    let delete = role
        .inline
        .iter()
        .map(|policy_name| Write::DeleteRolePolicy { role_name: role_name(), policy_name: policy_name.clone() });
    detach.chain(suspension::remove_deny(&role_name(), role)).chain(delete).collect()
}

/// Deletes all versions except the default one, which is deleted with the policy.
fn delete_versions(removal: &Removal, policy: &Policy) -> Vec<Write> {
    let extra = policy.versions.iter().filter(|version| !version.is_default);
    let delete = |version_id: &String| Write::DeletePolicyVersion {
        policy_arn: removal.policy_arn(),
        version_id: version_id.clone(),
    };
    extra.map(|version| delete(&version.id)).collect()
}

/// The sentence that says why an object under our name was left.
fn left(removal: &Removal, what: &str, tags: &Tags) -> String {
    let name = if what == ROLE { &removal.id.role_name } else { &removal.id.policy_name };
    let why = match removal.resource.owner(tags) {
        Owner::AnotherResource { stack_id, .. } => format!("it belongs to the stack {stack_id}"),
        Owner::ThisResource { resource_id: Some(owner) } => format!("it belongs to {owner} now"),
        Owner::ThisResource { resource_id: None } | Owner::Nobody => {
            "its tags do not say that this stack created it".to_owned()
        }
    };
    format!("The {what} {name} in account {} was not changed: {why}.", removal.account.id)
}
