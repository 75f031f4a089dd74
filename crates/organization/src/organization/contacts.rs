//! The checks of the alternate contacts before anything is created.

use super::unreadable::{Unreadable, readable};
use crate::contact::observe::ACCOUNT_MANAGEMENT;
use crate::contact::place::Place;
use crate::contact::{properties, reason};
use crate::management_account::ManagementAccount;
use crate::management_account::contacts::{Contact, ContactKind};
use custom_resource::Result;
use custom_resource::properties::Reader;
use std::collections::BTreeMap;

/// The contacts that the stack's parameters have.
pub type Choices = BTreeMap<ContactKind, Contact>;

/// What exists of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The contacts of the management account, of the kinds that are chosen.
    pub existing: Choices,
    /// Whether member accounts can be given contacts. `None` if it could not be read.
    pub has_trusted_access: Option<bool>,
}

/// Reads and validates the properties `BillingContact`, `OperationsContact` and `SecurityContact`.
pub fn choices(read: &mut Reader<'_>) -> Choices {
    let chosen = ContactKind::ALL.map(|kind| (kind, properties::contact(read, reason::parameter(kind))));
    chosen.into_iter().filter_map(|(kind, chosen)| Some((kind, chosen?.0))).collect()
}

/// Reads what exists. Without a chosen contact nothing is read.
///
/// # Errors
/// Those of the calls that may pass, without a sentence.
pub async fn observe<M: ManagementAccount>(
    account: &M,
    choices: &Choices,
    has_organization: bool,
    unreadable: &mut Unreadable,
) -> Result<Observed> {
    let mut observed = Observed::default();
    for kind in choices.keys() {
        let existing = readable(unreadable, account.contact(*kind, None).await)?.flatten();
        observed.existing.extend(existing.map(|existing| (*kind, existing)));
    }
    observed.has_trusted_access = match has_organization {
        _ if choices.is_empty() => None,
        // A new organization trusts no service.
        false => Some(false),
        true => {
            let services = readable(unreadable, account.trusted_services().await)?;
            services.map(|services| services.iter().any(|service| service == ACCOUNT_MANAGEMENT))
        }
    };
    Ok(observed)
}

/// What will be kept, or cannot be set: nothing of it stands in the way. With `old`, only of the contacts that an
/// Update newly sets. `creates_accounts` says whether the stack looks for accounts that it would create.
pub fn warnings(
    (choices, old): (&Choices, Option<&Choices>),
    observed: &Observed,
    own: &str,
    creates_accounts: bool,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let new: Vec<_> = choices.iter().filter(|(kind, _)| old.is_none_or(|old| !old.contains_key(kind))).collect();
    for (kind, contact) in &new {
        if observed.existing.get(kind).is_some_and(|existing| existing != *contact) {
            warnings.push(reason::is_kept(Place { account_id: own, kind: **kind }));
        }
    }
    if !new.is_empty() && creates_accounts && observed.has_trusted_access == Some(false) {
        warnings.push(reason::only_in_management_account());
    }
    warnings
}
