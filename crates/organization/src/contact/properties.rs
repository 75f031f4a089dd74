//! The properties of `Custom::OrchesteraContact`, typed and validated, and how a contact is written as one text.

use crate::management_account::contacts::{Contact, ContactKind};
use custom_resource::function_arn::is_account_id;
use custom_resource::properties::Reader;
use custom_resource::{Error, Result};
use serde_json::Value;

const ACCOUNT_RULE: &str = "an account id of 12 digits, as text, or blank for this account";

/// Who created the account of the contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountOwnership {
    /// This stack, as the account's own resource responded.
    Created,
    /// Somebody else. Nothing of the account is changed.
    Found,
}

const OWNERSHIPS: [(&str, AccountOwnership); 2] =
    [("created", AccountOwnership::Created), ("found", AccountOwnership::Found)];

const KINDS: [(&str, ContactKind); 3] =
    [("BILLING", ContactKind::Billing), ("OPERATIONS", ContactKind::Operations), ("SECURITY", ContactKind::Security)];

/// The properties of an event. All are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// A member account; `None` for the management account, which the function is in.
    pub account_id: Option<String>,
    /// Of a member account.
    pub account_ownership: AccountOwnership,
    pub kind: ContactKind,
    pub contact: Contact,
    /// The contact as the stack's parameter has it.
    pub text: String,
}

impl Properties {
    /// Reads and validates `ResourceProperties`. `own` is the id of the function's own account.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused), with every problem in its reason.
    pub fn parse(properties: &Value, own: &str) -> Result<Self> {
        let mut read = Reader::new(properties);
        let account_id = read.optional("AccountId", is_account_id, ACCOUNT_RULE).filter(|id| id != own);
        // Without a word nothing is known of the account, and what is not known is not changed.
        let account_ownership = read.choice("AccountOwnership", AccountOwnership::Found, &OWNERSHIPS);
        let kind = match read.text("Kind") {
            Some(_) => Some(read.choice("Kind", ContactKind::Billing, &KINDS)),
            None => {
                read.problem("Kind must be set".to_owned());
                None
            }
        };
        let contact = contact(&mut read, "Contact");
        if read.value("Contact").is_null() || read.value("Contact") == "" {
            read.problem("Contact must be set".to_owned());
        }
        let parsed = kind.zip(contact).map(|(kind, (contact, text))| Self {
            account_id,
            account_ownership,
            kind,
            contact,
            text,
        });
        read.finish(parsed)?.ok_or_else(|| Error::refused("Set Kind and Contact, then retry."))
    }
}

/// A property that is an alternate contact, and its text. `None` if it is blank, or not valid, which is a problem.
pub fn contact(read: &mut Reader<'_>, property: &str) -> Option<(Contact, String)> {
    let text = read.text(property)?;
    let parts: Vec<_> = text.split(';').map(str::trim).collect();
    let [name, title, email, phone] = parts[..] else {
        read.problem(format!(
            "{property} must have four parts with a semicolon between them (Name; Title; email address; phone number), \
             not {}",
            parts.len()
        ));
        return None;
    };
    let checks = [
        (is_text(name, 64), "name", "1 to 64 characters"),
        (is_text(title, 50), "title", "1 to 50 characters"),
        (is_email(email), "email address", "name@example.com, of 1 to 254 letters, digits and +=.#|!&-_"),
        (is_phone(phone), "phone number", "1 to 25 digits, spaces and ()+-"),
    ];
    for (_, part, rule) in checks.iter().filter(|(is_valid, ..)| !is_valid) {
        read.problem(format!("the {part} in {property} must be {rule}"));
    }
    let owned = |text: &str| text.to_owned();
    let contact = Contact { name: owned(name), title: owned(title), email: owned(email), phone: owned(phone) };
    checks.iter().all(|(is_valid, ..)| *is_valid).then_some((contact, text))
}

