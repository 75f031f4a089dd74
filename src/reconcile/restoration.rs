//! Restoring an adopted object as it was recorded: the steps, and what to say of them.
//!
//! Our tags are removed last, so that the next attempt can finish one that was interrupted.

use crate::account::PLATFORM_ACCOUNT_ID;
use crate::iam::{Tags, Write};
use crate::ownership;
use crate::policy::{self, EDITIONS};
use crate::reconcile::adoption::{PolicyBefore, RoleBefore};
use crate::reconcile::removal::{Removal, RemovalMode, RemovalProgress};
use crate::reconcile::state::{Policy, Role};
use crate::reconcile::suspension;
use crate::trust;

/// Steps in order, and a sentence for the customer.
pub struct Restoration {
    pub steps: Vec<Write>,
    pub note: String,
}

/// Restores the role. A suspended role stays suspended when its stack is deleted: nobody has asked for the access to be
/// restored. A policy that is deleted is not attached again.
pub fn of_role(removal: &Removal, progress: &RemovalProgress, role: &Role, policy_stays: bool) -> Restoration {
    let role_name = || removal.id.role_name.clone();
    let name = format!("The role {} in account {}", role_name(), removal.account.id);
    let remove = format!("aws iam delete-role --role-name {}, once its policies are detached", role_name());
    let stays_suspended = role.suspension.is_some() && matches!(removal.mode, RemovalMode::Delete { .. });
    let mut steps = Vec::new();
    // The platform may write tags. A record that would let anybody but the platform assume the role is not ours.
    let before =
        RoleBefore::read(&role.about.tags).filter(|before| trust::is_the_guides(&before.trust, PLATFORM_ACCOUNT_ID));
    let note = match before {
        None => format!(
            "{name} was adopted, and the record of its earlier state is lost. Its present state was kept, and our \
             tags were removed. To end the platform's access, delete it ({remove})."
        ),
        Some(before) => {
            steps.extend(limits(removal, progress, role, &before));
            if stays_suspended {
                format!(
                    "{name} was adopted and is restored to its earlier state, but it stays suspended: the inline \
                     policy {} and the Deny in its trust policy deny all access. To remove it, delete it ({remove}).",
                    suspension::POLICY_NAME
                )
            } else {
                steps.extend(access(removal, progress, role, &before, policy_stays));
                steps.extend(suspension::remove_deny(&role_name(), role));
                format!(
                    "{name} was adopted and is restored to its earlier state: the platform has the access that it had \
                     then. To end that access, delete the role ({remove})."
                )
            }
        }
    };
    let missing = [
        (progress.is_former_policy_gone, " The policy that was attached to it before no longer exists."),
        (
            progress.is_former_boundary_gone,
            " The permissions boundary that it had before no longer exists, so the present one stays.",
        ),
    ];
    let missing = missing.into_iter().filter_map(|(is_gone, sentence)| is_gone.then_some(sentence));
    let note = note + &missing.collect::<String>();
    steps.extend(untagging(removal, &role.about.tags).map(|keys| Write::UntagRole { role_name: role_name(), keys }));
    Restoration { steps, note }
}

/// Permissions boundary and maximum session duration.
fn limits(removal: &Removal, progress: &RemovalProgress, role: &Role, before: &RoleBefore) -> Vec<Write> {
    let role_name = || removal.id.role_name.clone();
    let mut steps = Vec::new();
    if role.about.permissions_boundary != before.permissions_boundary {
        steps.extend(match &before.permissions_boundary {
            // The present boundary stays: without any, the role would be allowed more than ever before.
            Some(_) if progress.is_former_boundary_gone => None,
            Some(arn) => Some(Write::PutRolePermissionsBoundary { role_name: role_name(), policy_arn: arn.clone() }),
            None => Some(Write::DeleteRolePermissionsBoundary { role_name: role_name() }),
        });
    }
    let max_session_duration = before.max_session_duration;
    if role.about.max_session_duration != max_session_duration {
        steps.push(Write::UpdateRole { role_name: role_name(), max_session_duration, description: None });
    }
    steps
}

