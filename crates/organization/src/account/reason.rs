//! Sentences for the customer about an account: what was found, and what to do.

use crate::management_account::{AccountDescription, AccountState, OrganizationDescription};
use custom_resource::{Error, Kind};

pub fn is_in_no_organization(own: &str) -> Error {
    Error::refused(format!(
        "Account {own}, which this stack is in, is in no organization. Create the stack in the management account, or let \
         the stack create the organization first."
    ))
}

pub fn is_member(own: &str, organization: &OrganizationDescription) -> Error {
    Error::refused(format!(
        "Account {own}, which this stack is in, is a member of organization {}, whose management account is {} ({}). Create \
         this stack there. To set up this one account only, use the stack orchestera-access in it.",
        organization.id, organization.management_account_id, organization.management_account_email
    ))
}

pub fn is_management_account(what: &str, management: &str) -> Error {
    Error::refused(format!(
        "{what} is that of the management account {management}. Spark must run in a member account. Give the email address \
         or the id of another account."
    ))
}

pub fn is_not_in_the_organization(id: &str) -> Error {
    Error::refused(format!(
        "Account {id} is not in this organization. Check AccountId, or invite the account under AWS Organizations in the \
         console and let it accept. Then retry."
    ))
}

pub fn is_not_active(account: &AccountDescription) -> Error {
    let advice = match account.state {
        AccountState::PendingClosure | AccountState::Closed => {
            "AWS Support can reopen a closed account for 90 days. No other account can ever have its email address. \
             Give another email address, or ask AWS Support to reopen the account."
        }
        AccountState::Suspended => {
            "Look for the cause under AWS Organizations in the console. If the account was closed, AWS Support can \
             reopen it for 90 days. Otherwise give another email address."
        }
        _ => "Look at it under AWS Organizations in the console, or give another email address.",
    };
    Error::refused(format!(
        "Account {} ('{}', {}) is {}. {advice}",
        account.id, account.name, account.email, account.state
    ))
}

pub fn has_another_name(account: &AccountDescription, email: &str, name: &str) -> Error {
    Error::refused(format!(
        "The organization has an account with {email} already, but it is called '{}' and not '{name}': {}. Nothing was \
         changed. To use that account, give its id in AccountId and leave the email address blank. To create another, give \
         another email address.",
        account.name, account.id
    ))
}

pub fn email_is_taken(email: &str) -> Error {
    Error::refused(format!(
        "AWS says that {email} has an account already (EMAIL_ALREADY_EXISTS), and no account of this organization has it. It \
         belongs to an account elsewhere. No account was created. Give an email address that has no AWS account; one such as \
         name+spark@example.com reaches the same mailbox with many providers."
    ))
}

pub fn has_control_tower() -> Error {
    Error::refused(
        "This organization has a landing zone of AWS Control Tower, and an account that this stack creates would not \
         be enrolled. No account was created. Create the account in Account Factory. Then set AccountId to its id, \
         and MemberRoleName to AWSControlTowerExecution.",
    )
}

pub fn has_no_room(quota: usize, accounts: usize, invitations: usize) -> Error {
    Error::refused(format!(
        "The organization has {accounts} accounts, closed ones included, and {invitations} open invitations, and its quota is \
         {quota}. No account was created. Ask for more in Service Quotas (AWS Organizations, Default maximum number of \
         accounts), or cancel invitations. Then retry."
    ))
}

pub fn has_stack_sets(names: &[String], account: &str) -> Error {
    Error::refused(format!(
        "The StackSet {} automatically deploys Orchestera Access to the account {account}. Two stacks cannot own one \
         role. Set AccessIn so that this account gets no access stack here, or remove its organizational unit from \
         the StackSet.",
        names.join(", ")
    ))
}

/// The end of the wait for an organization that AWS has not finished creating.
pub fn is_being_finalized() -> Error {
    Error::new(
        Kind::OutOfTime,
        "AWS is still finishing the new organization (FinalizingOrganizationException), which may take an hour. The \
         organization stays. No account was created. Create the stack again in an hour.",
    )
}

/// An Update that would need another account.
pub fn cannot_change(changes: &[String]) -> Error {
    Error::refused(format!(
        "An update cannot change {}. Nothing was changed. Keep the present value. For another account, create another stack.",
        changes.join(" and ")
    ))
}

/// How an account is closed, for the end of a Delete.
pub fn is_kept(account: &str) -> String {
    format!(
        "Account {account} was kept, with everything in it. To close it, open AWS Organizations in the console, \
         choose the account, then Close. No other account can ever have its email address. If you need the address \
         for another account, change it before you close this one."
    )
}

/// The sentence for a read that failed.
pub fn of_read(error: Error) -> Error {
    let Some(call) = error.failed_call().cloned() else {
        return match error.kind() {
            Kind::OutOfTime => error.because("AWS did not answer in time. Retry the stack operation."),
            _ => error,
        };
    };
    let operation = call.operation;
    let words = call.message.trim().trim_end_matches('.').to_owned();
    let sentence = match error.kind() {
        _ if let Some(unresolved) = error.unresolved() => format!("{operation} failed: {unresolved}"),
        Kind::Denied => format!(
            "{operation} was denied ({words}). Check that the function's role still allows it, and that no permissions \
             boundary and no service control policy denies it, then retry."
        ),
        Kind::Unavailable | Kind::OutOfTime | Kind::LookAgain => {
            let code = if call.code.is_empty() { "no answer" } else { &call.code };
            format!("{operation} got no usable answer ({code}). Retry the stack operation.")
        }
        _ => format!("{operation} failed ({}: {words}). Correct that, then retry the stack operation.", call.code),
    };
    error.because(sentence)
}
