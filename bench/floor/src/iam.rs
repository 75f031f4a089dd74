//! Calls to IAM, signed by hand.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use crate::connection::{Connection, Result, hex};
use ring::{digest, hmac};
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
const SIGNED: &str = "content-type;host;x-amz-date;x-amz-security-token";
/// IAM is global; its signatures name this region.
const SCOPE: &str = "us-east-1/iam/aws4_request";

/// Calls an operation; returns the XML of its answer.
pub fn call(iam: &mut Connection, operation: &str, parameters: &[(&str, &str)]) -> Result<String> {
    let variable = |name| std::env::var(name);
    let (key, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    let token = variable("AWS_SESSION_TOKEN")?;
    let mut body = format!("Action={operation}&Version=2010-05-08");
    for (name, value) in parameters {
        write!(body, "&{name}=")?;
        encode(value, &mut body)?;
    }
    let time = timestamp(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    let date = &time[..8];
    let (host, hash) = (&iam.authority, sha256(&body));
    let headers =
        format!("content-type:{CONTENT_TYPE}\nhost:{host}\nx-amz-date:{time}\nx-amz-security-token:{token}\n");
    let request = sha256(&format!("POST\n/\n\n{headers}\n{SIGNED}\n{hash}"));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{date}/{SCOPE}\n{request}");
    let signing = [date].into_iter().chain(SCOPE.split('/'));
    let signing = signing.fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
    let signature = hex(&mac(&signing, &text));
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={key}/{date}/{SCOPE}, SignedHeaders={SIGNED}, Signature={signature}");
    let headers = [
        ("Content-Type", CONTENT_TYPE),
        ("X-Amz-Date", time.as_str()),
        ("X-Amz-Security-Token", token.as_str()),
        ("Authorization", authorization.as_str()),
    ];
    Ok(String::from_utf8(iam.exchange("POST", "/", &headers, body.as_bytes())?.body)?)
}

/// The first ARN of an answer.
pub fn arn(xml: &str) -> Result<String> {
    let arn = xml.split_once("<Arn>").and_then(|(_, rest)| rest.split_once("</Arn>"));
    Ok(arn.ok_or("no ARN in the answer")?.0.to_owned())
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn encode(text: &str, to: &mut String) -> std::fmt::Result {
    text.bytes().try_for_each(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => to.write_char(char::from(byte)),
        _ => write!(to, "%{byte:02X}"),
    })
}

/// `20260131T235959Z`. Days are counted from 1 March of year 0, so that a leap day is the last of its year.
fn timestamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}
