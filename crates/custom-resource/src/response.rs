//! The response, and the limits that CloudFormation sets on it.
//!
//! It is at most 4096 bytes
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>). If it is longer, it is
//! shortened in this order: the Reason, then the attributes that are lists. Identifiers never are.

use crate::error::Error;
use crate::event::Address;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// The body's limit in bytes.
pub const LONGEST_BODY: usize = 4096;

/// Attributes for `Fn::GetAtt`.
pub type Attributes = BTreeMap<&'static str, Attribute>;

/// The value of an attribute. CloudFormation receives a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Never shortened.
    Text(String),
    /// Comma separated. A comma in an entry is written as `%2C`. If the response is too long, the last entries are left out,
    /// and `+N` says how many.
    List { entries: Vec<String>, left_out: usize },
    /// Sentences for people, separated by a space. If the response is too long, the last are left out, and `+N` says how
    /// many.
    Sentences { sentences: Vec<String>, left_out: usize },
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<String>> for Attribute {
    fn from(entries: Vec<String>) -> Self {
        Self::List { entries, left_out: 0 }
    }
}

impl Attribute {
    /// Leaves out the last entry of a list. `false` if there is none.
    fn shorten(&mut self) -> bool {
        let (Self::List { entries, left_out } | Self::Sentences { sentences: entries, left_out }) = self else {
            return false;
        };
        let is_shorter = entries.pop().is_some();
        *left_out += usize::from(is_shorter);
        is_shorter
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List { entries, left_out } => {
                let entries = entries.iter().map(|entry| entry.replace(',', "%2C"));
                let more = (*left_out > 0).then(|| format!("+{left_out}"));
                entries.chain(more).collect::<Vec<_>>().join(",")
            }
            Self::Sentences { sentences, left_out } => {
                let more = (*left_out > 0).then(|| format!("+{left_out}"));
                sentences.iter().cloned().chain(more).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&printable(&self.text()))
    }
}

/// The result of an event.
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

/// The work takes longer than this invocation. No response is sent, and the invocation fails. Lambda then invokes the
/// function again with the same event, which continues from the existing state.
///
/// Return it only while Lambda has an attempt left, or the stack waits until its `ServiceTimeout`.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// What is waited for, for the log.
    pub waits_for: String,
}

/// What the physical id of a failed Create begins with.
const FAILED_CREATE: &str = "failed/";

/// Whether a physical id is one that a failed Create responded with.
pub fn is_of_failed_create(physical_id: &str) -> bool {
    physical_id.starts_with(FAILED_CREATE)
}

