//! The built function, spawned under a Runtime API, on the events in `events/`.

mod common;

use common::fake_iam::{self, FakeIam, World, policy_arn};
use common::http_server::{HttpServer, Reply};
use common::iam_endpoint::serve;
use common::moto::{self, Moto};
use common::opened;
use common::runbook::assert_explained;
use common::runtime_api::{Ended, Lambda, environment};
use common::sdk::iam_at;
use custom_resource::Request;
use orchestera_access::handler::CONNECTIONS;
use orchestera_access::iam::Iam;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const ROLE: &str = "OrchesteraAccessRole";
const POLICY: &str = "OrchesteraAccessPolicy";
const ID: &str = "111122223333/OrchesteraAccessRole/OrchesteraAccessPolicy";
const SIGNATURE: &str = "X-Amz-Signature=0123456789abcdef";

/// An event of `events/`, with its answer going to `bucket`.
fn event(name: &str, bucket: &HttpServer) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.replace("http://127.0.0.1:9100/answer?X-Amz-Signature=dummy", &bucket.url(&format!("/answer?{SIGNATURE}")))
}

/// Invokes and returns the one answer that was put.
fn answered(lambda: &Lambda, bucket: &HttpServer, event: &str) -> Value {
    let before = bucket.requests().len();
    let ended = lambda.invoke(event);
    assert!(matches!(ended, Ended::Response), "{ended:?}\n{}", lambda.log());
    let requests = bucket.requests();
    assert_eq!(requests.len(), before + 1, "one event, one answer");
    assert!(requests[before].body.len() <= 4096);
    let answer: Value = serde_json::from_slice(&requests[before].body).expect("JSON");
    assert_explained(answer["Reason"].as_str().unwrap_or_default());
    answer
}

fn succeeded(answer: Value) -> Value {
    assert_eq!(answer["Status"], "SUCCESS", "{answer}");
    answer
}

