//! The properties of `Custom::OrchesteraAccess`, typed and validated.
//!
//! CloudFormation sends every property as text, booleans and numbers too; other senders may not, so that both are read.
//! A blank text means that the property was not given. Unknown properties are ignored, because old and new versions of a
//! template meet during a rollback. Every problem is reported, not only the first.

use crate::error::{Error, Result};
use crate::iam::Tags;
use crate::ownership;
use crate::physical_id::{is_account_id, is_policy_name, is_role_name};
use crate::policy::{self, EDITIONS, Edition};
use serde_json::Value;

/// Orchestera's platform account, which may assume the role.
pub const PLATFORM_ACCOUNT_ID: &str = "017059471480";
const ROLE_NAME: &str = "OrchesteraAccessRole";
const POLICY_NAME: &str = "OrchesteraAccessPolicy";
/// IAM: at most 50 tags on a role or policy.
const MOST_TAGS: usize = 50;

/// What is wanted, valid as a whole.
#[derive(Clone, Debug)]
pub struct Properties {
    /// 1 to 64 characters.
    pub role_name: String,
    /// 1 to 128 characters.
    pub policy_name: String,
    /// 12 digits.
    pub platform_account_id: String,
    /// Whether the trust asks for an external id.
    pub require_external_id: bool,
    /// 2 to 1224 characters; `None` stands for the one that was generated.
    pub external_id: Option<String>,
    pub edition: &'static Edition,
    /// ARN of a managed policy.
    pub permissions_boundary: Option<String>,
    /// Seconds, 3600 to 43200.
    pub max_session_duration: i32,
    pub on_existing: OnExisting,
    pub on_delete: OnDelete,
    /// The customer's own tags.
    pub tags: Tags,
}

/// What to do with an object of that name that this resource did not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExisting {
    Adopt,
    Fail,
}

/// What a Delete leaves.
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
    /// [`Refused`](crate::error::Kind::Refused), with every problem in its reason.
    pub fn parse(properties: &Value) -> Result<Self> {
        let mut read = Reader::new(properties);
        let editions: Vec<_> = EDITIONS.iter().map(|edition| (edition.name, *edition)).collect();
        let parsed = Self {
            role_name: read.valid("RoleName", ROLE_NAME, is_role_name, "1 to 64 characters of A-Z a-z 0-9 _+=,.@-"),
            policy_name: read.valid(
                "PolicyName",
                POLICY_NAME,
                is_policy_name,
                "1 to 128 characters of A-Z a-z 0-9 _+=,.@-",
            ),
            platform_account_id: read.valid(
                "PlatformAccountId",
                PLATFORM_ACCOUNT_ID,
                is_account_id,
                "an account id of 12 digits, as text",
            ),
            require_external_id: read.boolean("RequireExternalId", true),
            external_id: read.optional("ExternalId", is_external_id, "2 to 1224 characters of A-Z a-z 0-9 +=,.@:/_-"),
            edition: read.choice("PolicyEdition", &policy::DEFAULT_EDITION, &editions),
            permissions_boundary: read.optional(
                "PermissionsBoundaryArn",
                is_policy_arn,
                "the ARN of a managed policy, such as arn:aws:iam::111122223333:policy/name",
            ),
            max_session_duration: read.seconds("MaxSessionDuration", 3600..=43200),
            on_existing: read.choice(
                "OnExisting",
                OnExisting::Adopt,
                &[("Adopt", OnExisting::Adopt), ("Fail", OnExisting::Fail)],
            ),
            on_delete: read.choice("OnDelete", OnDelete::DeleteCreated, &ON_DELETE),
            tags: read.tags(),
        };
        read.not_yet();
        read.fits_in_a_tag(&parsed);
        read.finish(parsed)
    }
}

