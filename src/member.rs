//! In which account an event is worked on, and the way into a member account.
//!
//! A member account is entered through a role that trusts the function's account, `OrganizationAccountAccessRole` unless
//! told otherwise. That role is an administrator. The session is not: its policy holds it down to the calls that this
//! product makes, on the one role and the one policy that the event is about.

use crate::account::Account;
use crate::budget::Budget;
use crate::error::{Error, Kind, Result};
use crate::iam::Operation;
use crate::physical_id::{PhysicalId, is_account_id};
use crate::properties::{DeleteProperties, Properties};
use crate::reconcile::settle::{MOST_RETRIES, RIGHTS_ARRIVE};
use crate::request::Request;
use crate::sts::{AssumeRole, Sts};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How long a Create waits for the role of an account that may be new: it can appear minutes after the account. What is left
/// of the time is enough for the rest.
const ROLE_APPEARS: Duration = Duration::from_secs(25);
const PAUSE: Duration = Duration::from_secs(2);

/// The way into a member account.
#[derive(Clone, Debug, PartialEq)]
pub struct Entrance {
    pub member: Account,
    pub role_name: String,
    /// The one role and the one policy that the event is about.
    pub id: PhysicalId,
    patience: Duration,
}

/// Where an event is worked on.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// In the function's own account.
    Own(Account),
    /// In another one.
    Member(Entrance),
    /// Nowhere: a Delete of what was never in any account.
    Nowhere,
}

impl Place {
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Own(account) => Some(account),
            Self::Member(entrance) => Some(&entrance.member),
            Self::Nowhere => None,
        }
    }
}

/// Where `request` is worked on by a function in the account `own`.
///
/// # Errors
/// [`Refused`](Kind::Refused), as by [`Properties::parse`]; when the member account is the function's own; and when an Update
/// changes the account or a name.
pub fn place(own: &Account, request: &Request) -> Result<Place> {
    match request {
        Request::Create { properties } => wanted(own, &Properties::parse(properties)?, None, ROLE_APPEARS),
        Request::Update { physical_id, properties, .. } => {
            wanted(own, &Properties::parse(properties)?, PhysicalId::parse(physical_id), RIGHTS_ARRIVE)
        }
        Request::Delete { physical_id, properties } => {
            Ok(leaving(own, physical_id, &DeleteProperties::read(properties)))
        }
    }
}

/// `carried` is the physical id in the event, if a resource has it.
fn wanted(own: &Account, properties: &Properties, carried: Option<PhysicalId>, patience: Duration) -> Result<Place> {
    let account = Account { id: properties.member_account_id.as_ref().unwrap_or(&own.id).clone(), ..own.clone() };
    let id = account.physical_id(&properties.role_name, &properties.policy_name);
    if let Some(carried) = carried.filter(|carried| *carried != id) {
        return Err(fixed_at_create(&carried, &id));
    }
    if properties.member_account_id.is_none() {
        return Ok(Place::Own(account));
    }
    if account == *own {
        return Err(Error::refused(format!(
            "MemberAccountId is {}, the account that this stack is in. Leave it blank to act in this account; give it \
             only for another account of your organisation.",
            account.id
        )));
    }
    Ok(Place::Member(Entrance { member: account, role_name: properties.member_role_name.clone(), id, patience }))
}

/// The refusal of an Update whose properties name another account, role or policy than its physical id.
///
/// The id is what counts, and never `OldResourceProperties`: CloudFormation rolls this Update back with the properties
/// exchanged. The rollback then names what the id names, and succeeds.
fn fixed_at_create(carried: &PhysicalId, wanted: &PhysicalId) -> Error {
    let changed: Vec<_> = [
        ("MemberAccountId", &carried.account_id, &wanted.account_id),
        ("RoleName", &carried.role_name, &wanted.role_name),
        ("PolicyName", &carried.policy_name, &wanted.policy_name),
    ]
    .into_iter()
    .filter(|(_, present, wanted)| present != wanted)
    .map(|(property, present, wanted)| format!("{property} from {present} to {wanted}"))
    .collect();
    Error::refused(format!(
        "An update cannot change {}. Nothing was changed. Keep the present value, or delete this stack and create it again \
         with the new one.",
        changed.join(" and "),
    ))
}

