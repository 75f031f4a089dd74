//! The properties of `Custom::OrchesteraAccess`, typed and validated.
//!
//! CloudFormation sends every property as text, booleans and numbers too. Other senders may not, so both forms are
//! read. A blank text means that the property was not given. Unknown properties are ignored, because old and new
//! versions of a template meet during a rollback. Every problem is reported, not only the first.

use crate::account::PLATFORM_ACCOUNT_ID;
use crate::iam::Tags;
use crate::ownership;
use crate::physical_id::{is_policy_name, is_role_name};
use crate::policy::{self, EDITIONS, Edition};
use custom_resource::Result;
use custom_resource::function_arn::is_account_id;
use custom_resource::properties::{Reader, scalar, shortened};
use serde_json::Value;

mod tags;

const ROLE_NAME: &str = "OrchesteraAccessRole";
const POLICY_NAME: &str = "OrchesteraAccessPolicy";
/// The role that AWS Organizations creates in every account that it creates.
const MEMBER_ROLE_NAME: &str = "OrganizationAccountAccessRole";

/// The properties of a Create or an Update. All are valid.
#[derive(Clone, Debug)]
pub struct Properties {
    /// 1 to 64 characters.
    pub role_name: String,
    /// 1 to 128 characters.
    pub policy_name: String,
    /// Whether the trust policy requires an external id.
    pub require_external_id: bool,
    /// 2 to 1224 characters; `None` for the generated one.
    pub external_id: Option<String>,
    pub edition: &'static Edition,
    /// ARN of a managed policy.
    pub permissions_boundary: Option<String>,
    /// Seconds, 3600 to 43200.
    pub max_session_duration: i32,
    pub access_state: AccessState,
    pub on_existing: OnExisting,
    pub on_delete: OnDelete,
    /// 12 digits; `None` for the function's own account.
    pub member_account_id: Option<String>,
    /// The role to assume in a member account.
    pub member_role_name: String,
    /// The customer's own tags.
    pub tags: Tags,
}

/// Whether the platform has access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessState {
    Active,
    /// The kill switch: nothing is deleted, and the platform can do nothing.
    Suspended,
}

impl AccessState {
    /// As the property and the attribute spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Suspended => "Suspended",
        }
    }
}

/// What a drift check does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriftMode {
    Report,
    /// Also removes access that is not desired.
    Repair,
}

const ACCESS_STATES: [AccessState; 2] = [AccessState::Active, AccessState::Suspended];

/// What to do with a role or policy of that name that this resource did not create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExisting {
    Adopt,
    Fail,
}

/// What a Delete deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    DeleteCreated,
    DeleteAll,
    Retain,
}

const ON_DELETE: [(&str, OnDelete); 3] =
    [("DeleteCreated", OnDelete::DeleteCreated), ("DeleteAll", OnDelete::DeleteAll), ("Retain", OnDelete::Retain)];

impl Properties {
    /// Reads and validates `ResourceProperties`.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused), with every problem in its reason.
    pub fn parse(properties: &Value) -> Result<Self> {
        let mut read = Reader::new(properties).hiding("ExternalId");
        let role_rule = "1 to 64 characters of A-Z a-z 0-9 _+=,.@-";
        let policy_rule = "1 to 128 characters of A-Z a-z 0-9 _+=,.@-";
        let role_name = read.valid("RoleName", ROLE_NAME, is_role_name, role_rule);
        let policy_name = read.valid("PolicyName", POLICY_NAME, is_policy_name, policy_rule);
        refuse_other_platform(&mut read);
        let editions: Vec<_> = EDITIONS.iter().map(|edition| (edition.name, *edition)).collect();
        let parsed = Self {
            role_name,
            policy_name,
            require_external_id: read.boolean("RequireExternalId", true),
            external_id: read.optional("ExternalId", is_external_id, "2 to 1224 characters of A-Z a-z 0-9 +=,.@:/_-"),
            edition: read.choice("PolicyEdition", &policy::DEFAULT_EDITION, &editions),
            permissions_boundary: read.optional(
                "PermissionsBoundaryArn",
                is_policy_arn,
                "the ARN of a managed policy, such as arn:aws:iam::111122223333:policy/name",
            ),
            max_session_duration: read.seconds("MaxSessionDuration", 3600..=43200),
            access_state: read.choice(
                "AccessState",
                AccessState::Active,
                &ACCESS_STATES.map(|state| (state.name(), state)),
            ),
            on_existing: read.choice(
                "OnExisting",
                OnExisting::Adopt,
                &[("Adopt", OnExisting::Adopt), ("Fail", OnExisting::Fail)],
            ),
            on_delete: read.choice("OnDelete", OnDelete::DeleteCreated, &ON_DELETE),
            member_account_id: read.optional("MemberAccountId", is_account_id, "an account id of 12 digits, as text"),
            member_role_name: read.valid(
                "MemberRoleName",
                MEMBER_ROLE_NAME,
                is_role_name,
                "a role name, 1 to 64 characters of A-Z a-z 0-9 _+=,.@-",
            ),
            tags: tags::read(&mut read),
        };
        fits_in_a_tag(&mut read, &parsed.role_name, &parsed.policy_name);
        read.finish(parsed)
    }