/// What a Delete needs of the properties. Reading it never fails: a Delete is not refused for its properties, and what
/// cannot have been valid when the resource was made is taken as not given.
#[derive(Clone, Debug)]
pub struct DeleteProperties {
    /// `None` when the name could not be an IAM name, so that no Create can have used it.
    pub role_name: Option<String>,
    pub policy_name: Option<String>,
    pub platform_account_id: String,
    pub on_delete: OnDelete,
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
            platform_account_id: name("PlatformAccountId", PLATFORM_ACCOUNT_ID, is_account_id)
                .unwrap_or_else(|| PLATFORM_ACCOUNT_ID.to_owned()),
            on_delete: read.choice("OnDelete", OnDelete::DeleteCreated, &ON_DELETE),
        }
    }
}

/// Keys of the customer's tags, from properties that need not be valid: those of an earlier template.
pub fn tag_keys(properties: &Value) -> Vec<String> {
    let tags = properties["Tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    tags.iter().filter_map(|tag| scalar(&tag["Key"])).filter(|key| !is_reserved_key(key)).collect()
}

/// 2 to 1224 characters, the ones that STS takes.
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

/// IAM's rule for tag keys and values: letters, numbers, spaces and `_.:/=+-@`.
fn is_tag_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c))
}

fn is_reserved_key(key: &str) -> bool {
    let key = key.to_lowercase();
    key.starts_with("aws:") || key.starts_with(ownership::PREFIX)
}

