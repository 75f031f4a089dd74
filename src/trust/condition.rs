//! What the conditions of a statement say of the external id.
//!
//! Condition keys have no case, and an operator can come with a prefix for sets and a suffix for absent keys.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use crate::policy;
use crate::trust::statement::{is_no_condition, texts};
use serde_json::{Map, Value, json};

/// The condition key.
const EXTERNAL_ID: &str = "sts:ExternalId";
/// The operator that the guide uses.
const EQUALS: &str = "StringEquals";

/// The external id that a condition asks for by the guide's operator, if it is exactly one. There may be other conditions.
pub fn asked(condition: &Value) -> Option<&str> {
    let (_, ids) = condition[EQUALS].as_object()?.iter().find(|(key, _)| is_external_id(key))?;
    match texts(ids)[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// Whether there is no condition, or only that of one external id, with the operator that the guide uses.
pub fn is_none_or_external_id(condition: &Value) -> bool {
    let is_alone = || match condition.as_object().map(|operators| operators.values().collect::<Vec<_>>()).as_deref() {
        Some([keys]) => keys.as_object().is_some_and(|keys| keys.len() == 1),
        _ => false,
    };
    is_no_condition(condition) || asked(condition).is_some() && is_alone()
}

/// The part of a condition in which the external id is this one. What it says of the external id gives way to the one
/// condition `StringEquals`; every other condition stays, and so does one on the external id that cannot be judged here.
/// `None` if it is never met with this external id.
pub fn narrowed(condition: &Value, external_id: &str) -> Option<Value> {
    let mut operators = condition.as_object().cloned().unwrap_or_default();
    for (operator, keys) in &mut operators {
        let Some(keys) = keys.as_object_mut() else { continue };
        let judged: Vec<_> = keys
            .iter()
            .filter(|(key, _)| is_external_id(key))
            .filter_map(|(key, values)| Some((key.clone(), is_met(operator, values, external_id)?)))
            .collect();
        for (key, is_met) in judged {
            if !is_met {
                return None;
            }
            keys.remove(&key);
        }
    }
    operators.retain(|_, keys| keys.as_object().is_none_or(|keys| !keys.is_empty()));
    let equals = operators.entry(EQUALS).or_insert_with(|| Map::new().into());
    // Beside a StringEquals on the external id that cannot be judged there is no place for another.
    if equals.as_object()?.keys().any(|key| is_external_id(key)) {
        return None;
    }
    equals[EXTERNAL_ID] = json!(external_id);
    Some(operators.into())
}

fn is_external_id(key: &str) -> bool {
    key.eq_ignore_ascii_case(EXTERNAL_ID)
}

/// Whether a request with this external id meets a condition on it; `None` if that cannot be told: the operator is none for
/// texts, or a value holds a variable.
fn is_met(operator: &str, values: &Value, external_id: &str) -> Option<bool> {
    let operator = operator.to_ascii_lowercase();
    let operator =
        ["forallvalues:", "foranyvalue:"].into_iter().find_map(|set| operator.strip_prefix(set)).unwrap_or(&operator);
    let operator = operator.strip_suffix("ifexists").unwrap_or(operator);
    let values: Vec<String> = match values {
        Value::Array(list) => list.iter().map(policy::scalar_text).collect(),
        one => vec![policy::scalar_text(one)],
    };
    if operator == "null" {
        return Some(values.iter().any(|is_absent| is_absent.eq_ignore_ascii_case("false")));
    }
    if values.iter().any(|value| value.contains("${")) {
        return None;
    }
    let (operator, is_negated) = match operator.strip_prefix("stringnot") {
        Some(rest) => (rest, true),
        None => (operator.strip_prefix("string")?, false),
    };
    let equals = |value: &String| match operator {
        "equals" => Some(value == external_id),
        "equalsignorecase" => Some(value.eq_ignore_ascii_case(external_id)),
        "like" => Some(policy::matches(value, external_id)),
        _ => None,
    };
    let equals: Option<Vec<bool>> = values.iter().map(equals).collect();
    Some(equals?.contains(&true) != is_negated)
}
