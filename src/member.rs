//! Assuming a role in a member account.
//!
//! The role trusts the function's account. Its name is `OrganizationAccountAccessRole` unless the properties give
//! another. That role is an administrator. The session is not: its session policy limits it to the calls of this
//! product, on the one role and the one policy that the event is about.

use crate::account::Account;
use crate::iam::Operation;
use crate::physical_id::PhysicalId;
use crate::retry::{RIGHTS_ARRIVE, Unanswered};
use crate::sts::{AssumeRole, Sts};
use custom_resource::{Budget, Error, Kind, Result};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

const PAUSE: Duration = Duration::from_secs(2);
/// What a Create needs once it has a session. Before that, all of its time may be spent waiting for the role.
const CREATE_TAKES: Duration = Duration::from_secs(18);
/// The least time that a Create waits for the role.
const LEAST_WAIT: Duration = Duration::from_secs(25);

/// How long the role is waited for, if it cannot be assumed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// For a Create. In a new account the role can appear minutes after the account: it is waited for as long as the
    /// function's timeout allows, 25 seconds of 60, or 14 minutes of 15.
    RoleAppears,
    /// The role was there before. Only the function's own right to assume it may still be on its way.
    RightsArrive,
}

impl Patience {
    /// When the wait ends.
    fn ends(self, budget: &Budget) -> Instant {
        match self {
            Self::RoleAppears => {
                let wait = budget.writes_end.saturating_duration_since(budget.start).saturating_sub(CREATE_TAKES);
                budget.start + wait.max(LEAST_WAIT)
            }
            Self::RightsArrive => budget.start + RIGHTS_ARRIVE,
        }
    }
}

/// The role to assume in a member account.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberRole {
    pub account: Account,
    pub name: String,
    /// Names the one role and the one policy that the session may change.
    pub id: PhysicalId,
    pub patience: Patience,
}

impl MemberRole {
    /// Assumes the role, with a session policy. Waits if the role cannot be assumed yet, and tries again if STS gives
    /// no clear answer.
    ///
    /// # Errors
    /// [`Denied`](Kind::Denied) if it cannot be assumed in time; otherwise those of the call. All with a sentence.
    pub async fn assume<S: Sts>(&self, sts: &S, budget: &Budget) -> Result<S::Session> {
        let request = AssumeRole {
            role_arn: self.account.role_arn(&self.name),
            session_policy: self.session_policy(),
            region: main_region(&self.account.partition),
        };
        let mut unanswered = Unanswered::default();
        loop {
            let error = match timeout_at(budget.calls_end, sts.assume_role(&request)).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => error,
                Err(_) => Error::new(Kind::OutOfTime, ""),
            };
            let may_pass = match error.kind() {
                Kind::Denied => Instant::now() + PAUSE < self.patience.ends(budget),
                Kind::Unavailable => unanswered.may_retry(&error),
                _ => false,
            };
            if !may_pass || !budget.may_write_after(PAUSE) {
                let sentence = self.sentence(&error, &request);
                return Err(error.because(sentence));
            }
            tracing::info!(
                cause = error.cause(),
                role = request.role_arn,
                "the member role cannot be assumed yet; trying again"
            );
            sleep(PAUSE).await;
        }
    }

    /// Allows the calls of this product on the one role and the one policy, and to attach no other policy.
    fn session_policy(&self) -> Value {
        let (role, policy) = (self.account.role_arn(&self.id.role_name), self.account.policy_arn(&self.id.policy_name));
        let attach = Operation::AttachRolePolicy;
        let others: Vec<_> = Operation::ALL.iter().filter(|operation| **operation != attach).collect();
        let actions: Vec<_> = others.into_iter().map(|operation| format!("iam:{operation}")).collect();
        json!({
            "Version": "2012-10-17",
            "Statement": [
                { "Effect": "Allow", "Action": actions, "Resource": [role, policy] },
                {
                    "Effect": "Allow",
                    "Action": format!("iam:{attach}"),
                    "Resource": role,
                    "Condition": { "ArnEquals": { "iam:PolicyARN": policy } },
                },
            ],
        })
    }

    fn sentence(&self, error: &Error, request: &AssumeRole) -> String {
        let (member, role_name, role_arn) = (&self.account.id, &self.name, &request.role_arn);
        let what = format!("The role {role_name} in account {member} could not be assumed");
        // Without an answer there is no code.
        let said = error.failed_call().map(|call| match (call.code.as_str(), call.message.trim_end_matches('.')) {
            ("", words) => format!(" ({words})"),
            (code, words) => format!(" ({code}: {words})"),
        });
        let said = said.unwrap_or_default();
        let region = request.region.unwrap_or("the function's region");
        match error.kind() {
            _ if let Some(unresolved) = error.unresolved() => format!("{what}: {unresolved} Nothing was changed."),
            Kind::Denied => format!(
                "{what}{said}. STS does not say why. Possible causes: (1) MemberAccountId is not the account that you \
                 mean; (2) the role does not exist: invited accounts have no OrganizationAccountAccessRole, and new \
                 accounts get it within minutes; create the role, or set MemberRoleName to another role; (3) the \
                 role's trust policy does not allow this function's account; (4) a service control policy, or a \
                 permissions boundary of the function's role, denies sts:AssumeRole on {role_arn}. Nothing was \
                 changed. Correct the cause, then retry. If nobody can access the account any more, delete the stack \
                 and retain this resource.",
            ),
            Kind::OutOfTime => {
                format!("{what}: STS did not answer in time. Nothing was changed; retry the stack operation.")
            }
            Kind::Unavailable => format!(
                "{what}: STS in {region} gave no usable answer{said}. Nothing was changed; retry the stack operation."
            ),
            _ => format!(
                "{what}{said}. Nothing was changed. Check that STS is active in {region} for that account, and check \
                 MemberAccountId and MemberRoleName, then retry."
            ),
        }
    }
}

/// The region of a partition where STS is always active. In others it may be off for an account, and `AssumeRole`
/// fails.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html>
fn main_region(partition: &str) -> Option<&'static str> {
    match partition {
        "aws" => Some("us-east-1"),
        "aws-us-gov" => Some("us-gov-west-1"),
        "aws-cn" => Some("cn-north-1"),
        "aws-iso" => Some("us-iso-east-1"),
        "aws-iso-b" => Some("us-isob-east-1"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
