//! A read-only session in an account, by a role there.
//!
//! The role is an administrator, as a rule. The session policy limits the session to reads, whatever the role may do.

use crate::session::Session;
use crate::session::credentials::with_session;
use aws_config::{Region, SdkConfig};
use custom_resource::call::{failed, kind_of, malformed};
use custom_resource::{Kind, Result};
use serde_json::{Value, json};

/// What a session in an account may do, and with what. Tests show that it can do nothing else, and that `status` or `plan`
/// needs each of these.
const READS: [(&[&str], &[&str]); 3] = [
    (
        &[
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
        ],
        // Also one with a path, which is not the stack's.
        &["arn:*:iam::*:role/OrchesteraAccessRole", "arn:*:iam::*:role/*/OrchesteraAccessRole"],
    ),
    (
        &["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy", "iam:ListPolicyVersions"],
        // Also the boundaries that parameters name, and what else is attached to the role.
        &["arn:*:iam::*:policy/*"],
    ),
    // The tags of the role name the stack.
    (&["cloudformation:DescribeStacks"], &["*"]),
];

/// STS: the shortest session.
const SECONDS: i32 = 900;

/// How to get into an account.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Names of roles, tried in order.
    pub roles: Vec<String>,
    pub external_id: Option<String>,
    pub session_name: String,
}

/// The session policy.
pub fn session_policy() -> Value {
    let statement = |(actions, resources): (&[&str], &[&str])| json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
    json!({ "Version": "2012-10-17", "Statement": READS.map(statement) })
}

impl Entry {
    /// A session of the first role that can be assumed.
    ///
    /// # Errors
    /// That of the last role, without a sentence.
    pub async fn assume(&self, session: &Session, sts: &aws_sdk_sts::Client, account_id: &str) -> Result<SdkConfig> {
        let mut last = None;
        for role in &self.roles {
            match self.assume_one(session, sts, account_id, role).await {
                Ok(configuration) => return Ok(configuration),
                // The next role may be the one that exists here.
                Err(error) if error.kind() == Kind::Denied => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| custom_resource::Error::refused("No role is given. Name one with --role.")))
    }

    async fn assume_one(
        &self,
        session: &Session,
        sts: &aws_sdk_sts::Client,
        account_id: &str,
        role: &str,
    ) -> Result<SdkConfig> {
        let partition = &session.caller.account.partition;
        let call = sts
            .assume_role()
            .role_arn(format!("arn:{partition}:iam::{account_id}:role/{role}"))
            .role_session_name(&self.session_name)
            .policy(session_policy().to_string())
            .duration_seconds(SECONDS)
            .set_external_id(self.external_id.clone());
        let answer = call.send().await.map_err(failed("AssumeRole", kind_of))?;
        let credentials = answer.credentials.ok_or_else(|| malformed("AssumeRole", "no credentials"))?;
        Ok(with_session(&session.configuration, credentials))
    }
}

/// The same configuration in another Region.
pub fn in_region(configuration: &SdkConfig, region: &str) -> SdkConfig {
    configuration.to_builder().region(Region::new(region.to_owned())).build()
}