/// A scalar as the text that CloudFormation would have made of it.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Reads one property after the other and collects what is wrong with them.
struct Reader<'a> {
    properties: &'a Value,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(properties: &'a Value) -> Self {
        let mut problems = Vec::new();
        if !properties.is_object() && !properties.is_null() {
            problems.push("the properties must be a map".to_owned());
        }
        Self { properties, problems }
    }

    fn holds_structure(&self, name: &str) -> bool {
        matches!(self.properties[name], Value::Array(_) | Value::Object(_))
    }

    /// The property as text; `None` if it is absent, null or blank, and for a list or map, which is a problem.
    fn text(&mut self, name: &str) -> Option<String> {
        if self.holds_structure(name) {
            self.problems.push(format!("{name} must be a text, not a list or map"));
        }
        scalar(&self.properties[name]).filter(|text| !text.is_empty())
    }

    fn optional(&mut self, name: &str, valid: fn(&str) -> bool, rule: &str) -> Option<String> {
        let text = self.text(name)?;
        if !valid(&text) {
            self.problems.push(format!("{name} must be {rule}, not '{}'", shortened(&text)));
        }
        Some(text)
    }

    fn valid(&mut self, name: &str, default: &str, valid: fn(&str) -> bool, rule: &str) -> String {
        self.optional(name, valid, rule).unwrap_or_else(|| default.to_owned())
    }

    /// One of the named values.
    fn choice<T: Copy>(&mut self, name: &str, default: T, choices: &[(&str, T)]) -> T {
        let Some(text) = self.text(name) else { return default };
        if let Some((_, value)) = choices.iter().find(|(choice, _)| *choice == text) {
            return *value;
        }
        let names: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
        self.problems.push(format!("{name} must be one of {}, not '{}'", names.join(", "), shortened(&text)));
        default
    }

    fn boolean(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).map(|text| text.to_ascii_lowercase()).as_deref() {
            None => default,
            Some("true") => true,
            Some("false") => false,
            Some(other) => {
                self.problems.push(format!("{name} must be true or false, not '{}'", shortened(other)));
                default
            }
        }
    }

    fn seconds(&mut self, name: &str, range: std::ops::RangeInclusive<i32>) -> i32 {
        let Some(text) = self.text(name) else { return *range.start() };
        match text.parse() {
            Ok(seconds) if range.contains(&seconds) => seconds,
            _ => {
                let (least, most) = (range.start(), range.end());
                self.problems.push(format!("{name} must be {least} to {most} seconds, not '{}'", shortened(&text)));
                *least
            }
        }
    }

    fn tags(&mut self) -> Tags {
        let list = match &self.properties["Tags"] {
            Value::Null => return Tags::new(),
            Value::String(text) if text.is_empty() => return Tags::new(),
            Value::Array(list) => list,
            _ => {
                self.problems.push("Tags must be a list of Key and Value".to_owned());
                return Tags::new();
            }
        };
        let mut tags = Tags::new();
        for (place, tag) in list.iter().enumerate() {
            let place = place + 1;
            let value = match &tag["Value"] {
                Value::Null if tag.is_object() => Some(String::new()),
                value => scalar(value),
            };
            match (scalar(&tag["Key"]), value) {
                (Some(key), Some(value)) => {
                    self.tag(place, &key, &value, &tags);
                    tags.insert(key, value);
                }
                _ => self.problems.push(format!("Tags: entry {place} must have a Key and a Value, both text")),
            }
        }
        let room = MOST_TAGS - ownership::KEYS.len();
        if tags.len() > room {
            self.problems.push(format!(
                "Tags: {} are given, but there is room for {room}, because IAM allows {MOST_TAGS} in all and this resource \
                 needs {} itself",
                tags.len(),
                ownership::KEYS.len(),
            ));
        }
        tags
    }

    fn tag(&mut self, place: usize, key: &str, value: &str, before: &Tags) {
        let name = format!("Tags: entry {place} ('{}')", shortened(key));
        if key.is_empty() || key.chars().count() > 128 || !is_tag_text(key) {
            self.problems.push(format!("{name}: a key must be 1 to 128 letters, numbers, spaces or _.:/=+-@"));
        }
        if value.chars().count() > ownership::LONGEST_TAG_VALUE || !is_tag_text(value) {
            self.problems.push(format!("{name}: a value must be at most 256 letters, numbers, spaces or _.:/=+-@"));
        }
        if is_reserved_key(key) {
            self.problems.push(format!("{name}: keys that begin with aws: or {} are reserved", ownership::PREFIX));
        }
        if before.keys().any(|other| other.to_lowercase() == key.to_lowercase()) {
            self.problems.push(format!("{name}: the key is given twice (IAM takes no account of case)"));
        }
    }

    /// What a later release will do and this one cannot.
    fn not_yet(&mut self) {
        let release = env!("CARGO_PKG_VERSION");
        match self.text("AccessState").as_deref() {
            None | Some("Active") => {}
            Some("Suspended") => self.problems.push(format!(
                "AccessState cannot be Suspended in release {release}: leave it at Active, and to shut the platform out \
                 remove the stack or add a Deny to the role's trust policy by hand"
            )),
            Some(other) => {
                self.problems.push(format!("AccessState must be one of Active, Suspended, not '{}'", shortened(other)));
            }
        }
        if self.text("MemberAccountId").is_some() {
            self.problems.push(format!(
                "MemberAccountId cannot be used in release {release}: leave it blank, and create the stack in the member \
                 account itself"
            ));
        }
    }

    /// The physical id has to fit in a tag value, where a comma takes two characters.
    fn fits_in_a_tag(&mut self, parsed: &Properties) {
        let id = format!("111122223333/{}/{}", parsed.role_name, parsed.policy_name);
        let length = ownership::tag_value(&id).len();
        if self.problems.is_empty() && length > ownership::LONGEST_TAG_VALUE {
            self.problems.push(format!(
                "RoleName and PolicyName are too long together: with the account id, and commas counted twice, they take \
                 {length} characters, and a tag holds {}",
                ownership::LONGEST_TAG_VALUE
            ));
        }
    }

    fn finish(self, parsed: Properties) -> Result<Properties> {
        match &self.problems[..] {
            [] => Ok(parsed),
            [problem] => Err(Error::refused(format!("The properties need attention: {problem}."))),
            problems => {
                let list: Vec<_> = problems.iter().enumerate().map(|(i, p)| format!("({}) {p}", i + 1)).collect();
                Err(Error::refused(format!("The properties need attention: {}.", list.join("; "))))
            }
        }
    }
}

/// A customer's text in a Reason: enough to recognise it.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
