//! The profile that the credentials come from, and how to sign in with it.

use super::cause::{Cause, cause};
use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_runtime::env_config::section::EnvConfigSections;
use aws_types::os_shim_internal::{Env, Fs};
use custom_resource::{Error, Result};

/// A profile of the AWS configuration.
#[derive(Clone, Debug)]
pub struct Profile {
    name: String,
    /// Whether the caller named it. If the environment did, keys in the environment count more.
    is_chosen: bool,
    /// Whether the caller named it, or the environment did.
    is_named: bool,
    environment: Env,
    sections: EnvConfigSections,
    files: EnvConfigFiles,
}

/// Where the credentials of a profile come from, as far as it matters for signing in again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// IAM Identity Center, with the name of the session if there is one.
    IdentityCenter(Option<String>),
    /// `aws login`.
    Login,
    /// Only the program. The AWS CLI's users have passwords in its arguments.
    Process(String),
    /// Keys in variables.
    Environment,
    Other,
}

impl Profile {
    /// Reads the files. Those that `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name, or those in the home
    /// directory.
    ///
    /// # Errors
    /// If a file cannot be parsed, or the profile does not exist.
    pub async fn load(name: Option<&str>) -> Result<Self> {
        let of_environment = std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
        let is_chosen = name.is_some();
        let is_named = is_chosen || of_environment.is_some();
        let name = name.map(str::to_owned).or(of_environment).unwrap_or_else(|| "default".to_owned());
        let (files, environment) = (super::files::load(), Env::real());
        let loaded = aws_config::profile::load(&Fs::real(), &environment, &files, Some(name.clone().into())).await;
        let sections = loaded.map_err(|error| {
            // With the file and the line.
            let cause = custom_resource::error::chain(&error).split_whitespace().collect::<Vec<_>>().join(" ");
            Error::refused(format!("The AWS configuration cannot be read: {cause}. Correct the file, then retry."))
        })?;
        if is_named && sections.get_profile(&name).is_none() {
            let known: Vec<_> = sections.profiles().collect();
            let known =
                if known.is_empty() { "There is none".to_owned() } else { format!("There are: {}", known.join(", ")) };
            return Err(Error::refused(format!(
                "The profile {name} does not exist in your AWS configuration. {known}. Check the name, or run: aws configure sso"
            )));
        }
        Ok(Self { name, is_chosen, is_named, environment, sections, files })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the SDK has to read.
    pub fn files(&self) -> &EnvConfigFiles {
        &self.files
    }

    /// Whether the caller named it.
    pub fn is_chosen(&self) -> bool {
        self.is_chosen
    }

    /// Whether the credentials are keys in the environment.
    pub fn is_of_environment(&self) -> bool {
        !self.is_chosen && self.environment.get("AWS_ACCESS_KEY_ID").is_ok_and(|key| !key.trim().is_empty())
    }

    /// A setting of this profile.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.sections.get_profile(&self.name)?.get(key)
    }

    /// Where the credentials come from, along `source_profile`.
    fn source(&self) -> (Source, &str) {
        let mut name = self.name.as_str();
        if self.is_of_environment() {
            return (Source::Environment, name);
        }
        // A chain is short. A cycle would not end.
        for _ in 0..10 {
            let Some(profile) = self.sections.get_profile(name) else { break };
            if let Some(session) = profile.get("sso_session") {
                return (Source::IdentityCenter(Some(session.to_owned())), name);
            }
            if profile.get("sso_start_url").is_some() {
                return (Source::IdentityCenter(None), name);
            }
            if profile.get("login_session").is_some() {
                return (Source::Login, name);
            }
            if let Some(process) = profile.get("credential_process") {
                let program = process.split_whitespace().next().unwrap_or_default();
                return (Source::Process(program.to_owned()), name);
            }
            match profile.get("source_profile") {
                Some(next) if next != name => name = next,
                _ => break,
            }
        }
        (Source::Other, name)
    }

