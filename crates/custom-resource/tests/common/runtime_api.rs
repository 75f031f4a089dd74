//! Lambda, as the built function sees it: the Runtime API, the environment, the deadline.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use super::bootstrap;
use super::http_server::{HttpServer, Reply, Request};
use serde_json::Value;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The account that the function is in, unless a test says otherwise.
const ACCOUNT: &str = "111122223333";

/// How an invocation ended.
#[derive(Debug)]
pub enum Ended {
    Response,
    /// The body of the error.
    Error(Value),
}

/// Ends an execution environment from elsewhere, as Lambda does at a deadline or when a host fails.
#[derive(Clone)]
pub struct Kill(Arc<Mutex<Child>>);

impl Kill {
    /// SIGKILL.
    pub fn now(&self) {
        let _ = self.0.lock().unwrap().kill();
    }
}

/// One execution environment with the function in it. It is killed when dropped.
pub struct Lambda {
    child: Arc<Mutex<Child>>,
    events: Sender<(String, u64)>,
    function_arn: Arc<Mutex<String>>,
    at_its_report: Arc<Mutex<Option<Kill>>>,
    ended: Receiver<Ended>,
    pub timeout: Duration,
    log: Arc<Mutex<String>>,
    _runtime_api: HttpServer,
}

impl Lambda {
    /// Starts the function with the variables that Lambda itself always sets, and those given.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        Self::start_by(Command::new(bootstrap()), environment)
    }

    /// Starts it by a command that ends in the function's name, such as that of a profiler.
    pub fn start_by(mut command: Command, environment: &[(&str, &str)]) -> Self {
        let (events, next) = channel::<(String, u64)>();
        let (end, ended) = channel();
        let (next, end) = (Mutex::new(next), Mutex::new(end));
        let function_arn = Arc::new(Mutex::new(arn_in(ACCOUNT)));
        let invoked_as = function_arn.clone();
        let at_its_report = Arc::<Mutex<Option<Kill>>>::default();
        let killed = at_its_report.clone();
        let runtime_api = HttpServer::start(move |request| {
            let kill = killed.lock().unwrap().clone();
            match kill.filter(|_| request.target.ends_with("/response")) {
                Some(kill) => {
                    kill.now();
                    Reply::Close
                }
                None => runtime_api(request, &next, &end, &invoked_as),
            }
        });
        let mut child = command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{}", runtime_api.port))
            .env("AWS_LAMBDA_FUNCTION_NAME", "access")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/access")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", bootstrap().display()));
        let log = Arc::<Mutex<String>>::default();
        let (written, mut stdout) = (log.clone(), child.stdout.take().unwrap());
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut piece) {
                written.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        let child = Arc::new(Mutex::new(child));
        Self {
            child,
            events,
            function_arn,
            at_its_report,
            ended,
            timeout: Duration::from_secs(60),
            log,
            _runtime_api: runtime_api,
        }
    }

    /// With a region, credentials that look like dummies, and an endpoint for IAM and STS.
    pub fn with_iam(endpoint: &str) -> Self {
        Self::start(&[&environment(endpoint)[..], &[("AWS_LAMBDA_LOG_LEVEL", "TRACE")]].concat())
    }

    /// From now on, the function's ARN is of this account.
    pub fn of_account(&self, account: &str) -> &Self {
        *self.function_arn.lock().unwrap() = arn_in(account);
        self
    }

    /// Invokes the function as cargo-lambda's emulator does: with no ARN of a function, and a deadline in the past.
    pub fn invoke_as_cargo_lambda_does(&self, event: &str) -> Ended {
        *self.function_arn.lock().unwrap() = "function-arn".to_owned();
        self.invoke_until(event, 600_000)
    }

    /// Invokes the function and waits until it is done.
    pub fn invoke(&self, event: &str) -> Ended {
        self.send(event);
        self.wait()
    }

    pub fn kill(&self) -> Kill {
        Kill(self.child.clone())
    }

    /// It will be killed when it tells Lambda that it is done, before Lambda has heard it.
    pub fn kill_at_its_report(&self) {
        *self.at_its_report.lock().unwrap() = Some(self.kill());
    }

    /// There will be no more events: Lambda says so by closing the connection, and the function ends by itself.
    pub fn retire(&mut self) {
        self.events = channel().0;
    }

    /// Waits until the process has ended. `false` if it goes on for longer than that.
    pub fn ends_within(&self, longest: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < longest {
            if self.child.lock().unwrap().try_wait().is_ok_and(|status| status.is_some()) {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    fn invoke_until(&self, event: &str, deadline: u64) -> Ended {
        self.send_until(event, deadline);
        self.wait()
    }

    fn send_until(&self, event: &str, deadline: u64) {
        self.events.send((event.to_owned(), deadline)).expect("the function runs");
    }

    /// Invokes the function and does not wait.
    pub fn send(&self, event: &str) {
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + self.timeout;
        self.send_until(event, deadline.as_millis() as u64);
    }

    /// Waits until the invocation that was sent is done.
    pub fn wait(&self) -> Ended {
        self.ended
            .recv_timeout(self.timeout + Duration::from_secs(5))
            .expect("the function neither answered nor failed")
    }

    /// What the function has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A region, credentials that look like dummies, and an endpoint for IAM and STS.
pub fn environment(endpoint: &str) -> [(&'static str, &str); 6] {
    [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIADUMMYDUMMYDUMMY0"),
        ("AWS_SECRET_ACCESS_KEY", "dummy-secret"),
        ("AWS_SESSION_TOKEN", "dummy-session-token"),
        ("AWS_ENDPOINT_URL_IAM", endpoint),
        ("AWS_ENDPOINT_URL_STS", endpoint),
    ]
}

fn arn_in(account: &str) -> String {
    format!("arn:aws:lambda:us-east-1:{account}:function:access")
}

fn runtime_api(
    request: &Request,
    next: &Mutex<Receiver<(String, u64)>>,
    end: &Mutex<Sender<Ended>>,
    function_arn: &Mutex<String>,
) -> Reply {
    let ended = |ended| {
        let _ = end.lock().unwrap().send(ended);
        Reply::With(202, Vec::new(), br#"{"status":"OK"}"#.to_vec())
    };
    match request.target.rsplit('/').next() {
        Some("next") => {
            let Ok((event, deadline)) = next.lock().unwrap().recv() else { return Reply::Close };
            let headers = vec![
                ("content-type", "application/json".to_owned()),
                ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
                ("lambda-runtime-deadline-ms", deadline.to_string()),
                ("lambda-runtime-invoked-function-arn", function_arn.lock().unwrap().clone()),
                ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned()),
            ];
            Reply::With(200, headers, event.into_bytes())
        }
        Some("response") => ended(Ended::Response),
        Some("error") => ended(Ended::Error(serde_json::from_slice(&request.body).unwrap_or_default())),
        _ => Reply::status(404),
    }
}
