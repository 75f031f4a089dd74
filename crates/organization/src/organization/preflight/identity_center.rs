//! Sign-in with Identity Center: the same check as the finder's, before anything is created.

use crate::findings::Findings;
use crate::identity_center::check::{self, CONSOLE, is_account_instance};
use crate::organization::observe::{Asked, Observed};
use crate::organization::properties::SignIn;

/// What Identity Center does in the management account with the rights of whoever assigns it. Its own role may not.
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/iam-auth-access-using-id-policies.html>
const RIGHTS_TO_ASSIGN: &str = "iam:AttachRolePolicy, CreateRole, DeleteRole, DeleteRolePolicy, DetachRolePolicy, GetRole, \
    ListAttachedRolePolicies, ListRolePolicies, PutRolePolicy, UpdateRole, UpdateRoleDescription on \
    role/aws-reserved/sso.amazonaws.com/*; GetSAMLProvider, UpdateSAMLProvider on \
    saml-provider/AWSSSO_*_DO_NOT_DELETE; ListPolicies, ListRoles";

pub fn check(findings: &mut Findings, asked: Asked<'_>, observed: &Observed) {
    let Some(wanted) = asked.properties.new_identity_center(asked.old) else { return };
    if observed.organization.is_none() {
        findings.refuse(format!(
            "This account is in no organization, so it has no IAM Identity Center that the stack can use. Create the \
             stack with SignIn = \"Users\". Then open {CONSOLE} and choose Enable. Then update the stack with SignIn \
             = \"IdentityCenter\"."
        ));
        let instances = observed.identity_center.iter().flat_map(|found| &found.instances);
        findings.refusals.extend(instances.map(is_account_instance));
        return;
    }
    // What could not be read is among the warnings, and the finder will say it.
    if let Some(found) = &observed.identity_center {
        let before = asked.old.and_then(|old| old.identity_center());
        findings.refusals.extend(check::check(&wanted, before.as_ref(), found, asked.own, asked.stack_id).refusals);
    }
    if asked.properties.is_newly_on(asked.old, |choices| choices.sign_in == SignIn::IdentityCenter) {
        findings.warn(format!(
            "The identity that deploys this stack, or its service role, needs these permissions to assign the \
             management account: {RIGHTS_TO_ASSIGN}. AdministratorAccess has them."
        ));
    }
}
