//! Sentences for the customer about a contact. None of them repeats a contact: it is personal data.

use super::physical_id::PhysicalId;
use super::place::Place;
use crate::management_account::contacts::ContactKind;
use custom_resource::Error;

/// The parameter of the stack with this contact.
pub fn parameter(kind: ContactKind) -> &'static str {
    match kind {
        ContactKind::Billing => "BillingContact",
        ContactKind::Operations => "OperationsContact",
        ContactKind::Security => "SecurityContact",
    }
}

/// How a contact gets a new physical id: the old one never changes.
fn again(kind: ContactKind) -> String {
    format!("Then clear {} with an update of the stack, and set it again with another update.", parameter(kind))
}

/// Trusted access, for people to turn on. The function has no right to.
const TURN_ON: &str = "To turn it on, which needs all features of the organization, run aws organizations \
                       enable-aws-service-access --service-principal account.amazonaws.com in the management account.";

pub fn is_kept(place: Place<'_>) -> String {
    format!(
        "{place} was set by somebody else to other values, and was kept. If you want this stack to set it, delete it \
         in the console under Account, Alternate contacts. {}",
        again(place.kind)
    )
}

/// At an Update of a contact that the Create did not set.
pub fn was_not_set_by_create(place: Place<'_>) -> String {
    format!(
        "{place} is not set, and an update does not set it, because the stack did not set it when it created the \
         resource. {}",
        again(place.kind)
    )
}

pub fn is_of_found_account(place: Place<'_>) -> String {
    format!(
        "{place} was not set, because this stack did not create the account. Set it in the console under AWS \
         Organizations: choose the account, then Contact info."
    )
}

pub fn has_no_trusted_access(place: Place<'_>) -> String {
    format!(
        "{place} was not set, because AWS Account Management has no trusted access in this organization. {TURN_ON} {}",
        again(place.kind)
    )
}

/// Before anything is created: what [`has_no_trusted_access`] will say of each account.
pub fn only_in_management_account() -> String {
    format!(
        "Contacts are set in the management account only, because AWS Account Management has no trusted access in this \
         organization. {TURN_ON}"
    )
}

/// A call about a member account failed. It must not roll back the account that was just created.
pub fn is_out_of_reach(place: Place<'_>, error: &Error) -> String {
    format!(
        "It is not certain that the {} contact of account {} is set: {} Check that AWS Account Management has trusted \
         access in this organization. {TURN_ON} {}",
        place.kind,
        place.account_id,
        error.reason(),
        again(place.kind)
    )
}

/// An Update that must not fail, and changed nothing.
pub fn stays(place: Place<'_>, error: &Error) -> String {
    format!("{place} stays as it is: {}", error.reason())
}

/// An Update that asks for another account or kind.
pub fn cannot_change(id: &PhysicalId, place: Place<'_>) -> Error {
    Error::refused(format!(
        "An update cannot change the {} contact of account {} to the {} contact of account {}. Nothing was changed. \
         Give the other contact a resource of its own.",
        id.kind, id.account_id, place.kind, place.account_id
    ))
}

/// What could not be done, for the sentence about a failed Put.
pub fn could_not_be_set(place: Place<'_>) -> String {
    format!("{place} could not be set")
}

/// Notes for the end of a Delete.
pub fn is_changed(place: Place<'_>) -> String {
    format!("{place} is no longer the one that this stack set, and was kept.")
}

pub fn is_not_ours(place: Place<'_>) -> String {
    format!("{place} was not set by this stack, and was kept.")
}

pub fn stays_in_found_account(place: Place<'_>) -> String {
    format!("{place} was kept, because this stack did not create the account.")
}

pub fn stays_without_trusted_access(place: Place<'_>) -> String {
    format!("{place} was kept, because AWS Account Management has no trusted access in this organization.")
}

pub fn was_not_deleted(place: Place<'_>, error: &Error) -> String {
    format!("{place} was not deleted: {} If it still exists, delete it by hand.", error.reason())
}

/// A Delete with an id that CloudFormation made up: the Create was cancelled.
pub fn may_have_been_set() -> String {
    "If the cancelled Create has set the contact, it was kept. The next Create finds it.".to_owned()
}
