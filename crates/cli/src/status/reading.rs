//! Reading one account.

use super::last_call::{self, NO_ANSWER};
use super::row::Row;
use crate::accounts::ListedAccount;
use crate::arguments::Connection;
use crate::assessment::{self, State, account_and_region, assess};
use crate::member::{Entry, in_region};
use crate::session::{self, Session};
use crate::stack::{Stack, Stacks};
use aws_config::SdkConfig;
use custom_resource::{Budget, Error, Kind, Result};
use orchestera_access::account::Account;
use orchestera_access::iam::aws::AwsIam;
use orchestera_access::physical_id::PhysicalId;
use orchestera_access::reconcile::observe::{Expected, ReadScope, observe};
use orchestera_access::reconcile::state::State as Observed;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The names that every stack gives.
pub const ROLE_NAME: &str = "OrchesteraAccessRole";
pub const POLICY_NAME: &str = "OrchesteraAccessPolicy";

/// How to get into an account.
#[derive(Clone, Debug)]
pub enum Way {
    Role(Entry),
    /// A profile for each account.
    Profile(String),
}

/// What every account is read with.
#[derive(Debug)]
pub struct Reader {
    session: Session,
    sts: aws_sdk_sts::Client,
    connection: Connection,
    way: Way,
    stack_name: String,
    timeout: Duration,
}

/// What was read of an account.
struct Read {
    observed: Observed,
    stack: Option<Stack>,
    /// Why the stack is not known.
    failed_call: String,
}

impl Reader {
    pub fn new(session: Session, connection: Connection, way: Way, stack_name: String, timeout: Duration) -> Self {
        let session = Session { configuration: last_call::noted(&session.configuration), ..session };
        let sts = aws_sdk_sts::Client::new(&session.configuration);
        Self { session, sts, connection, way, stack_name, timeout }
    }

    /// The row of an account, in every case.
    pub async fn row(&self, account: ListedAccount) -> Row {
        if matches!(account.state.as_str(), "CLOSED" | "PENDING_CLOSURE" | "SUSPENDED" | "PENDING_ACTIVATION") {
            let to_do = match account.state.as_str() {
                "PENDING_ACTIVATION" => "AWS has not activated this account yet. Look again later.".to_owned(),
                state => format!("This account is {state} in the organization. There is nothing to do."),
            };
            return Row::unread(&account, State::NoWayIn, to_do, String::new());
        }
        let own = Account { id: account.id.clone(), ..self.session.caller.account.clone() };
        let id = own.physical_id(ROLE_NAME, POLICY_NAME);
        let read = match last_call::within(self.timeout, self.read(&account, &own, &id)).await {
            Ok(read) => read,
            Err(failed_call) => {
                let (seconds, is_silent) = (self.timeout.as_secs(), failed_call.ends_with(NO_ANSWER));
                let what = if is_silent { "Nothing answered" } else { "The call did not succeed" };
                let to_do = format!("{what} in {seconds} s. Retry, or give more with --account-timeout.");
                return Row::unread(&account, State::NoWayIn, to_do, failed_call);
            }
        };
        match read {
            Ok(Read { observed, stack, failed_call }) => {
                let mut found = assess(&id, &own, &observed, stack.as_ref());
                if found.state == State::Missing && !failed_call.is_empty() {
                    found.to_do =
                        "There is no role, and its stack cannot be read. Allow cloudformation:DescribeStacks to \
                                   the role that is assumed."
                            .to_owned();
                }
                with_instance(Row::of(&account, found, stack, failed_call), &account)
            }
            Err(error) => Row::unread(&account, State::NoWayIn, self.to_do(&error, &account), failed_call(&error)),
        }
    }

    async fn read(&self, listed: &ListedAccount, account: &Account, id: &PhysicalId) -> Result<Read> {
        let mut pause = Duration::from_secs(2);
        loop {
            match self.read_once(listed, account, id).await {
                // The SDK has tried several times. Only this account waits longer, until its own time ends.
                Err(error) if error.kind() == Kind::Unavailable => {
                    last_call::note(&error);
                    sleep(pause).await;
                    pause *= 2;
                }
                read => return read,
            }
        }
    }

