//! `orchestera console`: the link that switches the console into an account.

use crate::accounts;
use crate::arguments::{Connection, Console, Printing};
use crate::output;
use crate::session::{self, Session};
use crate::stack::{ORGANIZATION_STACK, Stack, Stacks};
use crate::verdict::Verdict;
use custom_resource::function_arn::is_account_id;
use custom_resource::{Error, Result};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The outputs of that stack that have such a link.
const LINKS: [&str; 3] = ["SwitchRoleUrl", "DevelopmentSwitchRoleUrl", "ProductionSwitchRoleUrl"];

/// Runs the command.
///
/// # Errors
/// If the account is not known.
pub async fn run(connection: &Connection, printing: &Printing, options: &Console) -> Result<Verdict> {
    if let Some(id) = options.account.as_deref().filter(|id| is_account_id(id)) {
        let session = session::open(connection, printing).await?;
        output::write(printing, &format!("{}\n", link(&session.caller.account.partition, id, &options.role, id)))?;
        return Ok(Verdict::Good);
    }
    let session = session::open(connection, printing).await?;
    let text = match &options.account {
        Some(name) => of_name(&session, name, &options.role).await?,
        None => of_stack(&session).await?,
    };
    output::write(printing, &text)?;
    Ok(Verdict::Good)
}

async fn of_name(session: &Session, name: &str, role: &str) -> Result<String> {
    let accounts = accounts::organization(&session.configuration).await?;
    let named: Vec<_> = accounts.iter().filter(|account| account.name == name).collect();
    match named[..] {
        [account] => Ok(format!("{}\n", link(&session.caller.account.partition, &account.id, role, name))),
        [] => Err(Error::refused(format!(
            "No account of the organization has the name {name}. Give its id of 12 digits."
        ))),
        _ => {
            let ids: Vec<_> = named.iter().map(|account| account.id.as_str()).collect();
            Err(Error::refused(format!("Several accounts have the name {name}: {}. Give the id.", ids.join(", "))))
        }
    }
}

async fn of_stack(session: &Session) -> Result<String> {
    let found = Stacks::new(&session.configuration).find(ORGANIZATION_STACK).await.map_err(|error| {
        let call = error.failed_call().map(|call| format!("{}: {}", call.operation, call.code)).unwrap_or_default();
        error.because(format!(
            "The stack {ORGANIZATION_STACK} cannot be read ({call}). Give the account, or add the permissions of: orchestera \
             permissions console"
        ))
    })?;
    let links = |stack: &Stack| LINKS.iter().filter_map(|name| stack.outputs.get(*name).cloned()).collect::<Vec<_>>();
    let links = found.as_ref().map(links).unwrap_or_default();
    if links.is_empty() {
        return Err(Error::refused(format!(
            "There is no stack {ORGANIZATION_STACK} in account {} with such a link. Give the account: orchestera console \
             111122223333",
            session.caller.account.id
        )));
    }
    Ok(links.iter().map(|link| format!("{link}\n")).collect())
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-console.html>
fn link(partition: &str, account_id: &str, role: &str, name: &str) -> String {
    let host = match partition {
        "aws-us-gov" => "signin.amazonaws-us-gov.com",
        "aws-cn" => "signin.amazonaws.cn",
        _ => "signin.aws.amazon.com",
    };
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!("https://{host}/switchrole?account={account_id}&roleName={}&displayName={}", encoded(role), encoded(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_account_role_and_what_the_console_shows() {
        let link = link("aws", "111122223333", "OrganizationAccountAccessRole", "a&b c");
        assert_eq!(
            link,
            "https://signin.aws.amazon.com/switchrole?account=111122223333&roleName=OrganizationAccountAccessRole&displayName=a%26b%20c"
        );
    }
}
