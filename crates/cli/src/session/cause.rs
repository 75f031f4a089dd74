//! Why a profile gave no credentials. The types of the SDK's errors count, and AWS's codes, never their words.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use custom_resource::error::chain;
use std::error::Error;
use std::iter::successors;

/// What a person has to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The network.
    Unreachable(String),
    /// Identity Center knows the user, who has no such permission set in the account: with AWS's code.
    NotAssigned(String),
    /// A role of the profile, with AWS's code.
    Role(String),
    /// The sign-in, or else the profile, with what the SDK says.
    Other(String),
}

/// Sorts the error.
pub fn cause(error: &CredentialsError) -> Cause {
    for one in layers(error) {
        if one.is::<ConnectorError>() {
            return Cause::Unreachable(innermost(one));
        }
        if let Some(refusal) = one.downcast_ref::<AssumeRoleError>() {
            return Cause::Role(refusal.meta().code().unwrap_or("no code").to_owned());
        }
        // UnauthorizedException, for a token that has ended, is modeled. This one is not.
        if let Some(refusal) = one.downcast_ref::<GetRoleCredentialsError>()
            && let Some(code @ "ForbiddenException") = refusal.meta().code()
        {
            return Cause::NotAssigned(code.to_owned());
        }
    }
    // The SDK's own layers only say that something failed.
    let said = layers(error).find(|error| !error.is::<CredentialsError>());
    Cause::Other(chain(said.unwrap_or(error)))
}

fn layers<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    })
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    layers(error).last().map(ToString::to_string).unwrap_or_default()
}