    async fn read_once(&self, listed: &ListedAccount, account: &Account, id: &PhysicalId) -> Result<Read> {
        let configuration = self.configuration(listed).await?;
        let iam = AwsIam::new(&configuration);
        let now = Instant::now();
        let budget = Budget::new(now, now + self.timeout * 2);
        let observed = observe(&iam, account, &budget, id, ReadScope::Convergence, &Expected::first_version()).await?;
        let stack = self.stack(listed, account, &configuration, &observed).await;
        let (stack, failed_call) = match stack {
            Ok(stack) => (stack, String::new()),
            Err(error) if error.kind() == Kind::Unavailable => return Err(error),
            Err(error) => (None, failed_call(&error)),
        };
        Ok(Read { observed, stack, failed_call })
    }

    /// The stack that owns the role: by its tags, by the StackSet's instance, or by the name that a stack has without
    /// other wishes.
    async fn stack(
        &self,
        listed: &ListedAccount,
        account: &Account,
        configuration: &SdkConfig,
        observed: &Observed,
    ) -> Result<Option<Stack>> {
        let of_instance =
            listed.instance.as_ref().map(|instance| instance.stack_id.as_str()).filter(|id| !id.is_empty());
        let Some(stack_id) = assessment::stack_id(observed).or(of_instance) else {
            // What somebody created by hand has no stack.
            return match observed.role {
                Some(_) => Ok(None),
                None => Stacks::new(configuration).find(&self.stack_name).await,
            };
        };
        let Some((owner, region)) = account_and_region(stack_id) else { return Ok(None) };
        let configuration = match owner {
            _ if owner == account.id => configuration,
            // A stack here that acts in the member account.
            _ if owner == self.session.caller.account.id => &self.session.configuration,
            _ => return Ok(None),
        };
        let stack = Stacks::new(&in_region(configuration, region)).find(stack_id).await?;
        Ok(stack.filter(|stack| stack.status != "DELETE_COMPLETE"))
    }

    /// The account's own session needs no role.
    async fn configuration(&self, listed: &ListedAccount) -> Result<SdkConfig> {
        match &self.way {
            _ if listed.id == self.session.caller.account.id => Ok(self.session.configuration.clone()),
            Way::Role(entry) => entry.assume(&self.session, &self.sts, &listed.id).await,
            Way::Profile(pattern) => {
                let name = pattern.replace("{account}", &listed.id).replace("{name}", &listed.name);
                let session = session::of_profile(&self.connection, Some(&name)).await?;
                let own = &session.caller.account.id;
                if *own == listed.id {
                    return Ok(last_call::noted(&session.configuration));
                }
                Err(Error::refused(format!(
                    "The profile {name} is one of account {own}. Correct the profile or the pattern."
                )))
            }
        }
    }

    fn to_do(&self, error: &Error, account: &ListedAccount) -> String {
        let operation = error.failed_call().map(|call| call.operation).unwrap_or_default();
        let roles = match &self.way {
            Way::Role(entry) => entry.roles.join(", "),
            Way::Profile(_) => String::new(),
        };
        match (operation, error.kind()) {
            ("AssumeRole", Kind::Denied) => format!(
                "You cannot assume {roles} in account {}. Check the id. If the account has another role for you, name it with \
                 --role. If you have a profile for it, use --profile-pattern.",
                account.id
            ),
            ("AssumeRole", _) => "The role cannot be assumed. Check the name, the Region and --external-id.".to_owned(),
            // What is wrong with a profile, and how to sign in.
            ("" | "GetCallerIdentity", _) => error.reason(),
            (operation, Kind::Denied) => {
                format!("Allow iam:{operation} to that role. See: orchestera permissions status")
            }
            _ => "Retry. If it fails again, add --debug.".to_owned(),
        }
    }
}

/// The StackSet knows of failures that left no stack.
fn with_instance(mut row: Row, account: &ListedAccount) -> Row {
    let Some(instance) = account.instance.as_ref().filter(|instance| instance.has_failed()) else { return row };
    // What was created by hand may be ready, but the StackSet did not get its stack there.
    let is_without_stack = row.state == State::Ready && row.stack.is_none();
    if is_without_stack || matches!(row.state, State::Missing | State::StackFailed) {
        row.state = State::StackFailed;
        let reason =
            if instance.reason.is_empty() { "It gives no reason" } else { instance.reason.trim_end_matches('.') };
        row.to_do = format!(
            "The StackSet's instance is {} {}. {reason}. Correct that, then retry the operation.",
            instance.status, instance.detailed_status
        );
    }
    row
}

/// The call with AWS's code, such as `AssumeRole: AccessDenied`.
pub fn failed_call(error: &Error) -> String {
    let Some(call) = error.failed_call() else { return String::new() };
    let code = if call.code.is_empty() { NO_ANSWER } else { &call.code };
    format!("{}: {code}", call.operation)
}