impl Outcome {
    /// FAILED, under the physical id of the event. A Create has none: it fails under `failed/<logical id>/<request
    /// id>`, which is never blank and never the id of a resource that exists.
    pub fn failed(address: &Address, error: Error) -> Self {
        let of_create = || format!("{FAILED_CREATE}{}/{}", address.logical_id, address.request_id);
        Self::Failed { physical_id: address.physical_id.clone().unwrap_or_else(of_create), error }
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
                    "It failed, and the reason cannot be displayed. Retry the stack operation. The function's log has \
                     the details."
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

/// The body of the response: JSON, at most [`LONGEST_BODY`] bytes unless the identifiers alone are longer.
pub fn body(address: &Address, outcome: &Outcome) -> Vec<u8> {
    let mut reason = outcome.reason();
    let mut data = match outcome {
        Outcome::Success { attributes, .. } => attributes.clone(),
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
        if !shorten(&mut reason, over) && !data.values_mut().any(Attribute::shorten) {
            return body;
        }
    }
}

/// Removes characters from the end until the body is `over` bytes shorter, and marks the place. `false` when nothing
/// may be removed: a reason keeps its first words, so that it is never blank.
fn shorten(reason: &mut String, over: usize) -> bool {
    const MARK: char = '…';
    const LEAST: usize = 40;
    let mut text = reason.trim_end_matches(MARK).to_owned();
    // A mark of an earlier round is counted already.
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

/// Without control characters, which make stack events unreadable
/// (<https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1601>).
fn printable(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    spaced.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ResponseUrl;
    use serde_json::Value;

    fn address() -> Address {
        Address {
            url: ResponseUrl::new("https://x.example/").unwrap(),
            stack_id: "arn:aws:cloudformation:us-east-1:111122223333:stack/s/1".into(),
            request_id: "req-1".into(),
            logical_id: "Access".into(),
            resource_type: "Custom::It".into(),
            physical_id: None,
            service_token: None,
        }
    }

    fn failed(reason: &str) -> Outcome {
        Outcome::Failed { physical_id: "failed/Access/req-1".into(), error: Error::refused(reason) }
    }

    fn success<const N: usize>(attributes: [(&'static str, Attribute); N], note: &str) -> Outcome {
        Outcome::Success { physical_id: "some/id".into(), attributes: attributes.into(), note: note.into() }
    }

    fn text(text: &str) -> Attribute {
        text.to_owned().into()
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
        let body = json(&success([("Name", text("R"))], ""));
        assert_eq!((&body["Status"], &body["Data"]["Name"]), (&"SUCCESS".into(), &"R".into()));
    }

    #[test]
    fn a_failure_always_has_a_reason() {
        for reason in ["", " ", "\n\t", "\u{7}\u{1b}", "\u{200}"] {
            let body = json(&failed(reason));
            assert!(!body["Reason"].as_str().unwrap().trim().is_empty(), "{reason:?}");
        }
        assert_eq!(
            json(&failed(" \u{1}"))["Reason"],
            "It failed, and the reason cannot be displayed. Retry the stack operation. The function's log has the \
             details."
        );
    }

    #[test]
    fn control_characters_are_removed_and_line_breaks_become_spaces() {
        assert_eq!(json(&failed("a\nb\u{1b}[31mc\u{0}d\u{7f}e\r\tf\u{85}g"))["Reason"], "a b[31mcde  f g");
        assert_eq!(json(&success([("Name", text("a\u{0}b"))], ""))["Data"]["Name"], "ab");
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
    fn the_reason_is_shortened_first_then_lists_and_identifiers_never() {
        let id = "e".repeat(1224);
        let list: Vec<_> = (0..100).map(|i| format!("arn:aws:iam::111122223333:policy/other-{i}")).collect();
        let body = json(&success([("Id", text(&id)), ("Others", list.clone().into())], &"n".repeat(3000)));
        assert_eq!(body["Data"]["Id"], id);
        let left = body["Data"]["Others"].as_str().unwrap();
        let (shown, more) = left.rsplit_once(",+").unwrap();
        assert_eq!(shown.split(',').count() + more.parse::<usize>().unwrap(), 100, "{left}");
        assert!(shown.starts_with(&format!("{},", list[0])) && shown.split(',').count() > 20, "{left}");
        assert!(body["Reason"].as_str().unwrap().len() <= 48);

        let body = json(&success([("Others", list[..5].to_vec().into())], &"n".repeat(5000)));
        assert_eq!(body["Data"]["Others"], list[..5].join(","), "the reason is shortened before");
    }

    #[test]
    fn a_list_shrinks_to_a_count_and_a_text_does_not() {
        let mut list: Attribute = ["a", "b", "c"].map(str::to_owned).to_vec().into();
        let mut seen = vec![list.text()];
        while list.shorten() {
            seen.push(list.text());
        }
        assert_eq!(seen, ["a,b,c", "a,b,+1", "a,+2", "+3"]);
        assert!(!text("a,b").shorten() && !Attribute::from(Vec::new()).shorten());
        assert_eq!(text("a,b").text(), "a,b");
        let names: Attribute = ["inline:a,b", "c"].map(str::to_owned).to_vec().into();
        assert_eq!(names.text(), "inline:a%2Cb,c");
        let mut sentences =
            Attribute::Sentences { sentences: ["A, b.", "C."].map(str::to_owned).to_vec(), left_out: 0 };
        assert_eq!(sentences.text(), "A, b. C.");
        assert!(sentences.shorten());
        assert_eq!(sentences.text(), "A, b. +1");
    }

    #[test]
    fn a_failed_create_has_an_id_that_no_resource_has_and_others_keep_theirs() {
        let of_create = Outcome::failed(&address(), Error::refused("No."));
        assert_eq!(of_create.physical_id(), "failed/Access/req-1");
        assert!(is_of_failed_create(of_create.physical_id()) && !is_of_failed_create("some/failed/id"));
        let address = Address { physical_id: Some("some/id".into()), ..address() };
        assert_eq!(Outcome::failed(&address, Error::refused("No.")).physical_id(), "some/id");
    }

    #[test]
    fn identifiers_that_alone_are_too_long_are_sent_whole() {
        let address = Address { stack_id: "s".repeat(5000), ..address() };
        let body: Value = serde_json::from_slice(&body(&address, &failed(&"x".repeat(100)))).unwrap();
        assert_eq!(body["StackId"].as_str().map(str::len), Some(5000));
        assert!(body["Reason"].as_str().unwrap().starts_with("xxxx"));
    }
}