/// A Delete of a real id is worked on in the account of the id; of another, where the Create was, which goes by its
/// properties.
fn leaving(own: &Account, physical_id: &str, properties: &DeleteProperties) -> Place {
    let account = |id: &str| Account { id: id.to_owned(), ..own.clone() };
    let id = match (PhysicalId::parse(physical_id), &properties.member_account_id, properties.names()) {
        (Some(carried), ..) => carried,
        // No Create can have made anything under names that IAM does not allow.
        (None, _, None) => return Place::Nowhere,
        (None, None, Some((role_name, policy_name))) => own.physical_id(role_name, policy_name),
        (None, Some(member), Some((role_name, policy_name))) if is_account_id(member) && *member != own.id => {
            account(member).physical_id(role_name, policy_name)
        }
        // A Create that is to enter what is no account, or the function's own, is refused before it makes anything.
        (None, Some(_), Some(_)) => return Place::Nowhere,
    };
    let member = account(&id.account_id);
    if member == *own {
        return Place::Own(member);
    }
    let role_name = properties.member_role_name.clone();
    Place::Member(Entrance { member, role_name, id, patience: RIGHTS_ARRIVE })
}

impl Entrance {
    /// Becomes the role, held down by a session policy. Waits for one that does not let us in yet, and asks an STS that gives
    /// no clear answer a few times more.
    ///
    /// # Errors
    /// [`Denied`](Kind::Denied) when it never does; otherwise those of the call. All with a sentence.
    pub async fn enter<S: Sts>(&self, sts: &S, budget: &Budget) -> Result<S::Session> {
        let request = AssumeRole {
            role_arn: self.member.role_arn(&self.role_name),
            session_policy: self.session_policy(),
            region: main_region(&self.member.partition),
        };
        let mut retries = 0;
        loop {
            let error = match timeout_at(budget.calls_end, sts.assume_role(&request)).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => error,
                Err(_) => Error::new(Kind::OutOfTime, ""),
            };
            let may_pass = match error.kind() {
                Kind::Denied => Instant::now() + PAUSE < budget.start + self.patience,
                Kind::Unavailable => {
                    retries += 1;
                    retries <= MOST_RETRIES
                }
                _ => false,
            };
            if !may_pass || !budget.may_write_after(PAUSE) {
                let sentence = self.sentence(&error, &request);
                return Err(error.because(sentence));
            }
            tracing::info!(cause = error.cause(), role = request.role_arn, "not let in yet, trying again");
            sleep(PAUSE).await;
        }
    }

    /// The calls of this product, on this role and this policy; attaching this policy and no other.
    fn session_policy(&self) -> Value {
        let (role, policy) = (self.member.role_arn(&self.id.role_name), self.member.policy_arn(&self.id.policy_name));
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
        let (member, role_name, role_arn) = (&self.member.id, &self.role_name, &request.role_arn);
        let what = format!("Account {member} could not be entered through its role {role_name}");
        // Without an answer there is no code.
        let said = error.failed_call().map(|call| match (call.code.as_str(), call.message.trim_end_matches('.')) {
            ("", words) => format!(" ({words})"),
            (code, words) => format!(" ({code}: {words})"),
        });
        let said = said.unwrap_or_default();
        let region = request.region.unwrap_or("the function's region");
        match error.kind() {
            Kind::Denied => format!(
                "{what}{said}. STS does not say which of these it is: (1) MemberAccountId is not the account that you mean; (2) \
                 the role is not there: accounts that were invited have no OrganizationAccountAccessRole, and those just \
                 created get it within minutes; create it, or name another in MemberRoleName; (3) the role's trust does not \
                 name this function's account; (4) a service control policy, or a boundary of the function's role, denies \
                 sts:AssumeRole on {role_arn}. Nothing was changed. Correct that, then retry; to delete a stack whose account \
                 is out of reach for good, delete it with this resource retained.",
            ),
            Kind::OutOfTime => {
                format!("{what}: STS did not answer in time. Nothing was changed; retry the stack operation.")
            }
            Kind::Unavailable => format!(
                "{what}: STS in {region} gave no usable answer{said}. Nothing was changed; retry the stack operation."
            ),
            _ => format!(
                "{what}{said}. Nothing was changed. Check that STS is active in {region} for that account, and the names that \
                 are given, then retry."
            ),
        }
    }
}

/// The region of a partition where STS is always active. In others it may be off for an account, and `AssumeRole` fails.
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
