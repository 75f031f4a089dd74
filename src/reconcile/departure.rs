//! What has to go: a pure function from what is there to the steps that remove, release or shut it.

use crate::account::Account;
use crate::error::{Error, Result};
use crate::iam::{PolicyUser, RETAINED_DESCRIPTION, ROLE_DESCRIPTION, Tags, Write};
use crate::ownership::{self, Owner, Resource};
use crate::physical_id::PhysicalId;
use crate::reconcile::adoption::{self, POLICY, ROLE};
use crate::reconcile::plan::Plan;
use crate::reconcile::state::{Policy, Role, State};
use crate::reconcile::{restoration, suspension};
use crate::trust;
use std::collections::BTreeSet;

/// What is to depart: the objects that carry this resource's tags under exactly this id.
#[derive(Clone, Debug)]
pub struct Leaving {
    pub account: Account,
    pub resource: Resource,
    pub id: PhysicalId,
    pub manner: Manner,
    /// Which of the two objects may be touched at all.
    pub role: bool,
    pub policy: bool,
    /// The customer's tags that the properties had put on it, which come off what is put back.
    pub tags: Tags,
    /// Whether this invocation has begun to put something back: a role without our tags is not one that lost them then.
    pub has_put_back: bool,
    /// Whether a policy that an adopted role had before was found to be gone, so that it cannot be attached again.
    pub is_policy_gone: bool,
    /// The same of a permissions boundary.
    pub is_boundary_gone: bool,
}

/// How it departs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A Delete of a resource that existed. If anybody can still assume the role, although our tags are gone, it is closed: the
    /// grantee may untag, and the grant must not survive unseen. `all`: what was adopted is deleted too, if an Update has said
    /// so before.
    Delete { all: bool },
    /// Of what an attempt left that never became a resource: nothing without our tags can be of it, and what it adopted
    /// is always put back.
    Remnant,
    /// Of what this very invocation made: as a remnant, but a role that lost our tags meanwhile is ours all the same, and is
    /// shut.
    Undo,
    /// Everything stays; only our tags go.
    Retain,
}

/// The way out.
#[derive(Clone, Debug, Default)]
pub struct Departure {
    pub plan: Plan,
    /// What was touched beside the resource's own, or put back, as sentences.
    pub notes: BTreeSet<String>,
    /// What was left because it is not the resource's, as sentences.
    pub left: BTreeSet<String>,
    /// Whether something is put back. Then it is no longer the resource's, and there is nothing more to say of it.
    pub puts_back: bool,
    /// Set when the steps end in a refusal all the same, which a person has to read.
    pub refusal: Option<String>,
}

impl Leaving {
    pub fn policy_arn(&self) -> String {
        self.account.policy_arn(&self.id.policy_name)
    }

    fn role_name(&self) -> String {
        self.id.role_name.clone()
    }
}

