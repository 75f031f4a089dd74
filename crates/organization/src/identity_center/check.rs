//! From the properties and what exists to what stands in the way: pure. The finder and the check before the stack's work
//! are the same.

use super::observe::{Observed, is_of, is_of_stack};
use super::properties::{PermissionSetChoice, Properties};
use crate::findings::Findings;
use crate::management_account::identity_center::{Instance, REGION};

/// Where an organization instance is enabled. No API can do it.
pub const CONSOLE: &str = "https://console.aws.amazon.com/singlesignon/home?region=us-east-1";

/// Checks every property. With `old`, an assignment that this stack may have made is not refused, nor is a permission set
/// that was accepted before.
pub fn check(
    properties: &Properties,
    old: Option<&Properties>,
    observed: &Observed,
    own: &str,
    stack_id: &str,
) -> Findings {
    let mut findings = Findings::default();
    if !observed.has_all_features {
        findings.refuse(
            "IAM Identity Center needs an organization with all features, and this one has consolidated billing only. To \
             enable them, open AWS Organizations in the console, then Settings. Then retry.",
        );
        return findings;
    }
    let Some(instance) = observed.instance(own) else {
        findings.refuse(instance_is_missing(observed, own));
        return findings;
    };
    if observed.principal_id.is_none() {
        findings.refuse(format!(
            "There is no {} in IAM Identity Center (identity store {}). A user is found by the user name, a group by \
             the display name. Correct IdentityCenterPrincipal, or open {CONSOLE} and create the user or group first.",
            properties.principal, instance.identity_store_id
        ));
    }
    permission_set(&mut findings, properties, old, observed, stack_id);
    let before = old.filter(|old| has_same_grant(old, properties));
    for account in &observed.assigned {
        let was_given = before.is_some_and(|before| {
            let described = observed.accounts.iter().find(|described| described.id == *account);
            account == own || described.is_some_and(|one| before.accounts.iter().any(|id| is_of(one, id)))
        });
        if !was_given {
            findings.refuse(format!(
                "The {} has the permission set {} in account {account} already. The stack would own that assignment. A \
                 rollback of the stack would delete it, and so would an update to another principal or permission set. If \
                 somebody else can sign in, delete that assignment first, under AWS accounts in IAM Identity Center. \
                 Otherwise set SignIn to \"Users\".",
                properties.principal, properties.permission_set_name
            ));
        }
    }
    findings
}

fn permission_set(
    findings: &mut Findings,
    properties: &Properties,
    old: Option<&Properties>,
    observed: &Observed,
    stack_id: &str,
) {
    let name = &properties.permission_set_name;
    let is_new = old.is_none_or(|old| {
        (old.permission_set, &old.permission_set_name) != (properties.permission_set, &properties.permission_set_name)
    });
    match (properties.permission_set, &observed.permission_set) {
        (PermissionSetChoice::Make, Some(set)) if is_new && !is_of_stack(set, stack_id) => findings.refuse(format!(
            "IAM Identity Center has a permission set {name} already. The stack does not change it. Set PermissionSet \
             to \"Use\" to assign it as it is, or choose another PermissionSetName."
        )),
        (PermissionSetChoice::Use, None) => findings.refuse(format!(
            "IAM Identity Center has no permission set {name}. Set PermissionSet to \"Make\" to have it created, or correct \
             PermissionSetName."
        )),
        (PermissionSetChoice::Use, Some(set)) if is_new && is_of_stack(set, stack_id) => findings.refuse(format!(
            "This stack created the permission set {name}. With PermissionSet = \"Use\" this update would delete it. Keep \
             \"Make\", or choose another PermissionSetName."
        )),
        _ => {}
    }
}

/// Whether the same principal was given the same permission set before, so that its assignments are the stack's.
fn has_same_grant(old: &Properties, new: &Properties) -> bool {
    (&old.principal, old.permission_set, &old.permission_set_name)
        == (&new.principal, new.permission_set, &new.permission_set_name)
}

/// Why there is no instance that can be used, and what to do.
fn instance_is_missing(observed: &Observed, own: &str) -> String {
    let (own_instances, others): (Vec<_>, Vec<_>) =
        observed.instances.iter().partition(|instance| instance.owner_account_id == own);
    match (&own_instances[..], &others[..]) {
        ([instance, ..], _) if !observed.has_trusted_access => is_account_instance(instance),
        ([instance, ..], _) if !instance.is_here() => is_elsewhere(&instance.primary_region),
        ([instance, ..], _) => format!(
            "The IAM Identity Center instance {} is {}. Wait until it is ACTIVE, or look at it in the console: {CONSOLE} \
             Then retry.",
            instance.arn, instance.status
        ),
        ([], [instance, ..]) => format!(
            "The IAM Identity Center instance {} is one of account {} and not of the organization. To enable the \
             organization's instance, open {CONSOLE} and choose Enable. Then retry.",
            instance.arn, instance.owner_account_id
        ),
        ([], []) if !observed.other_regions.is_empty() => is_elsewhere(&observed.other_regions.join(", ")),
        ([], []) => format!(
            "IAM Identity Center is not enabled for this organization, and no API can do that. Open {CONSOLE} and choose \
             Enable. Create the user or group there. Then retry."
        ),
    }
}

/// An instance that the account created before it had an organization.
pub fn is_account_instance(instance: &Instance) -> String {
    format!(
        "The IAM Identity Center instance {} is an account instance: AWS Organizations has no trusted access for \
         sso.amazonaws.com. It has no permission sets, and blocks the organization's instance. If nobody uses it, delete it \
         under Settings in {CONSOLE} and choose Enable afterwards. If it is the organization's instance, do not delete it: \
         enable trusted access under Services in AWS Organizations. Then retry.",
        instance.arn
    )
}

fn is_elsewhere(region: &str) -> String {
    format!(
        "IAM Identity Center is enabled in {region}, and this stack works with it in {REGION} only. An organization has one \
         region for it. Set SignIn to \"Users\", and assign the accounts by hand there."
    )
}