#[tokio::test]
async fn create_create_again_update_and_delete_on_an_emulated_iam() {
    let moto = Moto::start();
    let iam = iam_at(&moto.endpoint).await;
    let bucket = HttpServer::answering(&[200]);
    let lambda = Lambda::with_iam(&moto.endpoint);
    // moto's account is not the one in the events' ARNs; the function takes it from the ARN that Lambda invokes it by.
    let play = |name: &str| {
        let event = event(name, &bucket).replace("111122223333/", &format!("{}/", moto::ACCOUNT));
        succeeded(answered(lambda.of_account(moto::ACCOUNT), &bucket, &event))
    };
    let id = format!("{}/{ROLE}/{POLICY}", moto::ACCOUNT);
    let arn = format!("arn:aws:iam::{}:policy/{POLICY}", moto::ACCOUNT);

    let created = play("create");
    assert_eq!(created["PhysicalResourceId"], id.as_str());
    assert_eq!(created["Data"]["Verified"], "true");
    let role = iam.role(ROLE).await.unwrap().expect("the role");
    let external_id = created["Data"]["ExternalId"].as_str().unwrap();
    assert_eq!(role.trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"], external_id);
    assert_eq!(role.trust["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::017059471480:root");
    assert_eq!(role.tags["orchestera:resource-id"], id);
    assert_eq!(iam.attached_policies(ROLE).await.unwrap().len(), 1);

    let again = play("create");
    assert_eq!(again["Data"], created["Data"], "the same event again, the same answer");

    let updated = play("update-edition");
    assert_eq!(
        (&updated["Data"]["PolicyEdition"], &updated["Data"]["PolicyVersionId"]),
        (&"2026-02-06".into(), &"v2".into())
    );
    assert_eq!(updated["Data"]["ExternalId"], external_id);
    assert_eq!(iam.policy_document(&arn, "v2").await.unwrap()["Statement"][0]["Action"][2], "iam:*");

    assert_eq!(play("delete").get("Data"), None);
    assert_eq!((iam.role(ROLE).await.unwrap(), iam.policy(&arn).await.unwrap()), (None, None));
}

/// A bucket, a fake IAM and the function between them.
fn stage() -> (Arc<FakeIam>, HttpServer, Lambda) {
    let fake = Arc::new(FakeIam::default());
    let endpoint = serve(fake.clone(), 100);
    (fake, HttpServer::answering(&[200]), Lambda::with_iam(&endpoint.url("")))
}

#[test]
fn a_refused_update_its_rollback_and_every_kind_of_delete_are_played_as_cloudformation_sends_them() {
    let (fake, bucket, lambda) = stage();
    let play = |name: &str| succeeded(answered(&lambda, &bucket, &event(name, &bucket)));
    play("create");
    play("update-no-change");
    let before = fake.world();
    let refused = answered(&lambda, &bucket, &event("update-of-the-names", &bucket));
    assert_eq!((&refused["Status"], &refused["PhysicalResourceId"]), (&"FAILED".into(), &ID.into()));
    assert!(refused["Reason"].as_str().unwrap().contains("An update cannot change RoleName from"), "{refused}");
    assert_eq!(play("rollback-of-the-names")["PhysicalResourceId"], ID);
    assert_eq!(fake.world(), before);
    play("delete-of-an-old-id");
    assert!(fake.world().role(ROLE).is_some(), "the old id names another pair");
    fake.by_hand(|world| *world = World::default());
    for delete in ["delete-of-failed-create", "delete-with-made-up-id", "delete-with-properties-of-another-time"] {
        play("create");
        play(delete);
        assert_eq!(fake.world(), World::default(), "{delete}");
    }
    play("create");
    assert_eq!(play("update-suspend")["Data"]["AccessState"], "Suspended");
    assert!(fake.world().role(ROLE).unwrap().inline.contains_key("OrchesteraSuspended"));
    assert_eq!(play("update-no-change")["Data"]["AccessState"], "Active");
    play("delete");
    assert_eq!(play("create-without-external-id")["Data"]["ExternalId"], "");
    play("delete");
    assert_eq!(play("create-with-everything")["Data"]["ExternalId"], "customer-4711:a/b@c=d+e,f.g_h");
    assert_eq!(fake.world().role("Spark,Role@eu+1=x.y_z-").unwrap().tags["team"], "data");
}

#[test]
fn a_member_account_is_worked_on_with_a_session_of_its_role() {
    let (fake, bucket, lambda) = stage();
    let lambda = lambda.of_account("222233334444");
    let created = succeeded(answered(lambda, &bucket, &event("create-in-member-account", &bucket)));
    assert_eq!(created["PhysicalResourceId"], format!("{}/{ROLE}/{POLICY}", fake_iam::ACCOUNT));
    assert!(fake.world().role(ROLE).is_some());
}

#[test]
fn every_odd_event_is_answered_with_failed_and_a_reason_or_cannot_be_answered_at_all() {
    let (fake, bucket, lambda) = stage();
    for (name, words) in [
        ("odd-every-property-wrong", "(14) "),
        ("odd-lists-where-text-is-due", "RoleName must be a string"),
        ("odd-member-account", "the account that this stack is in. Leave it blank"),
        ("odd-unknown-request-type", "not Create, Update or Delete"),
        ("odd-update-without-physical-id", "no PhysicalResourceId"),
        ("odd-properties-are-text", "the properties must be a map"),
    ] {
        let answer = answered(&lambda, &bucket, &event(name, &bucket));
        assert_eq!(answer["Status"], "FAILED", "{name}");
        assert!(answer["Reason"].as_str().unwrap().contains(words), "{name}: {answer}");
        assert!(answer["PhysicalResourceId"].as_str().unwrap().starts_with("failed/Access/"), "{name}: {answer}");
    }
    assert_eq!(fake.world(), World::default());
    for name in ["odd-no-response-url", "odd-not-cloudformation"] {
        let Ended::Error(error) = lambda.invoke(&event(name, &bucket)) else { panic!("{name} was answered") };
        assert!(error["errorMessage"].as_str().unwrap().contains("no ResponseURL"), "{error}");
    }
    let without_ids = answered(&lambda, &bucket, &event("odd-no-ids", &bucket));
    assert_eq!((&without_ids["Status"], &without_ids["PhysicalResourceId"]), (&"FAILED".into(), &"failed//".into()));
    assert!(without_ids["Reason"].as_str().unwrap().contains("too deeply: StackId, RequestId"), "{without_ids}");
    for name in ["odd-types", "odd-no-service-token"] {
        succeeded(answered(&lambda, &bucket, &event(name, &bucket)));
        fake.by_hand(|world| *world = World::default());
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = answered(&lambda, &bucket, &event("create", &bucket).replace("\"OrchesteraAccessRole\"", &deep));
    assert!(answer["Reason"].as_str().unwrap().contains("too deeply: ResourceProperties."), "{answer}");
}

#[test]
fn without_region_and_credentials_the_answer_says_which_configuration_is_missing() {
    let bucket = HttpServer::answering(&[200]);
    let lambda = Lambda::start(&[]);
    let answer = answered(&lambda, &bucket, &event("create", &bucket));
    assert_eq!(answer["Status"], "FAILED");
    let reason = answer["Reason"].as_str().unwrap();
    for missing in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "execution role"] {
        assert!(reason.contains(missing), "{reason}");
    }
    let lambda = Lambda::start(&[("AWS_ACCESS_KEY_ID", "AKIADUMMYDUMMYDUMMY0"), ("AWS_SECRET_ACCESS_KEY", "dummy")]);
    let reason = answered(&lambda, &bucket, &event("delete", &bucket))["Reason"].as_str().unwrap().to_owned();
    assert!(reason.contains(": AWS_REGION is missing"), "{reason}");
}

#[test]
fn neither_profile_files_nor_the_metadata_service_are_read() {
    let fake = Arc::new(FakeIam::default());
    let (iam, elsewhere, bucket) =
        (serve(fake.clone(), 100), HttpServer::answering(&[200]), HttpServer::answering(&[200]));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("profiles");
    std::fs::create_dir_all(folder.join(".aws")).unwrap();
    let profile = format!("region = eu-central-1\nendpoint_url = {0}\nuse_fips_endpoint = true\n", elsewhere.url(""));
    for (file, heading) in [("config", "[default]"), ("mine", "[profile mine]"), ("credentials", "[default]")] {
        std::fs::write(folder.join(".aws").join(file), format!("{heading}\n{profile}")).unwrap();
    }
    let (home, file) = (folder.display().to_string(), folder.join(".aws/mine").display().to_string());
    let (url, elsewhere_url) = (iam.url(""), elsewhere.url(""));
    let more = [
        ("HOME", &*home),
        ("AWS_CONFIG_FILE", &*file),
        ("AWS_PROFILE", "mine"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*elsewhere_url),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*elsewhere_url),
    ];
    let lambda = Lambda::start(&[&environment(&url)[..], &more].concat());
    succeeded(answered(&lambda, &bucket, &event("create", &bucket)));
    assert!(fake.world().role(ROLE).is_some());
    // Without credentials in the environment they are not looked for elsewhere either.
    let lambda = Lambda::start(&[&[("AWS_REGION", "us-east-1")][..], &more].concat());
    let answer = answered(&lambda, &bucket, &event("create", &bucket));
    assert!(answer["Reason"].as_str().unwrap().contains("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY are missing"));
    assert_eq!((elsewhere.requests().len(), elsewhere.heads()), (0, 0));
}

#[test]
fn an_answer_that_is_not_acknowledged_fails_the_invocation_and_the_retry_converges() {
    let (fake, bucket, lambda) = stage();
    let refusing = HttpServer::answering(&[403]);
    let Ended::Error(error) = lambda.invoke(&event("create", &refusing)) else { panic!("it was not delivered") };
    assert!(error["errorMessage"].as_str().unwrap().contains("status 403"), "{error}");
    let made = fake.world();
    fake.writes();
    let answer = succeeded(answered(&lambda, &bucket, &event("create", &bucket)));
    assert_eq!(answer["PhysicalResourceId"], "111122223333/OrchesteraAccessRole/OrchesteraAccessPolicy");
    assert_eq!(fake.world(), made);
    assert!(fake.writes().is_empty());
}

#[test]
fn an_emulator_that_tells_neither_account_nor_deadline_is_served_all_the_same() {
    let (fake, bucket, lambda) = stage();
    assert!(
        matches!(lambda.invoke_as_cargo_lambda_does(&event("create", &bucket)), Ended::Response),
        "{}",
        lambda.log()
    );
    let answer: Value = serde_json::from_slice(&bucket.requests()[0].body).unwrap();
    assert_eq!(succeeded(answer)["Data"]["AccountId"], "111122223333");
    assert!(fake.world().role(ROLE).is_some());
}

#[test]
fn an_iam_that_hangs_is_answered_before_the_deadline() {
    let iam = HttpServer::start(|_| Reply::Hang);
    let bucket = HttpServer::answering(&[200]);
    let mut lambda = Lambda::with_iam(&iam.url(""));
    lambda.timeout = Duration::from_secs(5);
    let start = Instant::now();
    let answer = answered(&lambda, &bucket, &event("create", &bucket));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(answer["Reason"].as_str().unwrap().contains("did not finish in time"), "{answer}");
}

#[test]
fn two_events_after_each_other_share_their_connection_and_leave_nothing_between_them() {
    let (fake, bucket, lambda) = stage();
    let other = event("create", &bucket).replace("stack/orchestera-access/", "stack/other/");
    succeeded(answered(&lambda, &bucket, &event("create", &bucket)));
    let refused = answered(&lambda, &bucket, &other);
    assert_eq!(refused["Status"], "FAILED");
    assert!(refused["StackId"].as_str().unwrap().contains("stack/other/"));
    succeeded(answered(&lambda, &bucket, &event("delete", &bucket)));
    assert_eq!(fake.world(), World::default());
    assert!(fake.world().policy(&policy_arn(POLICY)).is_none());
}

#[test]
fn the_log_is_json_and_holds_neither_the_answers_url_nor_credentials_even_at_trace() {
    let (_, bucket, lambda) = stage();
    let refusing = HttpServer::answering(&[500, 403]);
    for name in ["create", "update-edition", "odd-every-property-wrong", "delete"] {
        answered(&lambda, &bucket, &event(name, &bucket));
    }
    let member = event("create-in-member-account", &bucket);
    answered(lambda.of_account("222233334444"), &bucket, &member);
    assert!(matches!(lambda.invoke(&event("create", &refusing)), Ended::Error(_)));
    let log = lambda.log();
    for secret in [
        "Signature",
        "0123456789abcdef",
        "/answer",
        "dummy-secret",
        "dummy-session-token",
        "AKIADUMMY",
        // Of the session in the member account.
        "dummy-token",
        "ASIADUMMY",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error} in: {line}"));
    }
    for word in [
        "\"plan\":\"CreatePolicy OrchesteraAccessPolicy | CreateRole OrchesteraAccessRole;",
        "SUCCESS",
        "FAILED",
        "acknowledged",
    ] {
        assert!(log.contains(word), "{word} is missing in the log:\n{log}");
    }
}