/// The steps that make `leaving` depart. Empty when nothing of it is left.
///
/// # Errors
/// [`Refused`](crate::error::Kind::Refused), before anything is touched, if somebody else depends on what would go.
pub fn departure(leaving: &Leaving, there: &State) -> Result<Departure> {
    let role = there.role.as_ref().filter(|_| leaving.role);
    let policy = there.policy.as_ref().filter(|_| leaving.policy);
    if leaving.manner == Manner::Retain {
        return Ok(retention(leaving, role, policy));
    }
    if let (Manner::Delete { .. } | Manner::Undo, Some(role)) = (&leaving.manner, role)
        && !leaving.has_put_back
        && was_made_by_us(leaving, role)
        && is_to_be_closed(leaving, role)
    {
        return Ok(closed(leaving, role));
    }
    let mut departure = Departure::default();
    let owned = |tags: &Tags| leaving.resource.owns(&leaving.id, tags);
    let our_role = role.filter(|role| owned(&role.about.tags));
    let our_policy = policy.filter(|policy| owned(&policy.about.tags));
    departure.left.extend(role.filter(|_| our_role.is_none()).map(|role| left(leaving, ROLE, &role.about.tags)));
    departure
        .left
        .extend(policy.filter(|_| our_policy.is_none()).map(|policy| left(leaving, POLICY, &policy.about.tags)));

    let role_tags = there.role.as_ref().map(|role| &role.about.tags);
    let policy_tags = there.policy.as_ref().map(|policy| &policy.about.tags);
    let (our_role, role_to_put_back) =
        divided(our_role, |role| adoption::is_adopted_role(role, policy_tags) && !may_go(leaving, &role.about.tags));
    let (our_policy, policy_to_put_back) = divided(our_policy, |policy| {
        adoption::is_marked(POLICY, &policy.about.tags, role_tags) && !may_go(leaving, &policy.about.tags)
    });
    // A policy that goes alone is taken off the role. Release 0.4.0 could give the role another policy and another id: then it
    // is taken off even if others hold the policy back.
    let released = there
        .role
        .as_ref()
        .filter(|role| our_role.is_none() && our_policy.is_some() && role.has_attached(&leaving.policy_arn()));
    let release = released.map(|role| (role, detachment(leaving)));
    match (refuse_if_in_use(leaving, our_role, our_policy, there.role.as_ref()), &release) {
        (Ok(()), _) => {}
        (Err(error), Some((role, step))) if role_to_put_back.is_none() && is_ours_or_was(leaving, role) => {
            departure.plan.push(vec![step.clone()]);
            departure.refusal = Some(error.reason());
            return Ok(departure);
        }
        (Err(error), _) => return Err(error),
    }

    // First what hangs on the objects, then the objects; the two sides do not touch each other.
    let mut role_steps = our_role.map(|role| strip(leaving, role, &mut departure.notes)).unwrap_or_default();
    role_steps.extend(release.map(|(_, step)| step));
    let mut policy_steps = our_policy.map(|policy| drop_versions(leaving, policy)).unwrap_or_default();
    let role_back = role_to_put_back.map(|role| {
        let policy_stays = there.policy.is_some() && our_policy.is_none();
        restoration::of_role(leaving, role, policy_stays)
    });
    let policy_back = policy_to_put_back.map(|policy| restoration::of_policy(leaving, policy));
    for (back, steps) in [(role_back, &mut role_steps), (policy_back, &mut policy_steps)] {
        if let Some(back) = back {
            departure.puts_back = true;
            departure.notes.insert(back.note);
            steps.extend(back.steps.into_iter().filter(|step| !steps.contains(step)).collect::<Vec<_>>());
        }
    }
    departure.plan.push_side_by_side(role_steps, policy_steps);
    let delete_role = our_role.map(|_| Write::DeleteRole { role_name: leaving.role_name() });
    let delete_policy = our_policy.map(|_| Write::DeletePolicy { policy_arn: leaving.policy_arn() });
    departure.plan.push(delete_role.into_iter().chain(delete_policy).collect());
    Ok(departure)
}

/// Whether an object goes although it was adopted.
fn may_go(leaving: &Leaving, tags: &Tags) -> bool {
    leaving.manner == Manner::Delete { all: true } && tags.contains_key(ownership::DELETE_ADOPTED)
}

/// On the left what does not pass, on the right what does.
fn divided<T>(object: Option<&T>, passes: impl FnOnce(&T) -> bool) -> (Option<&T>, Option<&T>) {
    match object {
        Some(object) if passes(object) => (None, Some(object)),
        object => (object, None),
    }
}

/// Whether a role without our tags is ours all the same. What has another description was not made by this product: it was
/// adopted, and put back by an earlier attempt.
fn was_made_by_us(leaving: &Leaving, role: &Role) -> bool {
    lost_its_tags(leaving, &role.about.tags) && role.about.description == ROLE_DESCRIPTION
}

/// Whether a role is ours under whatever id; or was, and has been shut because its tags were lost: then what it held of ours is
/// still to come off.
fn is_ours_or_was(leaving: &Leaving, role: &Role) -> bool {
    matches!(leaving.resource.judge(&role.about.tags), Owner::Us { .. }) || was_made_by_us(leaving, role)
}

