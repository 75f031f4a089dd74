//! Every check that is possible by reading, before anything is created. What would certainly fail is a refusal, and all
//! refusals make one Reason. The rest is a warning.

use super::contacts;
use super::observe::{Asked, Observed};
use super::properties::Properties;
use crate::account::reason;
use crate::findings::Findings;
use crate::management_account::{AccountPlan, OrganizationDescription};

mod access;
mod accounts;
mod identity_center;
mod people;

/// Checks every choice. At an Update, only what it newly turns on.
pub fn check(asked: Asked<'_>, observed: &Observed) -> Findings {
    let Asked { properties, own, .. } = asked;
    let mut findings = Findings::default();
    match (&observed.organization, &observed.members) {
        (Some(organization), _) if organization.management_account_id != own => {
            findings.refuse(reason::is_member(own, organization).reason());
            return findings;
        }
        (Some(organization), Some(members)) => {
            organization_that_exists(&mut findings, organization);
            accounts::check(&mut findings, asked, organization, members);
            access::check(&mut findings, members);
        }
        _ => organization_to_create(&mut findings, properties, observed),
    }
    people::check(&mut findings, asked, observed);
    identity_center::check(&mut findings, asked, observed);
    let chosen = (&properties.contacts, asked.old.map(|old| &old.contacts));
    let creates_accounts = !properties.accounts().is_empty();
    findings.warnings.extend(contacts::warnings(chosen, &observed.contacts, own, creates_accounts));
    if !observed.unreadable.is_empty() {
        let mut operations = Vec::new();
        for operation in &observed.unreadable {
            if !operations.contains(operation) {
                operations.push(*operation);
            }
        }
        findings.warn(format!("Not checked, because it could not be read: {}.", operations.join(", ")));
    }
    findings
}

fn organization_to_create(findings: &mut Findings, properties: &Properties, observed: &Observed) {
    if properties.account_id.is_some() {
        findings.refuse(
            "This account is in no organization, so AccountId cannot be one of its accounts. Leave AccountId blank \
             and give AccountEmail, or create the organization and invite the account first.",
        );
    }
    if properties.organizational_unit_id.is_some() {
        findings.refuse(
            "This account is in no organization, so it has no organizational unit. Leave OrganizationalUnitId blank.",
        );
    }
    match observed.plan {
        Some(AccountPlan::Free) if !properties.accepts_paid_plan => findings.refuse(
            "This account is on AWS's free plan, and leaves it when it creates an organization. You then pay for what \
             you use. Set AcceptPaidPlan to \"true\" if you want that.",
        ),
        Some(AccountPlan::Free) => findings.warn("This account leaves AWS's free plan with its organization."),
        // What cannot be undone is not done on a guess.
        None if !properties.accepts_paid_plan => findings.refuse(
            "AWS did not say whether this account is on its free plan (GetAccountPlanState). An account leaves that plan when \
             it creates an organization. Look under Billing in the console. If it is on no free plan, or may leave it, set \
             AcceptPaidPlan to \"true\".",
        ),
        Some(AccountPlan::Paid) | None => {}
    }
    findings.warn(
        "A new organization may have a lower quota of accounts, and AWS may need up to an hour before it can have any.",
    );
}

fn organization_that_exists(findings: &mut Findings, organization: &OrganizationDescription) {
    if organization.feature_set != "ALL" {
        findings.warn(
            "The organization has consolidated billing only. To enable all features, open AWS Organizations in the console, \
             then Settings.",
        );
    }
}
