//! What can happen.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The two pairs of names, of which each stack wants one role and one policy.
pub const ROLES: [&str; 2] = ["OrchesteraAccessRole", "NewRole"];
pub const POLICIES: [&str; 2] = ["OrchesteraAccessPolicy", "NewPolicy"];

/// One step. `stack` is 0 or 1.
#[derive(Clone, Debug)]
pub enum Step {
    /// Creates the stack, or updates it, and what CloudFormation does if that fails.
    Deploy {
        stack: usize,
        wish: Wish,
        /// What an Update asks for although it is fixed at Create.
        fixed: Option<(&'static str, &'static str)>,
        mishap: Mishap,
        rolled_back: bool,
    },
    Delete {
        stack: usize,
        mishap: Mishap,
    },
    /// The daily drift check, which may also repair.
    DriftCheck {
        stack: usize,
        mode: &'static str,
    },
    /// Somebody changes something under one of the names.
    ByHand {
        change: Change,
        name: usize,
    },
}

/// The properties that a deployment asks for; the names are a Create's.
#[derive(Clone, Debug)]
pub struct Wish {
    pub role: usize,
    pub policy: usize,
    pub others: Vec<(&'static str, Value)>,
}

impl Wish {
    pub fn properties(&self) -> Value {
        let mut properties = json!({"RoleName": ROLES[self.role], "PolicyName": POLICIES[self.policy]});
        for (key, value) in &self.others {
            properties[*key] = value.clone();
        }
        properties
    }
}

/// What happens to an event on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mishap {
    None,
    /// Delivered twice, one after the other.
    Twice,
    /// Killed at the call, and repeated.
    KilledAt(usize),
    /// IAM refuses from the call on, so often, with this code.
    Refused {
        at: usize,
        times: usize,
        code: &'static str,
    },
    /// The answer to the call is lost.
    AnswerLostAt(usize),
    /// Reads are old after each write.
    Lag(u32),
}

/// What people and the grantee do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The guide is followed under these names.
    Guide,
    ForeignRole,
    ForeignPolicy,
    UntagRole,
    UntagPolicy,
    DeleteRole,
    DeletePolicy,
    Detach,
    AttachAnother,
    PutInline,
    OpenTrust,
    /// The trust policy lets the platform do more, or more than the platform in.
    WidenTrust,
    /// The trust policy also names somebody who has been deleted since, and our tags are gone.
    NameDeletedPrincipal,
    /// The trust policy names an identity provider and nobody else, and our tags are gone.
    TrustProvider,
    LengthenSession,
    PutBoundary,
    AddVersion,
    UseThePolicy,
    StopUsingIt,
    /// The customer puts a tag of theirs on the role and the policy.
    Tag(&'static str, &'static str),
}

/// A walk of at most so many steps. Half of them begin where somebody has followed the guide: nothing else leads to
/// adoption.
pub fn walks(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    (any::<bool>(), prop::collection::vec(steps(), 1..longest)).prop_map(|(is_guided, mut walk)| {
        if is_guided {
            walk[0] = Step::ByHand { change: Change::Guide, name: 0 };
        }
        walk
    })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..2_usize, wishes(), prop::option::weighted(0.1, fixed()), mishaps(), prop::bool::weighted(0.15)).prop_map(
            |(stack, wish, fixed, mishap, rolled_back)| Step::Deploy { stack, wish, fixed, mishap, rolled_back }
        ),
        2 => (0..2_usize, mishaps()).prop_map(|(stack, mishap)| Step::Delete { stack, mishap }),
        1 => (0..2_usize, prop::sample::select(vec!["Report", "Repair"]))
            .prop_map(|(stack, mode)| Step::DriftCheck { stack, mode }),
        3 => (changes(), 0..2_usize).prop_map(|(change, name)| Step::ByHand { change, name }),
    ]
}

