//! The last attempt of a call that failed in an account, for an account whose time ends.
//!
//! The SDK repeats a call that was throttled or not answered. If the time of an account ends meanwhile, there is no error
//! that says which call it was. So each attempt leaves a note in the task of its account.

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use custom_resource::call::kind_of;
use custom_resource::{Error, Kind};
use std::cell::RefCell;
use std::time::Duration;
use tokio::time::timeout;

/// What is said of a call in place of AWS's code.
pub const NO_ANSWER: &str = "no answer";
const UNREADABLE: &str = "unreadable answer";

tokio::task_local! {
    static NOTE: RefCell<Note>;
}

/// The calls in one account that have not come to an end: the operation, and how its last attempt failed. The oldest first.
#[derive(Debug, Default)]
struct Note(Vec<(String, String)>);

impl Note {
    fn holds(&self, operation: &str) -> bool {
        self.0.iter().any(|(begun, _)| begun == operation)
    }

    /// An attempt begins. If another failed before, what is known of that stays.
    fn begin(&mut self, operation: &str) {
        if !self.holds(operation) {
            self.0.push((operation.to_owned(), NO_ANSWER.to_owned()));
        }
    }

    fn fail(&mut self, operation: &str, code: &str) {
        self.begin(operation);
        self.0.iter_mut().filter(|(begun, _)| begun == operation).for_each(|(_, last)| code.clone_into(last));
    }

    fn end(&mut self, operation: &str) {
        self.0.retain(|(begun, _)| begun != operation);
    }
}

/// Runs `reading` for as long as that. `Err`: its time has ended, and which call is to blame, such as
/// `GetRole: Throttling`.
///
/// # Errors
/// See above.
pub async fn within<T>(time: Duration, reading: impl Future<Output = T>) -> Result<T, String> {
    NOTE.scope(RefCell::default(), async {
        timeout(time, reading).await.map_err(|_| {
            let first = NOTE.with(|note| note.borrow().0.first().cloned());
            first.map_or_else(|| NO_ANSWER.to_owned(), |(operation, code)| format!("{operation}: {code}"))
        })
    })
    .await
}

/// Notes an answer that the SDK could not read: its error has no code, and none of its attempts failed.
pub fn note(error: &Error) {
    if let Some(call) = error.failed_call().filter(|call| call.code.is_empty()) {
        change(|note| {
            if !note.holds(call.operation) {
                note.fail(call.operation, UNREADABLE);
            }
        });
    }
}

/// The same configuration, with calls that leave a note.
pub fn noted(configuration: &SdkConfig) -> SdkConfig {
    match configuration.http_client() {
        None => configuration.clone(),
        Some(client) => configuration.to_builder().http_client(Noting { client }).build(),
    }
}

#[derive(Clone, Debug)]
struct Noting {
    client: SharedHttpClient,
}

impl HttpClient for Noting {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(NotingConnector { connector: self.client.http_connector(settings, parts) })
    }
}

#[derive(Clone, Debug)]
struct NotingConnector {
    connector: SharedHttpConnector,
}

impl HttpConnector for NotingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = operation(&request);
        let answer = self.connector.call(request);
        HttpConnectorFuture::new(async move {
            change(|note| note.begin(&operation));
            // The SDK drops an attempt that takes too long, and then its operation stays in the note.
            let answer = answer.await;
            if answer.as_ref().is_ok_and(is_cut_off) {
                change(|note| note.fail(&operation, UNREADABLE));
                return Err(ConnectorError::io(format!("the answer to {operation} is cut off").into()));
            }
            change(|note| match &answer {
                Ok(answer) if is_final(answer) => note.end(&operation),
                Ok(answer) => note.fail(&operation, &code(answer)),
                Err(_) => note.fail(&operation, NO_ANSWER),
            });
            answer
        })
    }
}

/// Whether XML ends before its last element does. The SDK would take the part for the whole: a role without a trust
/// policy, a list that is empty.
fn is_cut_off(answer: &HttpResponse) -> bool {
    let body = answer.body().bytes().unwrap_or_default().trim_ascii_end();
    answer.status().is_success() && !body.ends_with(b"Response>")
}

/// Whether the SDK does not repeat it: a success, or an error such as that of a role that does not exist.
fn is_final(answer: &HttpResponse) -> bool {
    let status = answer.status();
    status.is_success() || kind_of(&code(answer), status.is_server_error()) != Kind::Unavailable
}

/// Outside of an account, nothing is noted.
fn change(change: impl FnOnce(&mut Note)) {
    let _ = NOTE.try_with(|note| change(&mut note.borrow_mut()));
}

/// Those that are called in an account are IAM, STS and CloudFormation. Their requests begin with it.
fn operation(request: &HttpRequest) -> String {
    let body = request.body().bytes().unwrap_or_default();
    let action = body.strip_prefix(b"Action=").unwrap_or_default().split(|byte| *byte == b'&').next();
    String::from_utf8_lossy(action.unwrap_or_default()).into_owned()
}

/// The `Code` of an error in XML. Its letters alone, because anybody can answer.
fn code(answer: &HttpResponse) -> String {
    let text = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default()).into_owned();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    let is_code =
        |code: &&str| !code.is_empty() && code.chars().all(|char| char.is_ascii_alphanumeric() || char == '.');
    code.filter(is_code).map_or_else(|| format!("status {}", answer.status().as_u16()), str::to_owned)
}