fn detachment(leaving: &Leaving) -> Write {
    Write::DetachRolePolicy { role_name: leaving.role_name(), policy_arn: leaving.policy_arn() }
}

/// Not another owner's, but not provably ours any more either.
fn lost_its_tags(leaving: &Leaving, tags: &Tags) -> bool {
    match leaving.resource.judge(tags) {
        Owner::Nobody | Owner::Us { resource_id: None } => true,
        // Release 0.4.0 could give the resource another id that names this role too; anything else was never written by us.
        Owner::Us { resource_id: Some(id) } => {
            id.split('/').nth(1) != Some(&ownership::tag_value(&leaving.id.role_name))
        }
        Owner::Another { .. } => false,
    }
}

/// Our tags come off what carries them; nothing else happens.
fn retention(leaving: &Leaving, role: Option<&Role>, policy: Option<&Policy>) -> Departure {
    let ours = |tags: &Tags| -> Option<Vec<String>> {
        let keys = || tags.keys().filter(|key| key.starts_with(ownership::PREFIX)).cloned().collect();
        leaving.resource.owns(&leaving.id, tags).then(keys)
    };
    let suspended = role.is_some_and(|role| role.inline.iter().any(|name| name == suspension::POLICY_NAME));
    let role_there = role;
    let role = role.and_then(|role| ours(&role.about.tags));
    let policy = policy.and_then(|policy| ours(&policy.about.tags));
    let mut departure = Departure::default();
    if role.is_some() || policy.is_some() {
        let access = if suspended {
            "and the platform stays shut out"
        } else {
            "and the platform keeps its access. Delete them in IAM to take it away"
        };
        departure.notes.insert(format!(
            "OnDelete is Retain: the role {} and the policy {} stay in account {}, {access}.",
            leaving.id.role_name, leaving.id.policy_name, leaving.account.id
        ));
    }
    // Its description would say that this product made it, and a later stack that adopts it could not tell it from one that
    // lost its tags.
    let disowned = role_there.filter(|there| role.is_some() && there.about.description == ROLE_DESCRIPTION);
    departure.plan.push(Vec::from_iter(disowned.map(|there| Write::UpdateRole {
        role_name: leaving.role_name(),
        max_session_duration: there.about.max_session_duration,
        description: Some(RETAINED_DESCRIPTION.to_owned()),
    })));
    let role = role.map(|keys| Write::UntagRole { role_name: leaving.role_name(), keys });
    let policy = policy.map(|keys| Write::UntagPolicy { policy_arn: leaving.policy_arn(), keys });
    departure.plan.push(role.into_iter().chain(policy).collect());
    departure
}

/// Whether somebody can assume the role, or an attempt to close it has not come to its end.
fn is_to_be_closed(leaving: &Leaving, role: &Role) -> bool {
    let is_half_closed = || !suspension::has_deny(role) || role.has_attached(&leaving.policy_arn());
    trust::is_open(&role.about.trust) || trust::is_closed_by_us(&role.about.trust) && is_half_closed()
}

/// Somebody can assume the role, but its tags do not prove any more that we made it. It is not deleted: it is closed.
fn closed(leaving: &Leaving, role: &Role) -> Departure {
    let policy_arn = leaving.policy_arn();
    let mut departure = Departure::default();
    // A role that nobody can assume keeps its trust policy as it is.
    let trust = match trust::is_open(&role.about.trust) {
        true => trust::with_everybody_denied(&role.about.trust),
        false => role.about.trust.clone(),
    };
    departure.plan.push(suspension::closing_steps(&leaving.id.role_name, role, &trust, &policy_arn));
    let others: Vec<_> =
        role.attached.iter().map(|policy| policy.arn.as_str()).filter(|arn| *arn != policy_arn).collect();
    let others: Vec<_> = others
        .into_iter()
        .chain(role.inline.iter().map(String::as_str).filter(|name| *name != suspension::POLICY_NAME))
        .collect();
    let others = if others.is_empty() {
        String::new()
    } else {
        format!(" Somebody else gave the role {} as well; that is still on it.", others.join(", "))
    };
    departure.refusal = Some(format!(
        "The role {} in account {} lost the tags that prove that this stack made it, so that it was not deleted. It was shut \
         instead: its inline policy {} denies everything, its trust policy denies everybody, and the policy {} is \
         detached.{others} Look at who untagged it, delete the role, and the policy {policy_arn} if it is left, in IAM; then \
         delete the stack again, which will succeed.",
        leaving.id.role_name,
        leaving.account.id,
        suspension::POLICY_NAME,
        leaving.id.policy_name,
    ));
    departure
}

