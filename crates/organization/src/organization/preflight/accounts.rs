//! The accounts: which exist, which can be created.

use crate::account::properties::Identity;
use crate::account::reason;
use crate::findings::Findings;
use crate::management_account::{AccountCreation, AccountState, CreationProgress, OrganizationDescription};
use crate::organization::observe::{Asked, Members};
use crate::organization::properties::{AccountChoice, Properties};

/// Checks every account that is given, and where it will be.
pub fn check(findings: &mut Findings, asked: Asked<'_>, organization: &OrganizationDescription, members: &Members) {
    let Asked { properties, old, .. } = asked;
    let management = &organization.management_account_id;
    if let Some(id) = properties.account_id.as_ref().filter(|_| properties.is_new(old, |choices| &choices.account_id)) {
        match members.account(&Identity::Id(id.clone())) {
            _ if id == management => {
                findings.refuse(reason::is_management_account(&format!("AccountId {id}"), management).reason());
            }
            None => findings.refuse(reason::is_not_in_the_organization(id).reason()),
            Some(account) if account.state != AccountState::Active => {
                findings.refuse(reason::is_not_active(account).reason());
            }
            Some(_) => {}
        }
    }
    let mut to_create = 0;
    for choice in properties.accounts() {
        let was_given = old.is_some_and(|old| old.accounts().iter().any(|before| before.email == choice.email));
        if !was_given {
            to_create += usize::from(account(findings, &choice, organization, members));
        }
    }
    if to_create > 0 {
        room(findings, to_create, members);
    }
    organizational_unit(findings, properties, old, members);
}

/// Whether the organization can have so many more accounts.
fn room(findings: &mut Findings, to_create: usize, members: &Members) {
    if members.has_control_tower == Some(true) {
        findings.refuse(reason::has_control_tower().reason());
    }
    let invitations = members.open_invitations.unwrap_or_default();
    let room = |quota: &usize| members.accounts.len() + invitations + to_create > *quota;
    match members.quota {
        Some(quota) if room(&quota) => {
            findings.refuse(reason::has_no_room(quota, members.accounts.len(), invitations).reason());
        }
        _ => {}
    }
}

/// Checks one account. Whether it is to be created.
fn account(
    findings: &mut Findings,
    choice: &AccountChoice<'_>,
    organization: &OrganizationDescription,
    members: &Members,
) -> bool {
    let AccountChoice { parameter, email, name } = choice;
    if organization.management_account_email.eq_ignore_ascii_case(email) {
        let what = format!("The email address {email} in {parameter}");
        findings.refuse(reason::is_management_account(&what, &organization.management_account_id).reason());
        return false;
    }
    let Some(account) = members.account(&Identity::Email((*email).to_owned())) else {
        let is_creating = |creation: &AccountCreation| {
            creation.account_name == *name && creation.progress == CreationProgress::InProgress
        };
        if members.creations.iter().any(is_creating) {
            findings.warn(format!(
                "An account with the name '{name}' is being created already. The stack waits for it before it creates one."
            ));
        }
        return true;
    };
    match account.state {
        AccountState::Active | AccountState::PendingActivation if account.name == *name => {
            findings.warn(format!(
                "Account {} ('{name}') exists already. The stack uses it and does not change it.",
                account.id
            ));
        }
        AccountState::Active | AccountState::PendingActivation => {
            findings.refuse(reason::has_another_name(account, email, name).reason());
        }
        _ => findings.refuse(reason::is_not_active(account).reason()),
    }
    false
}

fn organizational_unit(findings: &mut Findings, properties: &Properties, old: Option<&Properties>, members: &Members) {
    if let Some(unit) = &properties.organizational_unit_id
        && members.has_organizational_unit == Some(false)
        && properties.is_new(old, |choices| &choices.organizational_unit_id)
    {
        findings.refuse(format!(
            "There is no organizational unit {unit}. Copy its id from AWS Organizations in the console, or leave \
             OrganizationalUnitId blank."
        ));
    }
}
