//! Who can sign in, and under which names the stack creates users and roles.

use crate::findings::Findings;
use crate::organization::observe::{ADMIN_GROUP_NAME, Asked, BOOTSTRAP_ROLE, BREAK_GLASS_USER, BreakGlass, Observed};
use crate::organization::properties::{AdminGroup, SignIn};

/// The length of the generated password. It has characters of all four classes, so that no other rule refuses it.
const PASSWORD_LENGTH: i32 = 32;

/// Checks the group and its users, the user for emergencies, the role for tools, and the root user.
pub fn check(findings: &mut Findings, asked: Asked<'_>, observed: &Observed) {
    group(findings, asked, observed);
    users(findings, asked, observed);
    break_glass(findings, observed);
    root_user(findings, observed);
}

fn group(findings: &mut Findings, asked: Asked<'_>, observed: &Observed) {
    let Asked { properties, old, .. } = asked;
    let is_new_group = properties.is_new(old, |choices| &choices.admin_group);
    match (properties.admin_group, &observed.group) {
        (AdminGroup::Make, Some(Some(_))) if is_new_group => findings.refuse(format!(
            "The group {ADMIN_GROUP_NAME} exists already. Set AdminGroup to \"Use\", and name in AdminUserNames only \
             users who are not in the group yet. Or set AdminGroup to \"None\"."
        )),
        (AdminGroup::Use, Some(None)) if is_new_group => findings.refuse(format!(
            "There is no group {ADMIN_GROUP_NAME}. Set AdminGroup to \"Make\" to have it created, or to \"None\"."
        )),
        _ => {}
    }
    if let (AdminGroup::Use, Some(Some(members))) = (properties.admin_group, &observed.group)
        && is_new_group
        && members.is_empty()
        && properties.admin_user_names.is_empty()
        && properties.sign_in == SignIn::Users
        && !properties.has_break_glass_user
    {
        findings.refuse(format!(
            "The group {ADMIN_GROUP_NAME} has no users, so nobody could switch to the member account. Name at least \
             one IAM user in AdminUserNames."
        ));
    }
}

fn users(findings: &mut Findings, asked: Asked<'_>, observed: &Observed) {
    let Asked { properties, old, .. } = asked;
    let was_given = |name: &&String| old.is_some_and(|old| old.admin_user_names.contains(name));
    let missing: Vec<_> = observed.missing_users.iter().filter(|name| !was_given(name)).cloned().collect();
    if !missing.is_empty() {
        findings.refuse(format!(
            "There is no IAM user {} in this account. Correct AdminUserNames, or create the user first.",
            missing.join(", ")
        ));
    }
    // CloudFormation takes out of the group whoever it was told to put in: at the rollback of a Create, and at an Update
    // without the name. Somebody would be locked out.
    let members = observed.group.as_ref().and_then(Option::as_ref);
    let in_group = |name: &&String| members.is_some_and(|members| members.contains(name));
    let names = properties.admin_user_names.iter().filter(|name| !was_given(name));
    let already: Vec<_> = names.filter(in_group).cloned().collect();
    if properties.admin_group == AdminGroup::Use && !already.is_empty() {
        findings.refuse(format!(
            "{} is in the group {ADMIN_GROUP_NAME} already. Leave that name out of AdminUserNames: otherwise a \
             rollback of this stack would remove the user from the group.",
            already.join(", ")
        ));
    }
}

/// The user and the role that the stack creates under fixed names.
fn break_glass(findings: &mut Findings, observed: &Observed) {
    let BreakGlass { has_user, password_policy } = observed.break_glass.clone().unwrap_or_default();
    if has_user == Some(true) {
        findings.refuse(format!(
            "There is an IAM user {BREAK_GLASS_USER} already. The stack does not change it. Set BreakGlassUser to \
             \"Off\", or rename that user first: aws iam update-user --user-name {BREAK_GLASS_USER} --new-user-name \
             NEW_NAME"
        ));
    }
    // A policy that lets nobody change their password is no obstacle: the user is an administrator, and may.
    if let Some(policy) = password_policy.flatten()
        && policy.minimum_length > PASSWORD_LENGTH
    {
        findings.refuse(format!(
            "The password policy of this account requires {} characters, and the stack generates a password of \
             {PASSWORD_LENGTH}. Set BreakGlassUser to \"Off\", or require fewer characters under Account settings in \
             IAM.",
            policy.minimum_length
        ));
    }
    if observed.has_bootstrap_role == Some(true) {
        findings.refuse(format!(
            "There is a role {BOOTSTRAP_ROLE} already. The stack does not change it. Set BootstrapRole to \"Off\", or \
             delete that role first."
        ));
    }
}

fn root_user(findings: &mut Findings, observed: &Observed) {
    let Some(root) = observed.root_user else { return };
    if !root.has_mfa {
        findings.warn("The root user of this account has no MFA. Sign in as root and assign a device.");
    }
    if root.has_access_keys {
        findings.warn("The root user of this account has access keys. Sign in as root and delete them.");
    }
    if root.has_password == Some(true) {
        findings.warn(
            "The root user of this account has a password. Keep it where nobody needs it every day, and sign in as \
             root only for tasks that no other user can do.",
        );
    }
}