/// Nothing is touched while somebody else depends on it.
fn refuse_if_in_use(
    leaving: &Leaving,
    role: Option<&Role>,
    policy: Option<&Policy>,
    named: Option<&Role>,
) -> Result<()> {
    let mut obstacles = Vec::new();
    if let Some(role) = role.filter(|role| !role.instance_profiles.is_empty()) {
        obstacles.push(format!(
            "the role {} is in the instance profile {}: remove it from there (aws iam \
             remove-role-from-instance-profile)",
            leaving.id.role_name,
            role.instance_profiles.join(", ")
        ));
    }
    // A role of our name is no stranger if it is ours, or only just gone.
    let named_is_ours = named.is_none_or(|role| is_ours_or_was(leaving, role));
    let strangers: Vec<_> = policy
        .iter()
        .flat_map(|policy| &policy.users)
        .filter(|user| !(named_is_ours && **user == PolicyUser::Role(leaving.role_name())))
        .map(ToString::to_string)
        .collect();
    if !strangers.is_empty() {
        obstacles.push(format!(
            "the policy {} is used by {}: detach it there, or take it off as their permissions boundary",
            leaving.id.policy_name,
            strangers.join(", ")
        ));
    }
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!(
        "Nothing was deleted in account {}, because {}. Then delete the stack again.",
        leaving.account.id,
        obstacles.join("; and ")
    )))
}

/// Whatever hangs on our role, in the order that IAM demands before the role itself may go.
fn strip(leaving: &Leaving, role: &Role, notes: &mut BTreeSet<String>) -> Vec<Write> {
    let role_name = || leaving.role_name();
    let foreign = role.attached.iter().filter(|policy| policy.arn != leaving.policy_arn());
    notes.extend(foreign.map(|policy| {
        format!("The policy {}, which somebody else attached to the role, was detached and not deleted.", policy.arn)
    }));
    let inline = role.inline.iter().filter(|name| *name != suspension::POLICY_NAME);
    notes
        .extend(inline.map(|name| {
            format!("The inline policy {name}, which somebody else put on the role, was deleted with it.")
        }));
    let detach = role
        .attached
        .iter()
        .map(|policy| Write::DetachRolePolicy { role_name: role_name(), policy_arn: policy.arn.clone() });
    let delete = role
        .inline
        .iter()
        .map(|policy_name| Write::DeleteRolePolicy { role_name: role_name(), policy_name: policy_name.clone() });
    detach.chain(delete).collect()
}

/// All versions but the default one, which goes with the policy.
fn drop_versions(leaving: &Leaving, policy: &Policy) -> Vec<Write> {
    let extra = policy.versions.iter().filter(|version| !version.is_default);
    let delete = |version_id: &String| Write::DeletePolicyVersion {
        policy_arn: leaving.policy_arn(),
        version_id: version_id.clone(),
    };
    extra.map(|version| delete(&version.id)).collect()
}

/// Why an object under our name was left.
fn left(leaving: &Leaving, what: &str, tags: &Tags) -> String {
    let name = if what == ROLE { &leaving.id.role_name } else { &leaving.id.policy_name };
    let why = match leaving.resource.judge(tags) {
        Owner::Another { stack_id, .. } => format!("it belongs to the stack {stack_id}"),
        Owner::Us { resource_id: Some(owner) } => format!("it belongs to {owner} now"),
        Owner::Us { resource_id: None } | Owner::Nobody => "nothing on it says that this stack made it".to_owned(),
    };
    format!("The {what} {name} in account {} was left as it is: {why}.", leaving.account.id)
}
