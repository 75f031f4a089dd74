//! Adoption: taking over what was made by hand after the guide, and handing it back as it was.
//!
//! What adoption is going to change is recorded first, as `orchestera:before-*` tags on the object itself, in the call that
//! also marks it as ours: there is no moment at which something has changed that nobody could put back. Each of the two
//! objects is judged, recorded and handed back alone. That one of them was adopted also stands on the other, so that it
//! is still known, and the object never deleted, when its own tags are lost.

use crate::iam::{ROLE_DESCRIPTION, Tags};
use crate::ownership::{self, ADOPTED, LONGEST_TAG_VALUE, OWNERSHIP};
use crate::reconcile::state::{Policy, Role};
use aws_smithy_types::base64;
use serde_json::Value;

/// What the keys of the record begin with.
const BEFORE: &str = "orchestera:before-";
/// The most pieces that a recorded value takes: 2048 characters of a trust policy in base64.
const MOST_PIECES: usize = 12;
/// As [`ownership::ADOPTED_OBJECTS`] and the sentences name the two objects.
pub const ROLE: &str = "role";
pub const POLICY: &str = "policy";

/// How an object came to be this resource's.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin<Before> {
    /// This resource made it.
    Created,
    /// It was there; `None` if the record of how it was is lost.
    Adopted(Option<Before>),
}

impl<Before> Origin<Before> {
    pub fn is_adopted(&self) -> bool {
        matches!(self, Self::Adopted(_))
    }

    /// What records it; empty if nothing does.
    pub fn record(&self, tags: impl FnOnce(&Before) -> Tags) -> Tags {
        match self {
            Self::Adopted(Some(before)) => tags(before),
            Self::Adopted(None) | Self::Created => Tags::new(),
        }
    }
}

/// A role before its adoption.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleBefore {
    pub trust: Value,
    pub max_session_duration: i32,
    pub permissions_boundary: Option<String>,
    /// Name of the policy of this resource, if it was attached.
    pub attachment: Option<String>,
}

/// A policy before its adoption.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyBefore {
    pub default_version: String,
    pub versions: Vec<String>,
}

impl RoleBefore {
    /// `policy_name` is the one whose attachment matters.
    pub fn of(role: &Role, policy_name: &str, policy_arn: &str) -> Self {
        Self {
            trust: role.about.trust.clone(),
            max_session_duration: role.about.max_session_duration,
            permissions_boundary: role.about.permissions_boundary.clone(),
            attachment: role.has_attached(policy_arn).then(|| policy_name.to_owned()),
        }
    }

    /// The record on a role; `None` unless all of it is there.
    pub fn read(tags: &Tags) -> Option<Self> {
        let trust = base64::decode(recorded(tags, "trust")?).ok()?;
        let given = |text: String| (!text.is_empty()).then_some(text);
        Some(Self {
            trust: serde_json::from_slice(&trust).ok()?,
            max_session_duration: recorded(tags, "session")?.parse().ok()?,
            permissions_boundary: given(recorded(tags, "boundary")?),
            attachment: given(recorded(tags, "attachment")?),
        })
    }

    /// The record as tags: the trust whole, as base64 of its JSON, so that nothing of it is lost.
    pub fn tags(&self) -> Tags {
        let mut tags = Tags::new();
        record(&mut tags, "trust", &base64::encode(self.trust.to_string()));
        record(&mut tags, "session", &self.max_session_duration.to_string());
        record(&mut tags, "boundary", self.permissions_boundary.as_deref().unwrap_or_default());
        record(&mut tags, "attachment", self.attachment.as_deref().unwrap_or_default());
        tags
    }
}

impl PolicyBefore {
    pub fn of(policy: &Policy) -> Self {
        let mut versions: Vec<_> = policy.versions.iter().collect();
        versions.sort_by_key(|version| version.number());
        Self {
            default_version: policy.about.default_version_id.clone(),
            versions: versions.into_iter().map(|version| version.id.clone()).collect(),
        }
    }

    /// The record on a policy; `None` unless all of it is there.
    pub fn read(tags: &Tags) -> Option<Self> {
        let versions = recorded(tags, "versions")?;
        Some(Self {
            default_version: recorded(tags, "default-version")?,
            versions: versions.split(',').map(str::to_owned).collect(),
        })
    }

    pub fn tags(&self) -> Tags {
        let mut tags = Tags::new();
        record(&mut tags, "default-version", &self.default_version);
        record(&mut tags, "versions", &self.versions.join(","));
        tags
    }
}

