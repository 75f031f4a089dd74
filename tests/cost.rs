//! What a Create computes, in instructions: counted by callgrind, so that the machine's load and speed do not matter.
//!
//! Of the built function only, which `make test` builds first; a debug build would say nothing.

mod common;

use common::bootstrap;
use common::fake_iam::FakeIam;
use common::http_server::HttpServer;
use common::iam_endpoint::serve;
use common::runtime_api::{Ended, Lambda, environment};
use common::stack::Stack;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// How many instructions a cold start with one Create takes, by the kind of machine. Lower it when it has become less.
const INSTRUCTIONS: [(&str, u64); 1] = [("x86_64", 13_250_000)];
/// What the C library, valgrind and the order in which answers arrive may add.
const SLACK: f64 = 1.10;

#[test]
#[ignore = "make test plays it: it needs the built function and valgrind"]
fn a_cold_start_with_a_create_computes_no_more_than_it_did() {
    let built = std::env::var_os("ORCHESTERA_BOOTSTRAP").expect("ORCHESTERA_BOOTSTRAP names the built function");
    assert_eq!(bootstrap(), Path::new(&built));
    let counted = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind.out");
    let _ = std::fs::remove_file(&counted);
    let mut callgrind = Command::new("valgrind");
    callgrind.args(["--quiet", "--tool=callgrind"]);
    callgrind.arg(format!("--callgrind-out-file={}", counted.display())).arg(built);

    let fake = Arc::new(FakeIam::default());
    let endpoint = serve(fake.clone(), 100);
    let bucket = HttpServer::answering(&[200]);
    // valgrind is found by a PATH, which Lambda's environment has too.
    let (url, path) = (endpoint.url(""), std::env::var("PATH").unwrap_or_default());
    let mut lambda = Lambda::start_by(callgrind, &[&environment(&url)[..], &[("PATH", &path)]].concat());
    let event = json!({"RequestType": "Create", "ResourceProperties": {}});
    let event = Stack::new(&*fake).event(event, &bucket.url("/answer?X-Amz-Signature=dummy"));
    assert!(matches!(lambda.invoke(&event.to_string()), Ended::Response), "{}", lambda.log());
    let answer: Value = serde_json::from_slice(&bucket.requests()[0].body).unwrap();
    assert_eq!((&answer["Status"], &answer["Data"]["Verified"]), (&"SUCCESS".into(), &"true".into()), "{answer}");
    lambda.retire();
    assert!(lambda.ends_within(Duration::from_secs(60)), "it goes on after its last event");

    let profile = std::fs::read_to_string(&counted).expect("callgrind's output");
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ")).expect("the total");
    let counted: u64 = total.trim().parse().expect("a number");
    let arch = std::env::consts::ARCH;
    let known = INSTRUCTIONS.iter().find(|(of, _)| *of == arch);
    let (_, before) = known.unwrap_or_else(|| panic!("a first number for {arch} belongs into INSTRUCTIONS: {counted}"));
    let most = *before as f64 * SLACK;
    assert!(
        counted as f64 <= most,
        "a Create takes {counted} instructions; it took {before}, and {most:.0} is the limit"
    );
    eprintln!("{counted} instructions, of at most {most:.0}");
}