/// <https://docs.aws.amazon.com/accounts/latest/reference/API_PutAlternateContact.html> counts characters.
fn is_text(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// The pattern of the same page, `[\w+=.#|!&-]+@[\w.-]+\.[\w]+`.
fn is_email(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((host, last)) = domain.rsplit_once('.') else { return false };
    text.len() <= 254
        && [local, host, last].iter().all(|part| !part.is_empty())
        && local.bytes().all(|b| is_word(b) || b"+=.#|!&-".contains(&b))
        && host.bytes().all(|b| is_word(b) || b".-".contains(&b))
        && last.bytes().all(is_word)
}

/// The pattern of the same page, `[\s0-9()+-]+`.
fn is_phone(text: &str) -> bool {
    (1..=25).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b" ()+-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OWN: &str = "111122223333";

    fn refused(properties: &Value) -> String {
        Properties::parse(properties, OWN).expect_err("it is not valid").reason()
    }

    #[test]
    fn a_contact_is_split_at_its_semicolons_and_trimmed() {
        let text = " Ann Example ;CISO; ann+aws@example.com ; +1 (555) 010-0199";
        let parsed = Properties::parse(&json!({ "Kind": "SECURITY", "Contact": text }), OWN).unwrap();
        let contact = Contact {
            name: "Ann Example".into(),
            title: "CISO".into(),
            email: "ann+aws@example.com".into(),
            phone: "+1 (555) 010-0199".into(),
        };
        assert_eq!((parsed.contact, &*parsed.text), (contact, text));
    }

    #[test]
    fn the_management_account_never_names_itself() {
        let named = |id: &str| {
            let properties = json!({ "AccountId": id, "Kind": "BILLING", "Contact": "A; B; c@d.example; 1" });
            Properties::parse(&properties, OWN).unwrap().account_id
        };
        assert_eq!((named(""), named(OWN), named("444455556666")), (None, None, Some("444455556666".into())));
    }

    #[test]
    fn every_limit_of_aws_is_checked_and_every_problem_is_in_the_one_reason() {
        let reason =
            refused(&json!({ "AccountId": "1", "AccountOwnership": "mine", "Kind": "LEGAL", "Contact": ";;;" }));
        for part in ["AccountId", "AccountOwnership", "Kind", "the name", "the title", "the email", "the phone"] {
            assert!(reason.contains(part), "{part}: {reason}");
        }
        assert!(refused(&json!({ "Kind": "BILLING", "Contact": "Ann; CISO; a@b.example" })).contains("not 3"));
        assert!(refused(&json!({ "Kind": "BILLING" })).contains("Contact must be set"));
        assert!(refused(&json!({ "Contact": "Ann; CISO; a@b.example; 1" })).contains("Kind must be set"));
        let is_valid =
            |contact: String| Properties::parse(&json!({ "Kind": "BILLING", "Contact": contact }), OWN).is_ok();
        let with = |name: &str, title: &str, email: &str, phone: &str| format!("{name}; {title}; {email}; {phone}");
        assert!(is_valid(with(&"é".repeat(64), &"é".repeat(50), "a@b.c", &"1".repeat(25))));
        let long_email = format!("{}@b.example", "a".repeat(244));
        assert_eq!(long_email.len(), 254);
        assert!(is_valid(with("A", "B", &long_email, "1")));
        for bad in [
            with(&"x".repeat(65), "B", "a@b.c", "1"),
            with("A", &"x".repeat(51), "a@b.c", "1"),
            with("A", "B", &format!("a{long_email}"), "1"),
            with("A", "B", "a@b.c", &"1".repeat(26)),
            with("A\u{7}", "B", "a@b.c", "1"),
            with("A", "B", "ab.c", "1"),
            with("A", "B", "a@b", "1"),
            with("A", "B", "a@b.", "1"),
            with("A", "B", "@b.c", "1"),
            with("A", "B", "a@.c@d.e", "1"),
            with("A", "B", "a b@c.d", "1"),
            with("A", "B", "ä@c.d", "1"),
            with("A", "B", "a@b.c", "1/2"),
            with("A", "B", "a@b.c", "ext. 12"),
            "A; B; a@b.c; 1; 2".to_owned(),
        ] {
            assert!(!is_valid(bad.clone()), "{bad}");
        }
    }
}
