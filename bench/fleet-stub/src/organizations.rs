//! Organizations: one organization, one root, all accounts in it.

use crate::account::{self, Account, State};
use crate::answer::Refused;
use crate::request::Call;
use hyper::StatusCode;
use serde_json::{Value, json};

/// AWS's most for one page.
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>
const PAGE: u32 = 20;
const ROOT: &str = "r-abcd";
const ORGANIZATION: &str = "o-exampleorgid";
/// The page after this many accounts is empty and has a token all the same: AWS says that such pages occur.
const EMPTY_AFTER: u32 = 40;

/// # Errors
/// What Organizations would refuse.
pub fn answer(call: &Call, accounts: u32) -> Result<Value, Refused> {
    let parameters: Value = serde_json::from_slice(call.body).unwrap_or_default();
    match &*call.operation {
        "DescribeOrganization" => Ok(organization()),
        "ListRoots" => {
            let root = json!({ "Id": ROOT, "Arn": arn(&format!("root/{ORGANIZATION}/{ROOT}")), "Name": "Root" });
            Ok(json!({ "Roots": [root] }))
        }
        "ListAccounts" => page(&parameters, accounts),
        "ListAccountsForParent" if parameters["ParentId"] == ROOT => page(&parameters, accounts),
        "ListOrganizationalUnitsForParent" if parameters["ParentId"] == ROOT => {
            Ok(json!({ "OrganizationalUnits": [] }))
        }
        "ListAccountsForParent" | "ListOrganizationalUnitsForParent" => {
            let message = "You specified a parent that doesn't exist.";
            Err(Refused::new(StatusCode::BAD_REQUEST, "ParentNotFoundException", message))
        }
        other => Err(Refused::not_served(other)),
    }
}

fn arn(resource: &str) -> String {
    format!("arn:aws:organizations::{}:{resource}", Account::new(0).id)
}

fn organization() -> Value {
    let management = Account::new(0);
    json!({ "Organization": {
        "Id": ORGANIZATION,
        "Arn": arn(&format!("organization/{ORGANIZATION}")),
        "FeatureSet": "ALL",
        "MasterAccountId": management.id,
        "MasterAccountArn": arn(&format!("account/{ORGANIZATION}/{}", management.id)),
        "MasterAccountEmail": "aws+0@example.com",
    } })
}

fn page(parameters: &Value, accounts: u32) -> Result<Value, Refused> {
    let invalid = |message| Refused::new(StatusCode::BAD_REQUEST, "InvalidInputException", message);
    let most = match &parameters["MaxResults"] {
        Value::Null => PAGE,
        number => number.as_u64().and_then(|most| u32::try_from(most).ok()).unwrap_or_default(),
    };
    if !(1..=PAGE).contains(&most) {
        return Err(invalid("You specified an invalid value for MaxResults."));
    }
    // The token is the id of the account that comes next. A second token for it stands before the full page.
    let (from, is_empty) = match parameters["NextToken"].as_str() {
        None => (0, false),
        Some(token) => {
            let (id, again) = token.strip_suffix('+').map_or((token, false), |id| (id, true));
            let from = account::number(id).ok_or_else(|| invalid("You specified an invalid token."))?;
            (from, from == EMPTY_AFTER && !again)
        }
    };
    let until = if is_empty { from } else { (from + most).min(accounts) };
    let mut answer =
        json!({ "Accounts": (from..until).map(|number| described(&Account::new(number))).collect::<Value>() });
    if until < accounts {
        answer["NextToken"] = format!("{}{}", Account::new(until).id, if is_empty { "+" } else { "" }).into();
    }
    Ok(answer)
}

/// `Status` is retired and still there; `State` has taken its place.
fn described(account: &Account) -> Value {
    let state = if account.state == State::Closed { "SUSPENDED" } else { "ACTIVE" };
    json!({
        "Id": account.id,
        "Arn": arn(&format!("account/{ORGANIZATION}/{}", account.id)),
        "Email": format!("aws+{}@example.com", account.number),
        "Name": account.name(),
        "Status": state,
        "State": state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": 1_767_225_600.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the pages, and all ids.
    fn pages(accounts: u32, most: Option<u32>) -> (Vec<usize>, Vec<String>) {
        let (mut lengths, mut ids, mut token) = (Vec::new(), Vec::new(), Value::Null);
        loop {
            let mut answer = page(&json!({ "NextToken": token, "MaxResults": most }), accounts).unwrap();
            let listed = answer["Accounts"].as_array().unwrap();
            lengths.push(listed.len());
            ids.extend(listed.iter().map(|account| account["Id"].as_str().unwrap().to_owned()));
            token = answer["NextToken"].take();
            if token.is_null() {
                return (lengths, ids);
            }
        }
    }

    #[test]
    fn twenty_accounts_are_on_a_page_and_one_page_is_empty() {
        let (lengths, ids) = pages(70, None);
        assert_eq!(lengths, [20, 20, 0, 20, 10]);
        assert_eq!(ids, (0..70).map(|number| Account::new(number).id).collect::<Vec<_>>());
    }

    #[test]
    fn fewer_accounts_can_be_asked_for_and_more_cannot() {
        assert_eq!(pages(20, Some(15)).0, [15, 5]);
        assert_eq!(page(&json!({ "MaxResults": 21 }), 70).unwrap_err().code, "InvalidInputException");
        assert_eq!(page(&json!({ "NextToken": "x" }), 70).unwrap_err().code, "InvalidInputException");
    }
}
