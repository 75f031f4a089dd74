//! The answer, and the limits that CloudFormation sets on it.
//!
//! At most 4096 bytes
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>). What does not fit is
//! shortened in this order: the Reason, then `ForeignPolicies`. Identifiers never are.

use crate::error::Error;
use crate::request::Address;
use serde::Serialize;
use std::collections::BTreeMap;

/// The body's limit in bytes.
pub const LONGEST_BODY: usize = 4096;
/// The attribute that may be shortened.
pub const FOREIGN_POLICIES: &str = "ForeignPolicies";

/// Attributes for `Fn::GetAtt`.
pub type Attributes = BTreeMap<&'static str, String>;

/// What an event came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// `note` says what a customer may want to know, such as what was left; blank if nothing.
    Success {
        physical_id: String,
        attributes: Attributes,
        note: String,
    },
    Failed {
        physical_id: String,
        error: Error,
    },
}

impl Outcome {
    /// The same under another physical id.
    pub fn under(mut self, id: &str) -> Self {
        match &mut self {
            Self::Success { physical_id, .. } | Self::Failed { physical_id, .. } => id.clone_into(physical_id),
        }
        self
    }

    /// `SUCCESS` or `FAILED`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Success { .. } => "SUCCESS",
            Self::Failed { .. } => "FAILED",
        }
    }

    pub fn physical_id(&self) -> &str {
        match self {
            Self::Success { physical_id, .. } | Self::Failed { physical_id, .. } => physical_id,
        }
    }

    /// The sentence for the customer. Never blank on FAILED; CloudFormation shows it only then.
    pub fn reason(&self) -> String {
        match self {
            Self::Success { note, .. } => printable(note),
            Self::Failed { error, .. } => match printable(&error.reason()) {
                reason if reason.trim().is_empty() => {
                    "It failed without a reason that can be printed. Retry the stack operation; the function's log says more."
                        .to_owned()
                }
                reason => reason,
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    status: &'a str,
    reason: &'a str,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    data: &'a Attributes,
}

/// The body of the answer: JSON, at most [`LONGEST_BODY`] bytes unless the identifiers alone are longer.
pub fn body(address: &Address, outcome: &Outcome) -> Vec<u8> {
    let mut reason = outcome.reason();
    let mut data = match outcome {
        Outcome::Success { attributes, .. } => attributes.iter().map(|(k, v)| (*k, printable(v))).collect(),
        Outcome::Failed { .. } => Attributes::new(),
    };
    let write = |reason: &str, data: &Attributes| {
        let body = Body {
            status: outcome.status(),
            reason,
            physical_resource_id: outcome.physical_id(),
            stack_id: &address.stack_id,
            request_id: &address.request_id,
            logical_resource_id: &address.logical_id,
            data,
        };
        // Texts only: there is nothing in it that could fail to be written.
        serde_json::to_vec(&body).unwrap_or_default()
    };
    loop {
        let body = write(&reason, &data);
        if body.len() <= LONGEST_BODY {
            return body;
        }
        let over = body.len() - LONGEST_BODY;
        if !shorten(&mut reason, over) && !drop_last_foreign_policy(&mut data) {
            return body;
        }
    }
}

/// Takes characters off the end until the body is `over` bytes shorter, and marks the place. `false` when nothing may be
/// taken: a reason keeps its first words, so that it is never blank.
fn shorten(reason: &mut String, over: usize) -> bool {
    const MARK: char = '…';
    const LEAST: usize = 40;
    let mut text = reason.trim_end_matches(MARK).to_owned();
    // What stood there before already counts the mark if there was one.
    let mut wanted = over + if reason.ends_with(MARK) { 0 } else { MARK.len_utf8() };
    while wanted > 0 && text.len() > LEAST {
        let Some(last) = text.pop() else { break };
        // JSON writes these two as two bytes; control characters are gone by now.
        wanted = wanted.saturating_sub(if matches!(last, '"' | '\\') { 2 } else { last.len_utf8() });
    }
    text.push(MARK);
    let shorter = text.len() < reason.len();
    if shorter {
        *reason = text;
    }
    shorter
}

/// `a,b,c` becomes `a,b,+1`, then `a,+2`, then `+3`.
fn drop_last_foreign_policy(data: &mut Attributes) -> bool {
    let Some(list) = data.get_mut(FOREIGN_POLICIES) else { return false };
    let mut entries: Vec<&str> = list.split(',').filter(|entry| !entry.is_empty()).collect();
    let dropped: usize = match entries.last().and_then(|last| last.strip_prefix('+')).and_then(|n| n.parse().ok()) {
        Some(dropped) => {
            entries.pop();
            dropped
        }
        None => 0,
    };
    if entries.pop().is_none() {
        return false;
    }
    let more = format!("+{}", dropped + 1);
    entries.push(&more);
    *list = entries.join(",");
    true
}

/// Without control characters, which make stack events unreadable
/// (<https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1601>).
fn printable(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    spaced.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ResponseUrl;
    use serde_json::Value;

    fn address() -> Address {
        Address {
            url: ResponseUrl::new("https://x.example/").unwrap(),
            stack_id: "arn:aws:cloudformation:us-east-1:111122223333:stack/s/1".into(),
            request_id: "req-1".into(),
            logical_id: "Access".into(),
            physical_id: None,
            service_token: None,
        }
    }

    fn failed(reason: &str) -> Outcome {
        Outcome::Failed { physical_id: "failed/Access/req-1".into(), error: Error::refused(reason) }
    }

    fn success(attributes: &[(&'static str, &str)], note: &str) -> Outcome {
        let attributes = attributes.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        Outcome::Success { physical_id: "111122223333/R/P".into(), attributes, note: note.into() }
    }

    fn json(outcome: &Outcome) -> Value {
        let body = body(&address(), outcome);
        assert!(body.len() <= LONGEST_BODY, "{} bytes", body.len());
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn the_ids_of_the_event_are_repeated() {
        let body = json(&failed("It failed."));
        assert_eq!(body["Status"], "FAILED");
        assert_eq!(body["Reason"], "It failed.");
        assert_eq!(body["PhysicalResourceId"], "failed/Access/req-1");
        assert_eq!(body["StackId"], address().stack_id);
        assert_eq!(body["RequestId"], "req-1");
        assert_eq!(body["LogicalResourceId"], "Access");
        assert_eq!(body.get("Data"), None);
        let body = json(&success(&[("RoleName", "R")], ""));
        assert_eq!((&body["Status"], &body["Data"]["RoleName"]), (&"SUCCESS".into(), &"R".into()));
    }

    #[test]
    fn a_failure_always_has_a_reason() {
        for reason in ["", " ", "\n\t", "\u{7}\u{1b}", "\u{200}"] {
            let body = json(&failed(reason));
            assert!(!body["Reason"].as_str().unwrap().trim().is_empty(), "{reason:?}");
        }
        assert_eq!(
            json(&failed(" \u{1}"))["Reason"],
            "It failed without a reason that can be printed. Retry the stack operation; the function's log says more."
        );
    }

    #[test]
    fn control_characters_are_removed_and_line_breaks_become_spaces() {
        assert_eq!(json(&failed("a\nb\u{1b}[31mc\u{0}d\u{7f}e\r\tf\u{85}g"))["Reason"], "a b[31mcde  f g");
        assert_eq!(json(&success(&[("ForeignPolicies", "a\u{0}b")], ""))["Data"]["ForeignPolicies"], "ab");
    }

    #[test]
    fn the_longest_reason_that_fits_is_kept_whole() {
        let rest = body(&address(), &failed("x")).len() - 1;
        let fits = "x".repeat(LONGEST_BODY - rest);
        assert_eq!(json(&failed(&fits))["Reason"], fits);
        let cut = json(&failed(&format!("{fits}x")));
        let cut = cut["Reason"].as_str().unwrap();
        assert!(cut.ends_with("x…") && cut.len() > fits.len() - 16, "{} of {}", cut.len(), fits.len());
    }

    #[test]
    fn a_reason_of_any_characters_is_cut_to_fit_and_begins_as_it_did() {
        for piece in ["x", "\"", "\\", "é", "€", "😀", "a\u{1}\""] {
            let body = json(&failed(&format!("Begins. {}", piece.repeat(20_000))));
            let reason = body["Reason"].as_str().unwrap();
            assert!(reason.starts_with("Begins. ") && reason.ends_with('…'), "{piece}: {reason}");
            assert!(reason.len() > 1000, "{piece}: too much was cut, {} bytes are left", reason.len());
        }
    }

    #[test]
    fn the_reason_goes_first_then_foreign_policies_and_identifiers_never() {
        let id = "e".repeat(1224);
        let foreign = (0..100).map(|i| format!("arn:aws:iam::111122223333:policy/foreign-{i}")).collect::<Vec<_>>();
        let body = json(&success(&[("ExternalId", &id), ("ForeignPolicies", &foreign.join(","))], &"n".repeat(3000)));
        assert_eq!(body["Data"]["ExternalId"], id);
        let left = body["Data"]["ForeignPolicies"].as_str().unwrap();
        let (shown, more) = left.rsplit_once(",+").unwrap();
        assert_eq!(shown.split(',').count() + more.parse::<usize>().unwrap(), 100, "{left}");
        assert!(
            shown.starts_with("arn:aws:iam::111122223333:policy/foreign-0,") && shown.split(',').count() > 20,
            "{left}"
        );
        assert!(body["Reason"].as_str().unwrap().len() <= 48);

        let body = json(&success(&[("ForeignPolicies", &foreign[..5].join(","))], &"n".repeat(5000)));
        assert_eq!(body["Data"]["ForeignPolicies"], foreign[..5].join(","), "the reason is shortened before");
    }

    #[test]
    fn foreign_policies_shrink_to_a_count() {
        let mut data: Attributes = [("ForeignPolicies", "a,b,c".to_owned())].into();
        let mut seen = Vec::new();
        while drop_last_foreign_policy(&mut data) {
            seen.push(data["ForeignPolicies"].clone());
        }
        assert_eq!(seen, ["a,b,+1", "a,+2", "+3"]);
        assert!(!drop_last_foreign_policy(&mut Attributes::new()));
        assert!(!drop_last_foreign_policy(&mut [("ForeignPolicies", String::new())].into()));
    }

    #[test]
    fn identifiers_that_alone_are_too_long_are_sent_whole() {
        let address = Address { stack_id: "s".repeat(5000), ..address() };
        let body: Value = serde_json::from_slice(&body(&address, &failed(&"x".repeat(100)))).unwrap();
        assert_eq!(body["StackId"].as_str().map(str::len), Some(5000));
        assert!(body["Reason"].as_str().unwrap().starts_with("xxxx"));
    }
}
