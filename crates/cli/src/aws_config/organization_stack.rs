//! What the stack of the management account says about the profiles.

use super::profiles::{Member, Profiles, SignIn};
use crate::arguments::AwsConfig;
use crate::stack::Stack;
use custom_resource::error::{Error, Result};

/// The outputs that are needed whatever the stack was told to do.
const MANAGEMENT_ACCOUNT: &str = "ManagementAccountId";
const SPARK_ACCOUNT: &str = "AccountId";

/// By the account's output, what its profile is named after.
const MEMBERS: [(&str, &str); 3] =
    [(SPARK_ACCOUNT, "spark"), ("DevelopmentAccountId", "development"), ("ProductionAccountId", "production")];

/// The template's defaults, for a stack that is older than the parameter.
const MEMBER_ROLE: &str = "OrganizationAccountAccessRole";
const PERMISSION_SET: &str = "AdministratorAccess";

/// The profiles for the accounts of this stack.
///
/// # Errors
/// If the stack is not complete, or if an option does not fit its parameters.
pub fn profiles(stack: &Stack, options: &AwsConfig) -> Result<Profiles> {
    let output = |name: &str| stack.outputs.get(name).filter(|value| !value.is_empty()).cloned();
    let parameter = |name: &str, default: &str| {
        stack.parameters.get(name).filter(|value| !value.is_empty()).cloned().unwrap_or_else(|| default.to_owned())
    };
    let [partition, region] = [1, 3].map(|part| stack.id.split(':').nth(part).unwrap_or_default().to_owned());
    let incomplete = || {
        Error::refused(format!(
            "The stack {} is {} and does not say which accounts there are. Wait until it is complete, or correct it, then \
             run the command again.",
            stack.name, stack.status
        ))
    };
    let (Some(management_account_id), Some(_)) = (output(MANAGEMENT_ACCOUNT), output(SPARK_ACCOUNT)) else {
        return Err(incomplete());
    };
    let sign_in = if parameter("SignIn", "Users") == "IdentityCenter" {
        SignIn::IdentityCenter {
            start_url: options.sso_start_url.clone().or_else(|| output("SignInUrl")).ok_or_else(incomplete)?,
            // The template takes the Identity Center of its own Region only.
            region,
            permission_set: options
                .permission_set
                .clone()
                .unwrap_or_else(|| parameter("PermissionSetName", PERMISSION_SET)),
        }
    } else if options.sso_start_url.is_some() || options.permission_set.is_some() {
        return Err(Error::refused(format!(
            "The stack {} has SignIn = Users, so its profiles have no start URL and no permission set. Leave out \
             --sso-start-url and --permission-set, or update the stack with SignIn = IdentityCenter.",
            stack.name
        )));
    } else {
        SignIn::Users
    };
    let role_name = parameter("MemberRoleName", MEMBER_ROLE);
    let member = |(name, purpose): (&str, &'static str)| {
        Some(Member { purpose, account_id: output(name)?, role_name: role_name.clone() })
    };
    Ok(Profiles {
        partition,
        region: options.profile_region.clone(),
        prefix: options.profile_prefix.clone(),
        management_account_id,
        sign_in,
        members: MEMBERS.into_iter().filter_map(member).collect(),
        bootstrap_role_arn: output("BootstrapRoleArn"),
    })
}

#[cfg(test)]
mod tests;
