//! What organization.yaml sends to the function is what the function reads: properties and environment variables.

mod common;

use common::template::{Resource, resources};
use orchestera_organization::account::properties::Properties as Account;
use orchestera_organization::contact::properties::Properties as Contact;
use orchestera_organization::contact::reason::parameter;
use orchestera_organization::environment::Environment;
use orchestera_organization::handler::{ACCOUNT, CONTACT, IDENTITY_CENTER, ORGANIZATION};
use orchestera_organization::identity_center::properties::Properties as IdentityCenter;
use orchestera_organization::management_account::contacts::ContactKind;
use orchestera_organization::organization::properties::Properties as Organization;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const TYPES: [&str; 4] = [ORGANIZATION, ACCOUNT, IDENTITY_CENTER, CONTACT];

/// What CloudFormation reads itself, and what is there to make it send an Update.
const NOT_READ: [&str; 3] = ["ServiceToken", "ServiceTimeout", "Release"];

/// What makes other resources come first.
const ORDER: (&str, &str) = (ACCOUNT, "After");

/// The custom resources of this type, by logical id.
fn of_type(resource_type: &str) -> BTreeMap<&'static str, Resource> {
    resources().into_iter().filter(|(_, resource)| resource.resource_type == resource_type).collect()
}

/// The Reason for these properties. Blank if they are valid.
fn reason(resource_type: &str, properties: &Value) -> String {
    let parsed = match resource_type {
        ORGANIZATION => Organization::parse(properties).map(drop),
        ACCOUNT => Account::parse(properties).map(drop),
        IDENTITY_CENTER => IdentityCenter::parse(properties).map(drop),
        _ => Contact::parse(properties, "111122223333").map(drop),
    };
    parsed.err().map(|error| error.reason()).unwrap_or_default()
}

/// Whether the function reads a property: then it does not accept a map there, and says so.
fn is_read(resource_type: &str, name: &str) -> bool {
    let properties = Map::from_iter([(name.to_owned(), json!({ "a": "map" }))]);
    reason(resource_type, &properties.into()).contains(&format!("{name} must be a "))
}

/// Every word of the crate that may be the name of a property.
fn words() -> BTreeSet<String> {
    fn read(folder: &Path, words: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, words);
            } else {
                let text = std::fs::read_to_string(path).unwrap();
                let all = text.split(|c: char| !c.is_ascii_alphanumeric());
                words.extend(all.filter(|word| word.starts_with(char::is_uppercase)).map(str::to_owned));
            }
        }
    }
    let mut words = BTreeSet::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut words);
    words
}

#[test]
fn every_property_that_the_template_sends_is_read_and_no_other_is() {
    let words = words();
    for resource_type in TYPES {
        let resources = of_type(resource_type);
        assert!(!resources.is_empty(), "{resource_type}");
        let sent = resources.values().flat_map(|resource| resource.properties().into_keys());
        let mut sent: BTreeSet<String> = sent.map(str::to_owned).collect();
        for name in NOT_READ {
            assert!(resources.values().all(|resource| resource.properties().contains_key(name)), "{name}");
            sent.remove(name);
        }
        if resource_type == ORDER.0 {
            assert!(sent.remove(ORDER.1));
        }
        let read: BTreeSet<String> = words.iter().filter(|word| is_read(resource_type, word)).cloned().collect();
        assert_eq!(sent, read, "{resource_type}");
    }
}

#[test]
fn no_other_custom_resource_is_in_the_template() {
    let custom = resources().into_values().map(|resource| resource.resource_type);
    let custom: BTreeSet<_> = custom.filter(|name| name.starts_with("Custom::")).collect();
    assert_eq!(custom, TYPES.map(str::to_owned).into());
}

/// The environment variables that the template gives the function, and the parameters that they are.
fn variables() -> BTreeMap<String, String> {
    let function = &resources()["OrganizationFunction"];
    let lines = function.lines.iter().skip_while(|line| **line != "        Variables:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("          "));
    let pairs = lines.map(|line| line.trim().split_once(": !Ref ").unwrap_or_else(|| panic!("{line}")));
    pairs.map(|(name, parameter)| (name.to_owned(), parameter.to_owned())).collect()
}

/// The parameter that a property is.
fn referred(resource: &Resource, property: &str) -> String {
    let value = resource.properties().get(property).copied().unwrap_or_else(|| panic!("{property}: {resource:#?}"));
    value.strip_prefix("!Ref ").unwrap_or_else(|| panic!("{property}: {value}")).to_owned()
}

#[test]
fn the_function_reads_every_variable_of_its_environment_and_gets_one_for_each_account_and_contact() {
    let variables = variables();
    let Environment { stack_id, emails, contacts } = Environment::from(variables.clone());
    assert_eq!(stack_id, "AWS::StackId");
    assert_eq!(1 + emails.len() + contacts.len(), variables.len(), "one of them is not read: {variables:?}");
    let accounts = of_type(ACCOUNT);
    let of_accounts = accounts.iter().map(|(id, account)| ((*id).to_owned(), referred(account, "Email")));
    assert_eq!(emails, of_accounts.collect());
    let of_kinds = ContactKind::ALL.map(|kind| (kind.name().to_owned(), parameter(kind).to_owned()));
    assert_eq!(contacts, of_kinds.into());
}

#[test]
fn each_contact_in_the_template_is_the_one_of_its_kind_for_the_function() {
    let (contacts, all) = (of_type(CONTACT), of_type(ACCOUNT).len() + 1);
    for kind in ContactKind::ALL {
        let of_kind: Vec<_> = contacts.values().filter(|contact| contact.properties()["Kind"] == kind.name()).collect();
        // The management account, and each member account.
        assert_eq!(of_kind.len(), all, "{kind}");
        assert!(of_kind.iter().all(|contact| referred(contact, "Contact") == parameter(kind)), "{kind}");
    }
    assert_eq!(contacts.len(), all * ContactKind::ALL.len());
}
