//! Who owns an IAM object, according to its tags.
//!
//! Ownership is stored on the objects themselves. So a retry, a rollback or a later release finds it without a
//! database. The call that creates the object also sets the tags, so that it never exists without an owner. The tags
//! prove ownership between honest stacks. They prove nothing against the platform, whose permissions include tagging.

use crate::hex;
use crate::iam::Tags;
use crate::physical_id::PhysicalId;
use custom_resource::Address;

/// ARN of the stack.
pub const STACK_ID: &str = "orchestera:stack-id";
/// Logical id of the resource in its stack.
pub const LOGICAL_ID: &str = "orchestera:logical-id";
/// The physical id that owns the object now.
pub const RESOURCE_ID: &str = "orchestera:resource-id";
/// [`CREATED`] or [`ADOPTED`].
pub const OWNERSHIP: &str = "orchestera:ownership";
/// The external id that was generated for the resource.
pub const EXTERNAL_ID: &str = "orchestera:external-id";
/// On an adopted role whose properties have an `ExternalId`: SHA-256, in hex, of the `ExternalId` that is *not* in
/// force. While the properties have that one, the role keeps the trust policy that it had before. An Update that gives
/// another applies it. It leaves the tag, or sets it to the digest of the empty text if none was given before. So the
/// rollback of that Update finds that its id was not in force, even if the Update failed before it wrote anything.
pub const EXTERNAL_ID_GIVEN: &str = "orchestera:external-id-given";
/// The edition of the policy, for people who look at the objects.
pub const POLICY_EDITION: &str = "orchestera:policy-edition";
/// SHA-256 of the edition's canonical document, in hex.
pub const POLICY_SHA256: &str = "orchestera:policy-sha256";
/// Present once an Update has asked that a Delete delete adopted objects too.
pub const DELETE_ADOPTED: &str = "orchestera:delete-adopted";

/// If either object was adopted, on both: SHA-256, in hex, of the customer's tags that the properties have put on it. It is
/// written in the same call as these tags. So a tag that the object had before is told from one of ours with the same key
/// and value, also on an object that has lost its own digest.
pub const TAGS_SHA256: &str = "orchestera:tags-sha256";

/// Which of role and policy were adopted, separated by a space; absent if neither was. On both objects.
pub const ADOPTED_OBJECTS: &str = "orchestera:adopted";

/// Every key that this product may set, except the record on an adopted object. The customer's tags must leave room for
/// them below IAM's limit of 50.
pub const KEYS: [&str; 11] = [
    STACK_ID,
    LOGICAL_ID,
    RESOURCE_ID,
    OWNERSHIP,
    EXTERNAL_ID,
    EXTERNAL_ID_GIVEN,
    POLICY_EDITION,
    POLICY_SHA256,
    DELETE_ADOPTED,
    TAGS_SHA256,
    ADOPTED_OBJECTS,
];
/// The value of [`OWNERSHIP`] on what this product created.
pub const CREATED: &str = "created";
/// The value of [`OWNERSHIP`] on what was created by hand before and adopted.
pub const ADOPTED: &str = "adopted";
/// The prefix of all our keys.
pub const PREFIX: &str = "orchestera:";

/// IAM: a tag value holds at most 256 characters.
pub const LONGEST_TAG_VALUE: usize = 256;

/// The resource that an event is about: one logical id in one stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub stack_id: String,
    pub logical_id: String,
}

impl From<&Address> for Resource {
    fn from(address: &Address) -> Self {
        Self { stack_id: address.stack_id.clone(), logical_id: address.logical_id.clone() }
    }
}

/// The owner of an object according to its tags, from the point of view of one [`Resource`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This resource, under this physical id, spelled as in the tag. `None` if that tag is missing.
    ThisResource { resource_id: Option<String> },
    /// No owner, or too few of the tags are left.
    Nobody,
    /// Another stack, or another resource of this one.
    AnotherResource { stack_id: String, logical_id: String },
}