    /// The given `ExternalId`, unless the trust policy is to require none.
    pub fn given_external_id(&self) -> Option<&str> {
        self.external_id.as_deref().filter(|_| self.require_external_id)
    }
}

/// The properties of a Delete. Reading them never fails, because a Delete is not refused for its properties. A value
/// that cannot have been valid at the Create counts as not given.
#[derive(Clone, Debug)]
pub struct DeleteProperties {
    /// `None` if it cannot be an IAM name, so that no Create can have used it.
    pub role_name: Option<String>,
    pub policy_name: Option<String>,
    pub on_delete: OnDelete,
    /// As given. It may be no account id.
    pub member_account_id: Option<String>,
    pub member_role_name: String,
    /// The customer's tags.
    pub tags: Tags,
}

impl DeleteProperties {
    pub fn read(properties: &Value) -> Self {
        let mut read = Reader::new(properties);
        let mut name = |property, default: &str, valid: fn(&str) -> bool| match read.text(property) {
            None => (!read.holds_structure(property)).then(|| default.to_owned()),
            Some(name) => valid(&name).then_some(name),
        };
        Self {
            role_name: name("RoleName", ROLE_NAME, is_role_name),
            policy_name: name("PolicyName", POLICY_NAME, is_policy_name),
            member_role_name: name("MemberRoleName", MEMBER_ROLE_NAME, is_role_name)
                .unwrap_or_else(|| MEMBER_ROLE_NAME.to_owned()),
            member_account_id: read.text("MemberAccountId"),
            on_delete: read.choice("OnDelete", OnDelete::DeleteCreated, &ON_DELETE),
            tags: tags::valid(properties),
        }
    }
}

/// What an Update needs of `OldResourceProperties`. They may not be valid, because an older template may have given
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldProperties {
    /// As [`Properties::given_external_id`].
    pub external_id: Option<String>,
    /// The customer's tags. A tag that is no longer in the properties is removed from the objects.
    pub tags: Tags,
}

impl OldProperties {
    /// Never fails: a value that is not valid counts as not given.
    pub fn read(properties: &Value) -> Self {
        let is_required =
            scalar(&properties["RequireExternalId"]).is_none_or(|text| !text.eq_ignore_ascii_case("false"));
        let external_id = scalar(&properties["ExternalId"]).filter(|text| is_required && !text.is_empty());
        Self { external_id, tags: tags::valid(properties) }
    }
}

impl From<&Properties> for OldProperties {
    fn from(properties: &Properties) -> Self {
        Self { external_id: properties.given_external_id().map(str::to_owned), tags: properties.tags.clone() }
    }
}

/// Refuses a `PlatformAccountId` that is not the platform's. An earlier release allowed others.
fn refuse_other_platform(read: &mut Reader<'_>) {
    if let Some(other) = read.text("PlatformAccountId").filter(|text| text != PLATFORM_ACCOUNT_ID) {
        read.problem(format!(
            "PlatformAccountId is {PLATFORM_ACCOUNT_ID}, which is compiled into this function, and cannot be '{}': leave it \
             out",
            shortened(&other)
        ));
    }
}

/// The physical id must fit in a tag value, where a comma takes two characters.
fn fits_in_a_tag(read: &mut Reader<'_>, role_name: &str, policy_name: &str) {
    let id = format!("111122223333/{role_name}/{policy_name}");
    let length = ownership::tag_value(&id).len();
    if !read.has_problems() && length > ownership::LONGEST_TAG_VALUE {
        read.problem(format!(
            "RoleName and PolicyName are too long together: with the account id, and commas counted twice, they take \
             {length} characters, and a tag holds {}",
            ownership::LONGEST_TAG_VALUE
        ));
    }
}

/// 2 to 1224 characters of those that STS accepts.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
pub fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@:/_-".contains(&b))
}

/// The ARN of a policy of an account or of AWS itself.
fn is_policy_arn(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account_id, resource] = parts[..] else { return false };
    partition.starts_with("aws")
        && (account_id == "aws" || is_account_id(account_id))
        && resource
            .strip_prefix("policy/")
            .is_some_and(|path| is_policy_name(path.rsplit('/').next().unwrap_or_default()))
        && text.len() <= 2048
        && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
