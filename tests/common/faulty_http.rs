//! The real SDK client, with an HTTP layer that answers from the fake IAM in this process and fails on demand. No socket, so
//! that time can be paused: the SDK's own retries, pauses and timeouts take no time.

use super::fake_iam::FakeIam;
use super::http_server::Reply;
use super::iam_endpoint::{Form, answer, decoded, refusal};
use super::sdk::configuration_with;
use aws_sdk_iam::config::SharedHttpClient;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use custom_resource::resolver::Unresolved;
use orchestera_access::iam::aws::AwsIam;
use orchestera_access::sts::aws::AwsSts;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fmt, io};
use tokio::time::Instant;

/// What goes wrong with an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HttpFault {
    /// IAM refuses with this code; nothing happened.
    Refuse(&'static str),
    /// The same, with one of these codes. Which one depends on the position.
    RefuseWithOne(&'static [&'static str]),
    /// The same, with each of these codes once.
    RefuseWithEach(&'static [&'static str]),
    /// The same, with this code, for so long.
    RefuseFor(&'static str, Duration),
    /// The connection is reset, before or after it happened.
    Reset { happened: bool },
    /// The name of the endpoint cannot be resolved.
    Unresolved,
    /// No answer and no end, before or after it happened.
    Hang { happened: bool },
    /// It happened, and this is the whole answer.
    Body(&'static str),
    /// Something between us and AWS answers with this status and a page for people.
    Page(u16),
}

/// From which request on, how often, what, and what of it has been.
struct Rule {
    position: usize,
    times: usize,
    fault: HttpFault,
    befallen: usize,
    since: Option<Instant>,
}

/// IAM and STS, as the SDK sees them through a network that is not to be trusted.
#[derive(Clone)]
pub struct FaultyHttp {
    fake: Arc<FakeIam>,
    rule: Arc<Mutex<Rule>>,
    called: Arc<Mutex<Vec<String>>>,
}

impl FaultyHttp {
    /// The request at `position` goes wrong, and those after it until it has happened `times` times.
    pub fn new(fake: Arc<FakeIam>, position: usize, times: usize, fault: HttpFault) -> Self {
        let rule = Rule { position, times, fault, befallen: 0, since: None };
        Self { fake, rule: Arc::new(Mutex::new(rule)), called: Arc::default() }
    }

    /// The real adapters on top of it.
    pub async fn clients(&self) -> (AwsIam, AwsSts) {
        let configuration = configuration_with(SharedHttpClient::new(self.clone())).await;
        (AwsIam::new(&configuration), AwsSts::new(&configuration))
    }

    /// The operations that were asked for, in order.
    pub fn called(&self) -> Vec<String> {
        self.called.lock().unwrap().clone()
    }

    fn fault(&self, form: &Form) -> Option<HttpFault> {
        let mut called = self.called.lock().unwrap();
        let position = called.len();
        called.push(form["Action"].clone());
        let rule = &mut *self.rule.lock().unwrap();
        if position < rule.position || rule.befallen >= rule.times {
            return None;
        }
        let since = *rule.since.get_or_insert_with(Instant::now);
        let code = match rule.fault {
            HttpFault::RefuseWithOne(codes) => codes[rule.position % codes.len()],
            HttpFault::RefuseWithEach(codes) => codes.get(rule.befallen)?,
            HttpFault::RefuseFor(code, time) if since.elapsed() < time => code,
            HttpFault::RefuseFor(..) => return None,
            other => {
                rule.befallen += 1;
                return Some(other);
            }
        };
        rule.befallen += 1;
        Some(HttpFault::Refuse(code))
    }
}

impl fmt::Debug for FaultyHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyHttp")
    }
}

impl HttpClient for FaultyHttp {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for FaultyHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let form = decoded(std::str::from_utf8(body).expect("a form is text"));
        let happens = || answer(&self.fake, &form, 100);
        let reply = match self.fault(&form) {
            None => Ok(happens()),
            Some(HttpFault::Refuse(code)) => Ok(refusal(code, "as the test says")),
            Some(HttpFault::Reset { happened }) => {
                happened.then(happens);
                Err(ConnectorError::io("connection reset".into()))
            }
            Some(HttpFault::Unresolved) => {
                let cause = Unresolved::new("iam.amazonaws.com", io::Error::other("as the test says"));
                Err(ConnectorError::io(cause.into()))
            }
            Some(HttpFault::Hang { happened }) => {
                happened.then(happens);
                return HttpConnectorFuture::new(pending());
            }
            Some(HttpFault::Body(text)) => {
                happens();
                Ok(Reply::With(200, Vec::new(), text.into()))
            }
            Some(HttpFault::RefuseWithOne(_) | HttpFault::RefuseWithEach(_) | HttpFault::RefuseFor(..)) => {
                unreachable!("resolved to a code")
            }
            Some(HttpFault::Page(status)) => Ok(Reply::With(status, Vec::new(), b"<html>Bad gateway</html>".to_vec())),
        };
        HttpConnectorFuture::ready(reply.map(|reply| {
            let Reply::With(status, headers, body) = reply else { unreachable!("the endpoint answers") };
            let mut answer = http::Response::builder().status(status);
            for (name, value) in headers {
                answer = answer.header(name, value);
            }
            answer.body(SdkBody::from(body)).unwrap().try_into().unwrap()
        }))
    }
}
