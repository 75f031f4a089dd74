//! The sections that belong into `~/.aws/config`: the same as in the output `AwsConfig` of `organization.yaml`.

use super::config_text::Name;
use custom_resource::error::{Error, Result};

/// The region of the profiles, if no other is asked for.
pub const DEFAULT_REGION: &str = "us-east-1";
/// What the names of the profiles begin with, if nothing else is asked for.
pub const DEFAULT_PREFIX: &str = "orchestera";
/// Stands in `mfa_serial` for the name of a device that nobody but its owner knows.
pub const MFA_PLACEHOLDER: &str = "YOUR_MFA_DEVICE";

/// How an admin comes to credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// By IAM Identity Center, with the same permission set in every account.
    IdentityCenter { start_url: String, region: String, permission_set: String },
    /// As an IAM user of the management account, who assumes a role in each other account.
    Users,
}

/// An account other than the management account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What its profile is named after: `spark`, `development`, `production`.
    pub purpose: &'static str,
    pub account_id: String,
    /// The role that trusts the management account.
    pub role_name: String,
}

/// From what the sections are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profiles {
    pub partition: String,
    /// Asked for on the command line. Otherwise a profile keeps the region that it has.
    pub region: Option<String>,
    pub prefix: String,
    pub management_account_id: String,
    pub sign_in: SignIn,
    pub members: Vec<Member>,
    /// Of the role `mgmt-org-admin`, which IAM users assume.
    pub bootstrap_role_arn: Option<String>,
}

/// A section: its name and its settings, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub name: Name,
    pub settings: Vec<(&'static str, String)>,
}

/// Every setting that this command may write. In our sections it may therefore also remove them.
pub const WRITTEN: [&str; 10] = [
    "sso_start_url",
    "sso_region",
    "sso_registration_scopes",
    "sso_session",
    "sso_account_id",
    "sso_role_name",
    "role_arn",
    "source_profile",
    "mfa_serial",
    "region",
];

/// The names that this command may write with this prefix.
pub fn names(prefix: &str) -> Vec<Name> {
    let purposes = ["management", "spark", "development", "production"];
    let profiles = purposes.iter().map(|purpose| Name::profile(format!("{prefix}-{purpose}")));
    std::iter::once(Name::sso_session(prefix)).chain(profiles).chain([bootstrap_name(prefix)]).collect()
}

/// The profile of the role `mgmt-org-admin`. Two organizations in one file must not both claim that name.
fn bootstrap_name(prefix: &str) -> Name {
    let name = "mgmt-org-admin";
    Name::profile(if prefix == DEFAULT_PREFIX { name.to_owned() } else { format!("{prefix}-{name}") })
}

/// A prefix that needs no quotation marks in any of AWS's tools.
pub fn checked_prefix(prefix: &str) -> Result<&str> {
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || "_.-".contains(char);
    let begins = prefix.starts_with(|char: char| char.is_ascii_alphanumeric());
    if begins && prefix.len() <= 64 && prefix.chars().all(is_allowed) {
        return Ok(prefix);
    }
    Err(Error::refused(format!(
        "The profile prefix {prefix:?} cannot be used. Give up to 64 letters, digits, and the characters _ . - and begin \
         with a letter or a digit."
    )))
}

impl Profiles {
    /// The sections, in the order of the file.
    pub fn sections(&self) -> Result<Vec<Section>> {
        checked_prefix(&self.prefix)?;
        let management = format!("{}-management", self.prefix);
        let region = self.region.as_deref().unwrap_or(DEFAULT_REGION).to_owned();
        let section = |name, mut settings: Vec<(&'static str, String)>| {
            settings.push(("region", region.clone()));
            Section { name: Name::profile(name), settings }
        };
        let mut sections = Vec::new();
        match &self.sign_in {
            SignIn::IdentityCenter { start_url, region, permission_set } => {
                sections.push(Section {
                    name: Name::sso_session(&self.prefix),
                    settings: vec![
                        ("sso_start_url", start_url.clone()),
                        ("sso_region", region.clone()),
                        ("sso_registration_scopes", "sso:account:access".to_owned()),
                    ],
                });
                let ids = self.members.iter().map(|one| (format!("{}-{}", self.prefix, one.purpose), &one.account_id));
                for (name, account_id) in std::iter::once((management, &self.management_account_id)).chain(ids) {
                    let settings = vec![
                        ("sso_session", self.prefix.clone()),
                        ("sso_account_id", account_id.clone()),
                        ("sso_role_name", permission_set.clone()),
                    ];
                    sections.push(section(name, settings));
                }
            }
            SignIn::Users => {
                sections.push(section(management.clone(), vec![]));
                for one in &self.members {
                    let role = format!("arn:{}:iam::{}:role/{}", self.partition, one.account_id, one.role_name);
                    let settings = vec![("role_arn", role), ("source_profile", management.clone())];
                    sections.push(section(format!("{}-{}", self.prefix, one.purpose), settings));
                }
                // The role trusts IAM users only.
                if let Some(role) = &self.bootstrap_role_arn {
                    let account = &self.management_account_id;
                    let device = format!("arn:{}:iam::{account}:mfa/{MFA_PLACEHOLDER}", self.partition);
                    let settings =
                        vec![("role_arn", role.clone()), ("source_profile", management), ("mfa_serial", device)];
                    sections.push(section(bootstrap_name(&self.prefix).name, settings));
                }
            }
        }
        check(&sections)?;
        Ok(sections)
    }
}

/// A value is one line, and no tool takes a part of it for a comment.
fn check(sections: &[Section]) -> Result<()> {
    for (setting, value) in sections.iter().flat_map(|section| &section.settings) {
        if value.is_empty() || value.chars().any(|char| char.is_whitespace() || char.is_control()) {
            return Err(Error::refused(format!(
                "{setting} would be {value:?}. A value in the AWS configuration file must not be blank and must not have \
                 blanks in it."
            )));
        }
        if *setting == "sso_start_url" && !value.starts_with("https://") {
            return Err(Error::refused(format!(
                "The start URL {value:?} does not begin with https://. Copy the AWS access portal URL from the console of \
                 IAM Identity Center."
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
