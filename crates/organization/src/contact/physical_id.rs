//! The physical id of a contact's resource: `<account>/<KIND>/made` or `…/found`. It says whose the contact is, because
//! an alternate contact has no tags.

use super::place::Place;
use crate::management_account::contacts::ContactKind;
use custom_resource::function_arn::is_account_id;
use std::fmt;

/// Who set the contact, as the Create found out. No Update changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This resource. It may change and delete the contact while nobody else has changed it.
    Made,
    /// Somebody else, or nobody. The resource never writes.
    Found,
}

/// What the physical id says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhysicalId {
    /// 12 digits.
    pub account_id: String,
    pub kind: ContactKind,
    pub origin: Origin,
}

impl PhysicalId {
    /// `None` for the id of a failed Create, and for one that CloudFormation made up.
    pub fn parse(text: &str) -> Option<Self> {
        let [account_id, kind, origin] = text.split('/').collect::<Vec<_>>()[..] else { return None };
        let kind = ContactKind::ALL.into_iter().find(|one| one.name() == kind)?;
        let origin = [Origin::Made, Origin::Found].into_iter().find(|one| one.name() == origin)?;
        is_account_id(account_id).then(|| Self { account_id: account_id.to_owned(), kind, origin })
    }

    pub fn place(&self) -> Place<'_> {
        Place { account_id: &self.account_id, kind: self.kind }
    }
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Found => "found",
        }
    }
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.account_id, self.kind, self.origin.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_that_a_create_responded_with_says_whose_the_contact_is() {
        for kind in ContactKind::ALL {
            for origin in [Origin::Made, Origin::Found] {
                let id = PhysicalId { account_id: "111122223333".into(), kind, origin };
                assert_eq!(PhysicalId::parse(&id.to_string()), Some(id));
            }
        }
        let others = [
            "",
            "made",
            "failed/BillingContact/request-1",
            "organization-BillingContact-1ABCDEFGHIJKL",
            "111122223333/BILLING",
            "111122223333/BILLING/made/",
            "111122223333/billing/made",
            "11112222333/BILLING/made",
            "/BILLING/made",
        ];
        assert!(others.into_iter().all(|other| PhysicalId::parse(other).is_none()));
    }
}