fn wishes() -> impl Strategy<Value = Wish> {
    let name = || prop_oneof![4 => Just(0_usize), 1 => Just(1)];
    (name(), name(), prop::collection::vec(property(), 0..3)).prop_map(|(role, policy, others)| Wish {
        role,
        policy,
        others,
    })
}

/// No stack here has one of these.
fn fixed() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("RoleName", "Another"),
        ("PolicyName", "Another"),
        ("RoleName", "NEWROLE"),
        ("PolicyName", "orchesteraaccesspolicy"),
        ("MemberAccountId", "999988887777"),
    ])
}

fn property() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![3 => one_value(), 1 => tags().prop_map(|tags| ("Tags", tags))]
}

/// Keys that meet in two or three spellings, in the properties, on what is adopted, and from people's hands.
pub const TAG_KEYS: [&str; 4] = ["cost", "Team", "TEAM", "owner"];
const TAG_VALUES: [&str; 2] = ["data", "other"];

fn tags() -> impl Strategy<Value = Value> {
    let tag = (prop::sample::select(&TAG_KEYS), prop::sample::select(&TAG_VALUES));
    let tags = prop::collection::vec(tag, 0..4).prop_map(|mut tags| {
        // Two spellings of one key are refused before anything is read: `tests/bad_input.rs`.
        let mut seen = BTreeSet::new();
        tags.retain(|(key, _)| seen.insert(key.to_lowercase()));
        tags
    });
    // A list or a text, so that a step may go from one to the other.
    (tags, any::<bool>()).prop_map(|(tags, is_text)| match is_text {
        true => json!(tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")),
        false => tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect(),
    })
}

fn one_value() -> impl Strategy<Value = (&'static str, Value)> {
    prop::sample::select(vec![
        ("PolicyEdition", json!("2026-02-06")),
        ("MaxSessionDuration", json!("7200")),
        ("PermissionsBoundaryArn", json!("arn:aws:iam::aws:policy/PowerUserAccess")),
        ("AccessState", json!("Suspended")),
        ("RequireExternalId", json!("false")),
        ("ExternalId", json!("given-by-hand")),
        ("ExternalId", json!("given-by-hand")),
        ("ExternalId", json!("given-anew")),
        ("Release", json!("9.9.9")),
        ("OnExisting", json!("Fail")),
        ("OnDelete", json!("Retain")),
        ("OnDelete", json!("DeleteAll")),
    ])
}

fn mishaps() -> impl Strategy<Value = Mishap> {
    let call = || 0..14_usize;
    let code = prop::sample::select(vec!["Throttling", "AccessDenied", "LimitExceeded", "ServiceFailure"]);
    let times = prop::sample::select(vec![1, 3, usize::MAX]);
    prop_oneof![
        5 => Just(Mishap::None),
        1 => Just(Mishap::Twice),
        1 => call().prop_map(Mishap::KilledAt),
        1 => (call(), times, code).prop_map(|(at, times, code)| Mishap::Refused { at, times, code }),
        1 => call().prop_map(Mishap::AnswerLostAt),
        1 => (1..3_u32).prop_map(Mishap::Lag),
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    let tag = (prop::sample::select(&TAG_KEYS), prop::sample::select(&TAG_VALUES));
    prop_oneof![22 => one_change(), 3 => tag.prop_map(|(key, value)| Change::Tag(key, value))]
}

fn one_change() -> impl Strategy<Value = Change> {
    use Change::*;
    prop::sample::select(vec![
        Guide,
        Guide,
        ForeignRole,
        ForeignPolicy,
        UntagRole,
        UntagPolicy,
        DeleteRole,
        DeletePolicy,
        Detach,
        AttachAnother,
        PutInline,
        OpenTrust,
        WidenTrust,
        NameDeletedPrincipal,
        TrustProvider,
        LengthenSession,
        PutBoundary,
        AddVersion,
        UseThePolicy,
        StopUsingIt,
        StopUsingIt,
    ])
}