    /// The command that signs in. `None` if there is none.
    pub fn sign_in_command(&self) -> Option<String> {
        match self.source() {
            (Source::IdentityCenter(Some(session)), _) => Some(format!("aws sso login --sso-session {session}")),
            (Source::IdentityCenter(None), name) => Some(format!("aws sso login --profile {name}")),
            (Source::Login, name) => Some(format!("aws login --profile {name}")),
            (Source::Process(_) | Source::Environment | Source::Other, _) => None,
        }
    }

    /// The roles that the profile assumes, along `source_profile`, the first one first.
    fn roles(&self) -> Vec<&str> {
        let mut roles = Vec::new();
        let mut next = Some(self.name.as_str());
        while let Some(profile) = next.and_then(|name| self.sections.get_profile(name))
            && roles.len() < 10
        {
            roles.extend(profile.get("role_arn"));
            next = profile.get("source_profile").filter(|source| *source != profile.name());
        }
        roles.reverse();
        roles
    }

    /// What to do when there are no credentials.
    pub fn how_to_sign_in(&self, error: &CredentialsError) -> String {
        let name = &self.name;
        let cause = match cause(error) {
            Cause::Unreachable(cause) => return unreachable(&cause),
            Cause::NotAssigned(code) => {
                let (_, source) = self.source();
                let of_source = |key| self.sections.get_profile(source).and_then(|it| it.get(key)).unwrap_or("?");
                return format!(
                    "IAM Identity Center gives you no credentials of {} in account {} ({code}). Correct sso_role_name and \
                     sso_account_id of profile {source}, or ask for the assignment.",
                    of_source("sso_role_name"),
                    of_source("sso_account_id"),
                );
            }
            Cause::Role(code) => {
                return format!(
                    "Profile {name} assumes {}, and AWS refused that ({code}). Check role_arn and external_id of the profile, and the \
                     trust policy of the role.",
                    self.roles().join(", then ")
                );
            }
            Cause::Other(cause) => cause,
        };
        if let Some(command) = self.sign_in_command() {
            return format!("The sign-in of profile {name} has expired, or there was none. Run: {command}");
        }
        match self.source() {
            (Source::Process(program), source) => format!(
                "The credential_process of profile {source}, {program}, gave no credentials: {}. Run it yourself to see why.",
                cause.trim_end_matches(['.', ' ', '\n'])
            ),
            _ if self.is_named => {
                format!("The profile {name} gave no credentials: {cause}. Check it with: aws sts get-caller-identity --profile {name}")
            }
            _ => "There are no AWS credentials. Open AWS CloudShell, where they are already there. Or run: aws configure \
                  sso. Then name the profile with --profile."
                .to_owned(),
        }
    }

    /// What to do when AWS does not accept the credentials.
    pub fn sentence(&self, error: &Error) -> String {
        let said = error.failed_call().map(|call| call.code.clone()).filter(|code| !code.is_empty());
        let is_old = ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"];
        let is_old = is_old.iter().any(|code| error.is(code));
        match (self.sign_in_command(), said) {
            (Some(command), Some(code)) if is_old => format!("Your sign-in has expired ({code}). Run: {command}"),
            (None, Some(code)) if is_old => {
                let whose = match self.source() {
                    (Source::Environment, _) => "the keys of the environment".to_owned(),
                    (_, name) => format!("the credentials of profile {name}"),
                };
                format!("AWS does not accept {whose} ({code}). Get new ones, then retry.")
            }
            (_, Some(code)) => format!(
                "AWS did not say who you are ({code}). Check your credentials with: aws sts get-caller-identity"
            ),
            (_, None) => {
                let cause = error.failed_call().map(|call| call.message.clone()).unwrap_or_default();
                unreachable(&cause)
            }
        }
    }
}

/// No answer.
pub fn unreachable(cause: &str) -> String {
    format!("AWS could not be reached: {cause}. Check your network, HTTPS_PROXY and AWS_CA_BUNDLE.")
}