impl Resource {
    /// The owner of the object with these tags.
    pub fn owner(&self, tags: &Tags) -> Owner {
        let (stack_id, logical_id) = (tags.get(STACK_ID), tags.get(LOGICAL_ID));
        let differs = |tag: Option<&String>, ours: &str| tag.is_some_and(|tag| *tag != tag_value(ours));
        if differs(stack_id, &self.stack_id) || (stack_id.is_some() && differs(logical_id, &self.logical_id)) {
            return Owner::AnotherResource {
                stack_id: stack_id.cloned().unwrap_or_default(),
                logical_id: logical_id.cloned().unwrap_or_default(),
            };
        }
        match (stack_id, logical_id) {
            (Some(_), Some(_)) => Owner::ThisResource { resource_id: tags.get(RESOURCE_ID).cloned() },
            _ => Owner::Nobody,
        }
    }

    /// Whether this resource owns the object under exactly this physical id. Only then may it be deleted.
    pub fn owns(&self, id: &PhysicalId, tags: &Tags) -> bool {
        self.owner(tags) == Owner::ThisResource { resource_id: Some(tag_value(&id.to_string())) }
    }

    /// The tags by which this resource owns an object under `id`. `ownership` is [`CREATED`] or [`ADOPTED`].
    pub fn tags(&self, id: &PhysicalId, ownership: &str) -> Tags {
        [
            (STACK_ID, tag_value(&self.stack_id)),
            (LOGICAL_ID, tag_value(&self.logical_id)),
            (RESOURCE_ID, tag_value(&id.to_string())),
            (OWNERSHIP, ownership.to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

/// The value of [`TAGS_SHA256`] for these tags.
pub fn digest_of_tags(tags: &Tags) -> String {
    let text: String = tags.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    hex::sha256(&text)
}

/// Whether the properties can have put these tags on an object with that value of [`TAGS_SHA256`]. It is missing where
/// nothing was adopted, or where release 0.4.0 or an earlier one did it.
pub fn can_have_put(tags: &Tags, digest: Option<&String>) -> bool {
    digest.is_none_or(|digest| *digest == digest_of_tags(tags))
}

/// A text as a tag value. A tag value cannot contain a comma, and an IAM name can.
pub fn tag_value(text: &str) -> String {
    text.replace(',', "::")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource() -> Resource {
        Resource {
            stack_id: "arn:aws:cloudformation:us-east-1:111122223333:stack/s/1".into(),
            logical_id: "Access".into(),
        }
    }

    fn id() -> PhysicalId {
        PhysicalId::parse("111122223333/R,1/P").unwrap()
    }

    #[test]
    fn what_we_tag_is_ours_under_that_id() {
        let tags = resource().tags(&id(), CREATED);
        assert_eq!(tags[RESOURCE_ID], "111122223333/R::1/P");
        assert!(resource().owns(&id(), &tags));
        assert!(!resource().owns(&PhysicalId::parse("111122223333/R2/P").unwrap(), &tags));
    }

    #[test]
    fn another_stack_or_another_resource_of_the_stack_is_another_owner() {
        let ours = resource().tags(&id(), CREATED);
        for (key, value) in
            [(STACK_ID, "arn:aws:cloudformation:us-east-1:111122223333:stack/s/2"), (LOGICAL_ID, "Other")]
        {
            let mut tags = ours.clone();
            tags.insert(key.to_owned(), value.to_owned());
            assert!(matches!(resource().owner(&tags), Owner::AnotherResource { .. }), "{key}");
        }
        let only_stack = [(STACK_ID.to_owned(), "arn:of:another".to_owned())].into();
        assert!(matches!(resource().owner(&only_stack), Owner::AnotherResource { .. }));
    }

    #[test]
    fn too_few_tags_are_nobodys() {
        for lost in [STACK_ID, LOGICAL_ID] {
            let mut tags = resource().tags(&id(), CREATED);
            tags.remove(lost);
            assert_eq!(resource().owner(&tags), Owner::Nobody, "{lost}");
        }
        assert_eq!(resource().owner(&Tags::new()), Owner::Nobody);
    }

    #[test]
    fn ours_without_the_resource_id_is_ours_but_may_not_be_deleted() {
        let mut tags = resource().tags(&id(), CREATED);
        tags.remove(RESOURCE_ID);
        assert_eq!(resource().owner(&tags), Owner::ThisResource { resource_id: None });
        assert!(!resource().owns(&id(), &tags));
    }
}
