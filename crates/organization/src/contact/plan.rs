//! The next step towards a contact, as a pure function of the properties and what exists.

use super::observe::Observed;
use super::physical_id::Origin;
use super::place::Place;
use super::reason;
use crate::management_account::contacts::Contact;
use std::fmt;

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing is left to do.
    Done(Done),
    /// `PutAlternateContact`.
    Put(Contact),
    /// `DeleteAlternateContact`.
    Delete,
}

/// What became of the contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub ownership: Ownership,
    /// Why the contact is not the one that was asked for.
    pub warning: Option<String>,
}

/// Who set the contact that the account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This stack.
    Created,
    /// Somebody else. It is never changed.
    Found,
    /// Nobody that this stack knows of: it did not set the contact, and did not see one.
    None,
}

impl Ownership {
    /// As the attribute spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Found => "found",
            Self::None => "none",
        }
    }
}

impl Done {
    pub fn created() -> Self {
        Self { ownership: Ownership::Created, warning: None }
    }

    fn found(warning: Option<String>) -> Self {
        Self { ownership: Ownership::Found, warning }
    }

    pub fn not_set(warning: String) -> Self {
        Self { ownership: Ownership::None, warning: Some(warning) }
    }
}

impl fmt::Display for Next {
    /// One line, for the log and for people. A contact is personal data, and is not in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(done) => write!(f, "nothing to do: the contact is {}", done.ownership.name()),
            Self::Put(_) => f.write_str("PutAlternateContact"),
            Self::Delete => f.write_str("DeleteAlternateContact"),
        }
    }
}

/// The step of a Create. `was_sent` says that this invocation has sent a Put before, and saw no contact right before
/// it.
pub fn create(place: Place<'_>, contact: &Contact, observed: &Observed, was_sent: bool) -> Next {
    match observed {
        Observed::OutOfReach(why) => Next::Done(Done::not_set(why.warning(place))),
        Observed::Contact(None) => Next::Put(contact.clone()),
        Observed::Contact(Some(existing)) if existing != contact => {
            Next::Done(Done::found(Some(reason::is_kept(place))))
        }
        Observed::Contact(Some(_)) if was_sent => Next::Done(Done::created()),
        // Also after a kill: that an earlier invocation has set it is not written down anywhere.
        Observed::Contact(Some(_)) => Next::Done(Done::found(None)),
    }
}

/// The step of an Update. `old` is the contact of the old properties.
pub fn update(place: Place<'_>, origin: Origin, contact: &Contact, old: Option<&Contact>, observed: &Observed) -> Next {
    match (origin, observed) {
        (_, Observed::OutOfReach(why)) => Next::Done(Done::not_set(why.warning(place))),
        (Origin::Found, Observed::Contact(None)) => Next::Done(Done::not_set(reason::was_not_set_by_create(place))),
        (Origin::Found, Observed::Contact(Some(existing))) => {
            Next::Done(Done::found((existing != contact).then(|| reason::is_kept(place))))
        }
        (Origin::Made, Observed::Contact(Some(existing))) if existing == contact => Next::Done(Done::created()),
        // Somebody has changed it since.
        (Origin::Made, Observed::Contact(Some(existing))) if Some(existing) != old => {
            Next::Done(Done::found(Some(reason::is_kept(place))))
        }
        (Origin::Made, Observed::Contact(_)) => Next::Put(contact.clone()),
    }
}

/// The step of a Delete of a contact that this resource has set. A warning says why it is kept.
pub fn delete(place: Place<'_>, contact: &Contact, observed: &Observed) -> Next {
    match observed {
        Observed::Contact(Some(existing)) if existing == contact => Next::Delete,
        Observed::Contact(None) => Next::Done(Done { ownership: Ownership::None, warning: None }),
        Observed::Contact(Some(_)) => Next::Done(Done::found(Some(reason::is_changed(place)))),
        Observed::OutOfReach(why) => Next::Done(Done::not_set(why.note(place))),
    }
}