#[test]
fn every_well_formed_event_is_decoded_and_none_is_a_delete_that_was_only_half_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        let name = file.file_name().into_string().unwrap();
        if !name.ends_with(".json") || name.starts_with("odd-") {
            continue;
        }
        let event: Value = serde_json::from_str(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
        let properties = match opened(&event).request().unwrap_or_else(|error| panic!("{name}: {error}")) {
            Request::Create { properties }
            | Request::Update { properties, .. }
            | Request::Delete { properties, .. } => properties,
        };
        assert_eq!(properties, event["ResourceProperties"], "{name}");
        read += 1;
    }
    assert!(read >= 10, "{read} events");
}

/// A Create, with these properties, whose answer goes to `bucket`.
fn create(properties: Value, bucket: &HttpServer) -> Value {
    json!({
        "RequestType": "Create", "ResponseURL": bucket.url(&format!("/answer?{SIGNATURE}")), "RequestId": "request-1",
        "LogicalResourceId": "Access", "ResourceType": "Custom::OrchesteraAccess", "ResourceProperties": properties,
        "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/access/0a1b2c3d-1111-2222-3333-444455556666",
    })
}

#[test]
fn data_that_does_not_fit_arrives_shortened_and_the_identifiers_whole() {
    let (fake, bucket, lambda) = stage();
    let stack_id = format!("arn:aws:cloudformation:us-east-1:111122223333:stack/{}/0a1b2c3d-1111", "s".repeat(128));
    let (external_id, logical_id) = ("e".repeat(1224), "L".repeat(255));
    let mut event = create(json!({"ExternalId": external_id}), &bucket);
    event["StackId"] = stack_id.clone().into();
    event["LogicalResourceId"] = logical_id.clone().into();
    succeeded(answered(&lambda, &bucket, &event.to_string()));
    fake.by_hand(|world| {
        let role = world.role_mut(ROLE).unwrap();
        role.attached.extend((0..9).map(|n| policy_arn(&format!("{n}{}", "p".repeat(127)))));
        role.inline.extend((0..90).map(|n| (format!("{n:02}{}", "i".repeat(126)), json!({"Statement": []}))));
    });
    event["RequestType"] = "Update".into();
    event["PhysicalResourceId"] = ID.into();
    event["OldResourceProperties"] = event["ResourceProperties"].clone();
    let answer = succeeded(answered(&lambda, &bucket, &event.to_string()));
    assert_eq!((&answer["StackId"], &answer["LogicalResourceId"]), (&stack_id.into(), &logical_id.into()));
    assert_eq!((&answer["PhysicalResourceId"], &answer["Data"]["ExternalId"]), (&ID.into(), &external_id.into()));
    let foreign = answer["Data"]["ForeignPolicies"].as_str().unwrap();
    let (shown, more) = foreign.rsplit_once(",+").expect("a mark that there are more");
    assert_eq!(shown.split(',').count() + more.parse::<usize>().unwrap(), 99, "{foreign}");
}

