//! Parameters and outputs of a stack, as `template.yaml` has them.

use crate::account::{Account, State};
use std::collections::BTreeMap;

const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The parts of the template that `DescribeStacks` shows.
#[derive(Debug)]
pub struct Template {
    /// Names and defaults. `NoEcho` has its mask in the place of the default.
    parameters: Vec<(String, String)>,
    /// Names, and the value if it is written in the template.
    outputs: Vec<(String, Option<String>)>,
}

impl Template {
    pub fn read() -> Self {
        let parameters = section("Parameters").into_iter().map(|(name, lines)| {
            let of = |key: &str| lines.iter().find_map(|line| line.strip_prefix(key));
            let default = of("Default: ").unwrap_or_default().trim_matches('"');
            let is_masked = of("NoEcho: ") == Some("true");
            (name, if is_masked { "****" } else { default }.to_owned())
        });
        let outputs = section("Outputs").into_iter().map(|(name, lines)| {
            let value = lines.iter().find_map(|line| line.strip_prefix("Value: "));
            (name, value.filter(|value| !value.starts_with('!')).map(str::to_owned))
        });
        Self { parameters: parameters.collect(), outputs: outputs.collect() }
    }

    /// What the stack of an account was created with.
    pub fn parameters(&self, account: &Account) -> impl Iterator<Item = (&str, &str)> {
        let set = [
            ("PolicyEdition", account.state.edition()),
            ("AccessState", access_state(account)),
            ("Guardrail", if account.state == State::Guarded { "On" } else { "Off" }),
            ("RequireExternalId", if account.state == State::WithoutExternalId { "false" } else { "true" }),
        ];
        let set = BTreeMap::from(set);
        self.parameters
            .iter()
            .map(move |(name, default)| (name.as_str(), set.get(name.as_str()).copied().unwrap_or(default)))
    }

    /// What the stack of an account has as outputs.
    ///
    /// # Panics
    /// If the template has an output that is not known here.
    pub fn outputs(&self, account: &Account) -> impl Iterator<Item = (&str, String)> {
        self.outputs.iter().filter_map(|(name, written)| {
            let value = written.clone().or_else(|| output(name, account))?;
            Some((name.as_str(), value))
        })
    }
}

fn access_state(account: &Account) -> &'static str {
    if account.state == State::Suspended { "Suspended" } else { "Active" }
}

/// `None` if the output has a condition that does not hold.
fn output(name: &str, account: &Account) -> Option<String> {
    Some(match name {
        "RoleArn" => account.role_arn(),
        "ExternalId" => return account.state.asks_for_external_id().then(|| account.external_id()),
        "PolicyArn" => account.policy_arn(),
        "PolicyEdition" => account.state.edition().to_owned(),
        "Verified" => "true".to_owned(),
        "AccessState" => access_state(account).to_owned(),
        "GuardrailArn" => return (account.state == State::Guarded).then(|| account.guardrail_arn()),
        "ForeignPolicies" => String::new(),
        other => panic!("template.yaml has an output {other}; say in fleet-stub/src/template.rs what it is"),
    })
}

/// The entries of a section at the top, each with its lines.
fn section(name: &str) -> Vec<(String, Vec<&'static str>)> {
    let lines = TEMPLATE.lines().skip_while(|line| line.strip_suffix(':') != Some(name)).skip(1);
    let mut entries: Vec<(String, Vec<_>)> = Vec::new();
    for line in lines.take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let entry = line.strip_prefix("  ").filter(|rest| rest.starts_with(char::is_alphabetic));
        match (entry.and_then(|entry| entry.strip_suffix(':')), entries.last_mut()) {
            (Some(entry), _) => entries.push((entry.to_owned(), Vec::new())),
            (None, Some((_, lines))) => lines.push(line.trim()),
            (None, None) => {}
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_has_every_parameter_and_every_output_of_the_template() {
        let template = Template::read();
        let declared = |name: &str| section(name).len();
        assert!(declared("Parameters") > 10 && declared("Outputs") > 5);
        for number in 0..100 {
            let account = Account::new(number);
            assert_eq!(template.parameters(&account).count(), declared("Parameters"));
            let _ = template.outputs(&account).count();
        }
    }

    #[test]
    fn what_differs_from_the_defaults_follows_from_the_state() {
        let template = Template::read();
        let of = |number, name: &str| {
            let account = Account::new(number);
            template.parameters(&account).find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        assert_eq!(of(1, "MaxSessionDuration").as_deref(), Some("3600"));
        assert_eq!(of(1, "OnDelete").as_deref(), Some("DeleteCreated"));
        assert_eq!(of(1, "ExternalId").as_deref(), Some("****"));
        assert_eq!(of(4, "AccessState").as_deref(), Some("Suspended"));
        assert_eq!(of(7, "PolicyEdition").as_deref(), Some("2026-02-06"));
        assert_eq!(of(8, "RequireExternalId").as_deref(), Some("false"));
        let outputs: Vec<_> = template.outputs(&Account::new(8)).map(|(name, _)| name.to_owned()).collect();
        assert!(outputs.contains(&"RoleArn".to_owned()) && !outputs.contains(&"ExternalId".to_owned()));
    }

    #[test]
    fn a_value_that_is_written_in_the_template_is_the_outputs_value() {
        let template = Template::read();
        let release = TEMPLATE.lines().find_map(|line| line.strip_prefix("      Release: ")).unwrap();
        let account = Account::new(1);
        let mut outputs = template.outputs(&account);
        assert!(outputs.any(|(name, value)| name == "Release" && value == release));
    }
}