/// Whether a role was adopted. One that this product made was not, whatever its tags say: whoever holds it may write them.
pub fn is_adopted_role(role: &Role, tags_of_the_policy: Option<&Tags>) -> bool {
    role.about.description != ROLE_DESCRIPTION && is_marked(ROLE, &role.about.tags, tags_of_the_policy)
}

/// Whether the tags of an object say that it was adopted, or, if they no longer say anything, those of the other one do.
pub fn is_marked(object: &str, tags: &Tags, tags_of_the_other: Option<&Tags>) -> bool {
    match tags.get(OWNERSHIP) {
        Some(ownership) => ownership == ADOPTED,
        None => tags_of_the_other
            .and_then(|tags| tags.get(ownership::ADOPTED_OBJECTS))
            .is_some_and(|objects| objects.split(' ').any(|one| one == object)),
    }
}

/// A tag's value is short and holds no comma, which an IAM name may; a space is in neither.
fn record(tags: &mut Tags, name: &str, value: &str) {
    let value: Vec<char> = value.replace(',', " ").chars().collect();
    let mut pieces = value.chunks(LONGEST_TAG_VALUE).map(|piece| piece.iter().collect());
    tags.insert(piece_key(name, 1), pieces.next().unwrap_or_default());
    tags.extend(pieces.enumerate().map(|(place, piece)| (piece_key(name, place + 2), piece)));
}

fn recorded(tags: &Tags, name: &str) -> Option<String> {
    let first = tags.get(&piece_key(name, 1))?;
    let others = (2..=MOST_PIECES).map_while(|place| tags.get(&piece_key(name, place)));
    Some([first].into_iter().chain(others).map(String::as_str).collect::<String>().replace(' ', ","))
}

fn piece_key(name: &str, place: usize) -> String {
    if place == 1 { format!("{BEFORE}{name}") } else { format!("{BEFORE}{name}-{place}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_role_is_recorded_and_read_as_it_was_with_the_longest_trust_and_names_with_commas() {
        for external_id in ["abc".to_owned(), "a::b,c".to_owned(), "x".repeat(1224)] {
            for (boundary, attachment) in [(None, None), (Some("arn:aws:iam::111122223333:policy/a/b,c"), Some("P,1"))]
            {
                let before = RoleBefore {
                    trust: json!({"Version": "2012-10-17", "Statement": [{"Sid": "",
                        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::017059471480:root"},
                        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": external_id}}}]}),
                    max_session_duration: 7200,
                    permissions_boundary: boundary.map(str::to_owned),
                    attachment: attachment.map(str::to_owned),
                };
                let tags = before.tags();
                assert!(tags.iter().all(|(key, value)| key.starts_with(BEFORE) && value.len() <= LONGEST_TAG_VALUE));
                assert!(tags.values().all(|value| !value.contains(',')), "{tags:?}");
                assert_eq!(RoleBefore::read(&tags), Some(before));
            }
        }
    }

    #[test]
    fn a_record_that_is_not_whole_is_none() {
        let policy = PolicyBefore { default_version: "v2".into(), versions: vec!["v1".into(), "v2".into()] };
        assert_eq!(PolicyBefore::read(&policy.tags()), Some(policy.clone()));
        let role = RoleBefore {
            trust: json!({"Statement": "x".repeat(300)}),
            max_session_duration: 3600,
            permissions_boundary: None,
            attachment: None,
        };
        for key in role.tags().keys() {
            let mut tags = role.tags();
            tags.remove(key);
            assert_eq!(RoleBefore::read(&tags), None, "{key}");
        }
        for key in policy.tags().keys() {
            let mut tags = policy.tags();
            tags.remove(key);
            assert_eq!(PolicyBefore::read(&tags), None, "{key}");
        }
    }

    #[test]
    fn an_objects_own_mark_counts_and_without_one_the_others_word() {
        let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let other: Tags = tags(&[(ownership::ADOPTED_OBJECTS, "role policy")]);
        let created: Tags = tags(&[(OWNERSHIP, ownership::CREATED)]);
        assert!(is_marked(ROLE, &tags(&[(OWNERSHIP, ADOPTED)]), None));
        assert!(!is_marked(ROLE, &created, Some(&other)));
        assert!(is_marked(ROLE, &Tags::new(), Some(&other)));
        assert!(!is_marked(ROLE, &Tags::new(), Some(&tags(&[(ownership::ADOPTED_OBJECTS, "policy")]))));
        assert!(!is_marked(ROLE, &Tags::new(), None));
    }
}