#[test]
fn a_reason_of_any_characters_arrives_printable_and_the_identifiers_to_the_letter() {
    let (_, bucket, lambda) = stage();
    let odd = "\u{0}\u{7}\u{1b}[31m\r\n\t\u{7f}\u{85}\u{2028}\"\\é€😀";
    let mut event = create(json!({}), &bucket);
    event["LogicalResourceId"] = odd.into();
    let names =
        ["RoleName", "PolicyName", "PlatformAccountId", "PolicyEdition", "OnExisting", "OnDelete", "AccessState"];
    for name in names {
        event["ResourceProperties"][name] = odd.repeat(4).into();
    }
    let tag = |n: usize| json!({"Key": format!("{n}{odd}"), "Value": odd});
    event["ResourceProperties"]["Tags"] = (0..60).map(tag).collect();
    let answer = answered(&lambda, &bucket, &event.to_string());
    assert_eq!((&answer["Status"], &answer["LogicalResourceId"]), (&"FAILED".into(), &odd.into()));
    assert_eq!(answer["PhysicalResourceId"], format!("failed/{odd}/request-1"));
    let reason = answer["Reason"].as_str().unwrap();
    assert!(
        reason.contains("(1) RoleName must be") && reason.contains("[31m") && reason.contains("\"\\é€😀"),
        "{reason}"
    );
    assert!(reason.ends_with('…'), "{reason}");
}

#[test]
fn the_function_connects_to_iam_before_its_first_event_and_to_the_bucket_while_it_works() {
    let fake = Arc::new(FakeIam::default());
    let iam = serve(fake.clone(), 100);
    let bucket = HttpServer::answering(&[200]);
    let lambda = Lambda::with_iam(&iam.url(""));
    let start = Instant::now();
    while iam.heads() < CONNECTIONS && start.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((iam.connections(), iam.requests().len()), (CONNECTIONS, 0));
    succeeded(answered(&lambda, &bucket, &create(json!({}), &bucket).to_string()));
    assert_eq!((iam.connections(), bucket.connections()), (CONNECTIONS, 1), "and to nobody once more");
}