/// Attachment and trust policy.
fn access(
    removal: &Removal,
    progress: &RemovalProgress,
    role: &Role,
    before: &RoleBefore,
    policy_stays: bool,
) -> Vec<Write> {
    let role_name = || removal.id.role_name.clone();
    let mut steps = Vec::new();
    let ours = removal.policy_arn();
    let was_attached = before.attachment.as_ref().map(|name| removal.account.policy_arn(name));
    if role.has_attached(&ours) && was_attached.as_ref() != Some(&ours) {
        steps.push(Write::DetachRolePolicy { role_name: role_name(), policy_arn: ours });
    }
    let can_attach = |arn: &String| !progress.is_former_policy_gone && (policy_stays || *arn != removal.policy_arn());
    if let Some(policy_arn) = was_attached.filter(|arn| !role.has_attached(arn) && can_attach(arn)) {
        steps.push(Write::AttachRolePolicy { role_name: role_name(), policy_arn });
    }
    if !policy::same(&role.about.trust, &before.trust) {
        steps.push(Write::UpdateAssumeRolePolicy { role_name: role_name(), trust: before.trust.clone() });
    }
    steps
}

/// Restores the policy: its former default version, without the versions that this product has added.
pub fn of_policy(removal: &Removal, policy: &Policy) -> Restoration {
    let policy_arn = || removal.policy_arn();
    let name = format!("The policy {} in account {}", removal.id.policy_name, removal.account.id);
    let remove = format!("aws iam delete-policy --policy-arn {}", policy_arn());
    let mut steps = Vec::new();
    let note = match PolicyBefore::read(&policy.about.tags) {
        Some(before) if policy.versions.iter().any(|version| version.id == before.default_version) => {
            let version_id = before.default_version.clone();
            if policy.about.default_version_id != version_id {
                steps.push(Write::SetDefaultPolicyVersion { policy_arn: policy_arn(), version_id });
            }
            let added = policy.versions.iter().filter(|version| !before.versions.contains(&version.id));
            let (ours, theirs): (Vec<_>, Vec<_>) = added.partition(|version| is_an_edition(policy, &version.id));
            let delete = |version_id: &String| Write::DeletePolicyVersion {
                policy_arn: policy_arn(),
                version_id: version_id.clone(),
            };
            steps.extend(ours.iter().map(|version| delete(&version.id)));
            let theirs = match theirs.iter().map(|version| version.id.as_str()).collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => none,
                some => format!(" Somebody else added {some}, which still exists and is not the default version."),
            };
            format!(
                "{name} was adopted and is restored to its earlier state, with {} as the default version.{theirs} To \
                 remove it, detach and delete it ({remove}).",
                before.default_version
            )
        }
        _ => format!(
            "{name} was adopted, and its earlier state cannot be restored. Its present state was kept, with {} as the \
             default version, and our tags were removed. To remove it, detach and delete it ({remove}).",
            policy.about.default_version_id
        ),
    };
    steps.extend(
        untagging(removal, &policy.about.tags).map(|keys| Write::UntagPolicy { policy_arn: policy_arn(), keys }),
    );
    Restoration { steps, note }
}

/// Whether a version is one of our editions. Nobody else writes exactly that document.
fn is_an_edition(policy: &Policy, version_id: &str) -> bool {
    let other = policy.other_documents.get(version_id);
    let document = if policy.about.default_version_id == version_id { Some(&policy.document) } else { other };
    document.is_some_and(|document| EDITIONS.iter().any(|edition| policy::same(document, &edition.document())))
}

/// The keys of our tags and of the tags in the properties; `None` if there are none.
fn untagging(removal: &Removal, tags: &Tags) -> Option<Vec<String>> {
    let has_put = ownership::can_have_put(&removal.tags, tags.get(ownership::TAGS_SHA256));
    let ours = |(key, value): &(&String, &String)| {
        key.starts_with(ownership::PREFIX) || has_put && removal.tags.get(*key) == Some(*value)
    };
    let keys: Vec<_> = tags.iter().filter(ours).map(|(key, _)| key.clone()).collect();
    (!keys.is_empty()).then_some(keys)
}
