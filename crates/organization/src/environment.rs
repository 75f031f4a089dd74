//! What the template put into the function's environment: for whom the function may create accounts, and which
//! contacts it may set.
//!
//! Whoever may invoke the function can send it an event. An event alone must therefore not be able to create an
//! account, because whoever reads the mailbox of its email address owns it. Nor may it name a security contact. Only
//! someone who may change the stack, or the function's configuration, can change these values.

use custom_resource::{Address, Error, Result};
use std::collections::BTreeMap;

/// The environment variable with the ARN of the stack.
const STACK_ID: &str = "ORCHESTERA_STACK_ID";
/// The environment variables with the email address of each account begin so. The logical id of the account follows.
const EMAIL: &str = "ORCHESTERA_EMAIL_";

/// The environment variables with the alternate contacts begin so. The kind of the contact follows, such as `SECURITY`.
const CONTACT: &str = "ORCHESTERA_CONTACT_";

/// The function's environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The ARN of the function's own stack. Blank if the template did not give it.
    pub stack_id: String,
    /// The email addresses of the accounts, by logical id.
    pub emails: BTreeMap<String, String>,
    /// The alternate contacts, by kind: the text of the parameter.
    pub contacts: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the variables of the process.
    pub fn read() -> Self {
        Self::from(std::env::vars())
    }

    /// Reads these variables, by name.
    pub fn from(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            if name == STACK_ID {
                environment.stack_id = value;
            } else if let Some(logical_id) = name.strip_prefix(EMAIL).filter(|_| !value.is_empty()) {
                environment.emails.insert(logical_id.to_owned(), value);
            } else if let Some(kind) = name.strip_prefix(CONTACT).filter(|_| !value.is_empty()) {
                environment.contacts.insert(kind.to_owned(), value);
            }
        }
        environment
    }

    /// Whether the event is one of the function's own stack.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused) if not.
    pub fn refuse_other_stacks(&self, address: &Address) -> Result<()> {
        if !self.stack_id.is_empty() && self.stack_id == address.stack_id {
            return Ok(());
        }
        Err(Error::refused(format!(
            "This function serves the stack {} only, and the event is of the stack {}. Nothing was created. Create this \
             resource in the function's own stack.",
            or_none(&self.stack_id),
            or_none(&address.stack_id),
        )))
    }

    /// Whether an account with this email address may be created for the event.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused) if the event is of another stack, if its logical id is not one of
    /// the template's accounts, or if the template gave another email address.
    pub fn refuse_other_accounts(&self, address: &Address, email: &str) -> Result<()> {
        self.refuse_other_stacks(address)?;
        let logical_id = &address.logical_id;
        match self.emails.get(logical_id) {
            Some(given) if given.eq_ignore_ascii_case(email) => Ok(()),
            Some(given) => Err(Error::refused(format!(
                "The event asks for an account with the email address {email}, but the stack gave the function {given}. No \
                 account was created. Change the stack's parameter, then retry."
            ))),
            None => Err(Error::refused(format!(
                "The stack gave the function no email address for {logical_id}. No account was created. Use the published \
                 template, and set the email address by its parameter."
            ))),
        }
    }

    /// Whether an alternate contact of this kind may be set to this text for the event.
    ///
    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused) if the event is of another stack, or if the template gave no contact
    /// of that kind, or another one.
    pub fn refuse_other_contacts(&self, address: &Address, kind: &str, text: &str) -> Result<()> {
        self.refuse_other_stacks(address)?;
        if self.contacts.get(kind).is_some_and(|given| given == text) {
            return Ok(());
        }
        // Neither contact is repeated: it is personal data.
        Err(Error::refused(format!(
            "The event asks for a {kind} contact that the stack did not give the function. No contact was set. Change \
             the stack's parameter, then retry."
        )))
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "(none)" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use custom_resource::event::ResponseUrl;

    const STACK: &str = "arn:aws:cloudformation:us-east-1:111122223333:stack/organization/1";

    fn event(stack_id: &str, logical_id: &str) -> Address {
        Address {
            url: ResponseUrl::new("https://x.example/").unwrap(),
            stack_id: stack_id.into(),
            request_id: String::new(),
            logical_id: logical_id.into(),
            resource_type: String::new(),
            physical_id: None,
            service_token: None,
        }
    }

    fn environment() -> Environment {
        let variables =
            [("ORCHESTERA_STACK_ID", STACK), ("ORCHESTERA_EMAIL_SparkAccount", "spark@example.com"), ("PATH", "/bin")];
        let others = [
            ("ORCHESTERA_EMAIL_DevelopmentAccount", ""),
            ("ORCHESTERA_CONTACT_SECURITY", "Ann; CISO; ann@example.com; 1"),
            ("ORCHESTERA_CONTACT_BILLING", ""),
        ];
        Environment::from(variables.into_iter().chain(others).map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn an_account_is_created_only_for_the_stack_the_resource_and_the_address_of_the_template() {
        let refused = |stack: &str, logical_id: &str, email: &str| {
            environment().refuse_other_accounts(&event(stack, logical_id), email).err().map(|error| error.reason())
        };
        assert_eq!(refused(STACK, "SparkAccount", "Spark@example.com"), None);
        let of_other_stack = refused("arn:of:another", "SparkAccount", "spark@example.com").unwrap();
        assert!(of_other_stack.contains("serves the stack"), "{of_other_stack}");
        let of_other_resource = refused(STACK, "DevelopmentAccount", "").unwrap();
        assert!(of_other_resource.contains("no email address for DevelopmentAccount"), "{of_other_resource}");
        let of_other_email = refused(STACK, "SparkAccount", "thief@example.com").unwrap();
        assert!(of_other_email.contains("spark@example.com"), "{of_other_email}");
    }

    #[test]
    fn a_contact_is_set_only_for_the_stack_and_as_the_template_gave_it() {
        let is_refused = |stack: &str, kind: &str, text: &str| {
            environment().refuse_other_contacts(&event(stack, "SecurityContact"), kind, text).is_err()
        };
        assert!(!is_refused(STACK, "SECURITY", "Ann; CISO; ann@example.com; 1"));
        assert!(is_refused("arn:of:another", "SECURITY", "Ann; CISO; ann@example.com; 1"));
        assert!(is_refused(STACK, "SECURITY", "Eve; CISO; eve@example.com; 1"));
        assert!(is_refused(STACK, "OPERATIONS", "Ann; CISO; ann@example.com; 1"));
        assert!(is_refused(STACK, "BILLING", ""), "a kind that the template left blank");
    }

    #[test]
    fn without_a_stack_in_its_environment_the_function_serves_nobody() {
        assert!(Environment::default().refuse_other_stacks(&event("", "SparkAccount")).is_err());
    }
}
