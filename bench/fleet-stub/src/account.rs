//! The accounts, by number: 0 is the management account. What an account holds follows from its number.

use serde_json::{Value, json};

pub const ROLE_NAME: &str = "OrchesteraAccessRole";
pub const POLICY_NAME: &str = "OrchesteraAccessPolicy";
/// The role that is assumed in each account.
pub const ENTRANCE: &str = "OrganizationAccountAccessRole";
/// Of account 0. The others follow.
const FIRST_ID: u64 = 200_000_000_000;
/// 20 characters, as AWS's are: the kind, a filling, the account.
const FILLING: &str = "DUMM";

/// What an account is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The organization's own. It has neither role nor stack, and its role cannot be assumed: it is not there.
    Management,
    Ready,
    /// With the edition of 2026.
    NewEdition,
    /// With the stack's permissions boundary.
    Guarded,
    /// `RequireExternalId` = `false`.
    WithoutExternalId,
    /// Ready, but somebody else uses most of IAM's rate in that account.
    Busy,
    /// Neither role nor stack.
    Missing,
    /// A role of that name that the product did not create.
    Foreign,
    Suspended,
    /// The trust policy was edited: another account may assume the role, too.
    TrustEdited,
    /// The longest session was edited.
    SessionEdited,
    /// Somebody attached AdministratorAccess.
    PolicyAttached,
    /// The last update of the stack and its rollback failed. Role and policy are as they should be.
    StackFailed,
    /// `AssumeRole` is denied.
    Denied,
    /// Closed: Organizations lists it as suspended, and `AssumeRole` is denied.
    Closed,
}

impl State {
    /// In every hundred accounts, 84 are simply ready.
    pub fn of(number: u32) -> Self {
        match number % 100 {
            _ if number == 0 => Self::Management,
            2 => Self::Missing,
            3 => Self::Foreign,
            4 => Self::Suspended,
            5 => Self::TrustEdited,
            6 => Self::Denied,
            7 => Self::NewEdition,
            8 => Self::WithoutExternalId,
            17 => Self::Guarded,
            27 => Self::Closed,
            37 => Self::SessionEdited,
            47 => Self::Busy,
            57 => Self::PolicyAttached,
            67 => Self::StackFailed,
            77 => Self::Missing,
            87 => Self::Suspended,
            97 => Self::Busy,
            _ => Self::Ready,
        }
    }

    /// The word that `orchestera status` has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready | Self::NewEdition | Self::Guarded | Self::WithoutExternalId | Self::Busy => "ready",
            Self::Management | Self::Missing => "missing",
            Self::Foreign => "foreign",
            Self::Suspended => "suspended",
            Self::TrustEdited | Self::SessionEdited | Self::PolicyAttached => "drifted",
            Self::StackFailed => "stack failed",
            Self::Denied | Self::Closed => "no way in",
        }
    }

    /// Whether there is a role.
    pub fn has_role(self) -> bool {
        self.has_stack() || self == Self::Foreign
    }

    /// Whether a stack of the product is there, and with it role and policy.
    pub fn has_stack(self) -> bool {
        !matches!(self, Self::Management | Self::Missing | Self::Foreign | Self::Denied | Self::Closed)
    }

    /// Whether the role can be assumed by which an account is read.
    pub fn lets_in(self) -> bool {
        !matches!(self, Self::Management | Self::Denied | Self::Closed)
    }

    pub fn edition(self) -> &'static str {
        if self == Self::NewEdition { "2026-02-06" } else { "2025-09-29" }
    }

    /// Whether the trust policy asks for an external id.
    pub fn asks_for_external_id(self) -> bool {
        self.has_stack() && self != Self::WithoutExternalId
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub number: u32,
    pub id: String,
    pub state: State,
}

impl Account {
    pub fn new(number: u32) -> Self {
        Self { number, id: (FIRST_ID + u64::from(number)).to_string(), state: State::of(number) }
    }

    pub fn name(&self) -> String {
        match self.number {
            0 => "Management".to_owned(),
            number => format!("Team {:04} & data", number),
        }
    }

    pub fn iam_arn(&self, kind: &str, name: &str) -> String {
        format!("arn:aws:iam::{}:{kind}/{name}", self.id)
    }

    pub fn role_arn(&self) -> String {
        self.iam_arn("role", ROLE_NAME)
    }

    pub fn policy_arn(&self) -> String {
        self.iam_arn("policy", POLICY_NAME)
    }

    /// Where the template makes it, with a name that CloudFormation chose.
    pub fn guardrail_arn(&self) -> String {
        let name = format!("orchestera-guardrail/{}/orchestera-access-GuardrailBoundary-0", self.stack_uuid());
        self.iam_arn("policy", &name)
    }

    /// 32 hexadecimal digits, as the product generates them.
    pub fn external_id(&self) -> String {
        let half = |salt| mixed(u64::from(self.number) << 8 | salt);
        format!("{:016x}{:016x}", half(1), half(2))
    }

    pub fn stack_name(&self) -> String {
        format!("StackSet-orchestera-access-{}", self.stack_uuid())
    }

    pub fn stack_id(&self) -> String {
        let uuid = self.stack_uuid();
        format!("arn:aws:cloudformation:us-east-1:{}:stack/{}/{uuid}", self.id, self.stack_name())
    }

    fn stack_uuid(&self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.number)
    }

    /// What a table of all accounts has to say of this one.
    pub fn row(&self) -> Value {
        let state = self.state;
        json!({
            "account": self.id,
            "name": self.name(),
            "state": state.word(),
            "role_arn": state.has_role().then(|| self.role_arn()),
            "external_id": state.asks_for_external_id().then(|| self.external_id()),
        })
    }
}

/// The number of the account with this id.
pub fn number(id: &str) -> Option<u32> {
    id.parse::<u64>().ok()?.checked_sub(FIRST_ID)?.try_into().ok()
}

/// An access key of the account: `AKIA` is a user's, `ASIA` a session's.
pub fn access_key(kind: &str, id: &str) -> String {
    format!("{kind}{FILLING}{id}")
}

/// The number of the account whose access key it is.
pub fn of_access_key(key: &str) -> Option<u32> {
    let (kind, id) = key.split_once(FILLING)?;
    ["AKIA", "ASIA"].contains(&kind).then(|| number(id))?
}

/// splitmix64: numbers in a row become numbers that look random.
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_account_is_found_by_its_id_and_by_its_access_key() {
        let account = Account::new(9_999);
        assert_eq!((account.id.len(), number(&account.id)), (12, Some(9_999)));
        assert_eq!(of_access_key(&access_key("ASIA", &account.id)), Some(9_999));
        assert_eq!(access_key("AKIA", &account.id).len(), 20);
        assert_eq!(of_access_key("AKIAIOSFODNN7EXAMPLE"), None);
    }

    #[test]
    fn among_ten_accounts_is_every_word_but_that_of_a_failed_stack() {
        let words: BTreeSet<_> = (0..10).map(|number| State::of(number).word()).collect();
        let expected = ["drifted", "foreign", "missing", "no way in", "ready", "suspended"];
        assert_eq!(words, expected.into());
        assert!((0..100).any(|number| State::of(number).word() == "stack failed"));
    }

    #[test]
    fn no_two_accounts_share_an_external_id() {
        let ids: BTreeSet<_> = (0..10_000).map(|number| Account::new(number).external_id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 32 && id[..16] != id[16..]));
    }
}
