//! Adoption: the record of an object that was created by hand from the guide.
//!
//! What adoption is going to change is recorded first, as `orchestera:before-*` tags on the object itself. The same
//! call sets the ownership tags, so that nothing ever changes that could not be restored. The role and the policy are
//! recorded and restored each alone. A tag on each of the two also says which of them were adopted. So an adopted
//! object whose own tags are lost is still known as adopted, and is never deleted.

use crate::iam::{ROLE_DESCRIPTION, Tags};
use crate::ownership::{self, ADOPTED, LONGEST_TAG_VALUE, OWNERSHIP};
use crate::reconcile::state::{Policy, Role};
use aws_smithy_types::base64;
use serde_json::Value;

/// What the keys of the record begin with.
const BEFORE: &str = "orchestera:before-";
/// The most pieces that a recorded value takes: 2048 characters of a trust policy in base64.
const MOST_PIECES: usize = 12;
/// The two objects, as [`ownership::ADOPTED_OBJECTS`] and the sentences name them.
pub const ROLE: &str = "role";
pub const POLICY: &str = "policy";

/// How an object came to be owned by this resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin<Before> {
    /// This resource created it.
    Created,
    /// It existed before. `None` if the record of its former state is lost.
    Adopted(Option<Before>),
}

impl<Before> Origin<Before> {
    pub fn is_adopted(&self) -> bool {
        matches!(self, Self::Adopted(_))
    }

    /// The tags of the record; empty if there is none.
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
    /// Name of this resource's policy, if it was attached.
    pub attachment: Option<String>,
}

/// A policy before its adoption.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyBefore {
    pub default_version: String,
    pub versions: Vec<String>,
}

impl RoleBefore {
    /// The record of a role that is about to be adopted. `policy_name` is the policy whose attachment is recorded.
    pub fn of(role: &Role, policy_name: &str, policy_arn: &str) -> Self {
        Self {
            trust: role.about.trust.clone(),
            max_session_duration: role.about.max_session_duration,
            permissions_boundary: role.about.permissions_boundary.clone(),
            attachment: role.has_attached(policy_arn).then(|| policy_name.to_owned()),
        }
    }

    /// The record in a role's tags; `None` unless it is complete.
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

    /// The record as tags. The trust policy is kept whole, as base64 of its JSON.
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

    /// The record in a policy's tags; `None` unless it is complete.
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

/// Whether a role was adopted. A role with this product's description was not, whatever its tags say: the platform may
/// write tags.
pub fn is_adopted_role(role: &Role, tags_of_the_policy: Option<&Tags>) -> bool {
    role.about.description != ROLE_DESCRIPTION && is_marked(ROLE, &role.about.tags, tags_of_the_policy)
}

/// Whether the tags of an object say that it was adopted. If they say nothing, the tags of the other object decide.
pub fn is_marked(object: &str, tags: &Tags, tags_of_the_other: Option<&Tags>) -> bool {
    match tags.get(OWNERSHIP) {
        Some(ownership) => ownership == ADOPTED,
        None => tags_of_the_other
            .and_then(|tags| tags.get(ownership::ADOPTED_OBJECTS))
            .is_some_and(|objects| objects.split(' ').any(|one| one == object)),
    }
}

/// A tag's value is at most 256 characters and has no comma. An IAM name can have a comma, and neither can have a
/// space.
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
