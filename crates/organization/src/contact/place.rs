//! Whose contact it is.

use crate::management_account::contacts::ContactKind;
use std::fmt;

/// An account and a kind of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    pub account_id: &'a str,
    pub kind: ContactKind,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The {} contact of account {}", self.kind, self.account_id)
    }
}
