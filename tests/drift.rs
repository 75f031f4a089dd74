//! The drift check: what it tells, what it puts right, and what it leaves to a person.

mod common;

use common::assume::OIDC;
use common::by_hand::{guides, role, role_by_hand, some_document, trust_of};
use common::drift::{check, fields, line};
use common::fake_iam::{ACCOUNT, FakeIam, World, policy_arn};
use common::faulty_iam::{Fault, FaultyIam};
use common::opened;
use common::stack::{ID, POLICY, ROLE, Stack};
use orchestera_access::drift_check::Check;
use orchestera_access::drift_check::Outcome;
use orchestera_access::iam::Write;
use orchestera_access::policy::Edition;
use orchestera_access::trust;
use serde_json::{Value, json};

async fn created(properties: Value) -> FakeIam {
    let iam = FakeIam::default();
    Stack::new(&iam).create(properties).await.succeeded();
    iam.writes();
    iam
}

fn everything() -> Value {
    some_document("*")
}

fn put_in_force(world: &mut World, document: Value) {
    world.write(&Write::CreatePolicyVersion { policy_arn: policy_arn(POLICY), document }).unwrap();
}

/// Lets `account` in beside whoever is in already.
fn let_in(world: &mut World, account: &str) {
    let statement = trust_of(account, None)["Statement"][0].clone();
    role(world).trust["Statement"].as_array_mut().unwrap().push(statement);
}

#[tokio::test(start_paused = true)]
async fn what_is_as_wanted_is_a_line_without_drift_which_is_also_a_metric() {
    // What a later Delete may take is remembered by the first Update, which is none of the check's business.
    let iam = created(json!({"OnDelete": "DeleteAll"})).await;
    let line = line(&iam, "Report", json!({"OnDelete": "DeleteAll"})).await;
    assert_eq!((line["DriftedFields"].as_u64(), fields(&line).len()), (Some(0), 0));
    assert_eq!((line["StackName"].as_str(), line["AccountId"].as_str()), (Some("access"), Some(ACCOUNT)));
    let metrics = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(
        (metrics["Namespace"].as_str(), &metrics["Dimensions"]),
        (Some("OrchesteraAccess"), &json!([["StackName"]]))
    );
    let names: Vec<_> =
        metrics["Metrics"].as_array().unwrap().iter().map(|one| one["Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["DriftChecks", "DriftedFields", "RepairedFields"]);
    assert!(names.iter().all(|name| line[name].is_u64()), "each metric is a field of the line");
    assert_eq!(line["DriftChecks"], 1);
    assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
    assert!(iam.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_field_that_drifted_is_named_with_what_is_wanted_and_what_was_found() {
    let iam = created(json!({})).await;
    iam.by_hand(|world| {
        put_in_force(world, everything());
        let_in(world, "444455556666");
        let role = role(world);
        role.max_session_duration = 43200;
        role.permissions_boundary = Some("arn:aws:iam::aws:policy/ReadOnlyAccess".into());
        role.attached.clear();
        role.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".into());
        role.inline.insert("theirs".into(), everything());
        role.tags.remove("orchestera:policy-edition");
    });
    let before = iam.world();
    let line = line(&iam, "Report", json!({})).await;
    assert_eq!(
        fields(&line),
        [
            "role.trust",
            "role.maxSessionDuration",
            "role.permissionsBoundary",
            "role.attachment",
            "role.foreignPolicies",
            "role.tags",
            "policy.document",
        ]
    );
    let of = |field: &str| line["Drift"].as_array().unwrap().iter().find(|one| one["Field"] == field).unwrap().clone();
    assert_eq!(
        (&of("role.maxSessionDuration")["Wanted"], &of("role.maxSessionDuration")["Found"]),
        (&json!(3600), &json!(43200))
    );
    assert_eq!(of("role.trust")["Found"]["Statement"][1]["Principal"]["AWS"], "arn:aws:iam::444455556666:root");
    assert_eq!(of("policy.document")["Wanted"]["edition"], "2025-09-29");
    assert_eq!(of("policy.document")["Found"]["added"], json!(["* on *"]));
    assert_eq!(
        of("role.foreignPolicies")["Found"],
        json!(["arn:aws:iam::aws:policy/AdministratorAccess", "inline:theirs"])
    );
    assert_eq!(line["RepairedFields"], 0);
    assert!(iam.writes().is_empty());
    assert_eq!(iam.world(), before, "Report changes nothing");
}

#[tokio::test(start_paused = true)]
async fn repair_takes_away_what_is_too_much_and_says_so() {
    let boundary = json!({"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"});
    let iam = created(boundary.clone()).await;
    let wanted = iam.world();
    iam.by_hand(|world| {
        put_in_force(world, everything());
        let_in(world, "444455556666");
        let role = role(world);
        role.max_session_duration = 43200;
        role.permissions_boundary = None;
    });
    let line = line(&iam, "Repair", boundary.clone()).await;
    assert_eq!((line["DriftedFields"].as_u64(), line["RepairedFields"].as_u64()), (Some(4), Some(4)), "{line}");
    let world = iam.world();
    assert_eq!(world.role(ROLE), wanted.role(ROLE));
    assert_eq!(
        world.policy(&policy_arn(POLICY)).unwrap().document(),
        wanted.policy(&policy_arn(POLICY)).unwrap().document()
    );
    let again = self::line(&iam, "Repair", boundary).await;
    assert_eq!(again["DriftedFields"], 0);
}

#[tokio::test(start_paused = true)]
async fn repair_never_makes_attaches_opens_or_widens_anything() {
    type Brake = fn(&mut World);
    let brakes: [(&str, Brake); 11] = [
        ("role", |world| world.roles.clear()),
        ("policy", |world| {
            role(world).attached.clear();
            world.policies.clear();
        }),
        ("role.attachment", |world| role(world).attached.clear()),
        ("role.trust", |world| {
            let trust = trust::with_everybody_denied(&role(world).trust);
            role(world).trust = trust;
        }),
        ("role.suspension", |world| {
            role(world).inline.insert("OrchesteraSuspended".into(), everything());
        }),
        ("role.permissionsBoundary", |world| {
            role(world).permissions_boundary = Some("arn:aws:iam::aws:policy/AWSDenyAll".into());
        }),
        ("role.foreignPolicies", |world| {
            role(world).attached.insert("arn:aws:iam::aws:policy/AWSDenyAll".into());
        }),
        ("role.maxSessionDuration", |world| role(world).max_session_duration = 3600),
        ("policy.document", |world| {
            let mut narrower = Edition::named("2025-09-29").unwrap().document();
            narrower["Statement"][0]["Action"].as_array_mut().unwrap().pop();
            put_in_force(world, narrower);
        }),
        ("role.tags", |world| drop(role(world).tags.remove("orchestera:policy-edition"))),
        ("owner", |world| drop(role(world).tags.insert("orchestera:stack-id".into(), "arn:of:another".into()))),
    ];
    let properties =
        json!({"MaxSessionDuration": "7200", "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"});
    for (field, brake) in brakes {
        let iam = created(properties.clone()).await;
        iam.by_hand(brake);
        let before = iam.world();
        let line = line(&iam, "Repair", properties.clone()).await;
        assert!(fields(&line).contains(&field), "{field}: {line}");
        assert_eq!(line["RepairedFields"], 0, "{field}");
        assert!(iam.writes().is_empty(), "{field}");
        assert_eq!(iam.world(), before, "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn repair_shuts_a_trust_in_which_nothing_is_left_of_what_is_wanted() {
    let iam = created(json!({})).await;
    let wanted = iam.world().role(ROLE).unwrap().trust.clone();
    iam.by_hand(|world| role(world).trust = trust_of("444455556666", None));
    let first = line(&iam, "Repair", json!({})).await;
    assert_eq!(iam.world().role(ROLE).unwrap().trust, trust::with_everybody_denied(&wanted));
    // That is not what is wanted, which only an Update brings back; and nothing more is done about it.
    assert_eq!((fields(&first), first["RepairedFields"].as_u64()), (vec!["role.trust"], Some(0)));
    iam.writes();
    assert_eq!(fields(&line(&iam, "Repair", json!({})).await), ["role.trust"]);
    assert!(iam.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn repair_shuts_locks_that_were_picked_and_opens_none() {
    let suspended = json!({"AccessState": "Suspended"});
    let iam = created(suspended.clone()).await;
    let wanted = iam.world();
    iam.by_hand(|world| {
        let role = role(world);
        role.inline.clear();
        role.trust["Statement"].as_array_mut().unwrap().pop();
        role.attached.insert(policy_arn(POLICY));
    });
    let line = line(&iam, "Repair", suspended).await;
    assert_eq!(line["RepairedFields"], 3, "{line}");
    assert_eq!(iam.world(), wanted);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_while_the_stack_is_worked_on_and_nothing_repaired_after_it_failed() {
    let iam = created(json!({})).await;
    iam.by_hand(|world| let_in(world, "444455556666"));
    let before = iam.world();
    for status in ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_IN_PROGRESS"] {
        let Outcome::Skipped(line) = check(&iam, "Repair", json!({}), status).await.unwrap() else { panic!() };
        // It counts as a check, so that the alarm for two days without one stays quiet.
        assert_eq!((&line["Skipped"], &line["DriftChecks"]), (&json!(status), &json!(1)));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"], json!([{"Name": "DriftChecks", "Unit": "Count"}]));
        assert_eq!(iam.reads(), 0, "{status}");
    }
    for status in ["UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"] {
        let Outcome::Checked(line) = check(&iam, "Repair", json!({}), status).await.unwrap() else { panic!() };
        assert_eq!((fields(&line), line["Mode"].as_str()), (vec!["role.trust"], Some("Report")), "{status}");
    }
    assert_eq!(iam.world(), before);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_pair_is_compared_with_what_it_came_with() {
    let iam = FakeIam::default();
    iam.by_hand(|world| role_by_hand(world, Default::default()));
    let stack = Stack::new(&iam);
    stack.create(json!({})).await.succeeded().with_id(ID);
    assert_eq!(line(&iam, "Report", json!({})).await["DriftedFields"], 0);
    iam.by_hand(|world| let_in(world, "444455556666"));
    assert_eq!(line(&iam, "Repair", json!({})).await["RepairedFields"], 1);
    assert_eq!(iam.world().role(ROLE).unwrap().trust, trust_of("017059471480", None));
}

#[tokio::test(start_paused = true)]
async fn an_adopted_trust_with_the_empty_condition_that_the_console_writes_is_no_drift_for_ever() {
    let iam = FakeIam::default();
    iam.by_hand(|world| {
        role_by_hand(world, Default::default());
        role(world).trust["Statement"][0]["Condition"] = json!({});
    });
    Stack::new(&iam).create(json!({})).await.succeeded();
    iam.writes();
    assert_eq!(line(&iam, "Repair", json!({})).await["DriftedFields"], 0);
    assert!(iam.writes().is_empty());
    iam.by_hand(|world| let_in(world, "444455556666"));
    assert_eq!(line(&iam, "Repair", json!({})).await["RepairedFields"], 1);
    assert_eq!(line(&iam, "Repair", json!({})).await["DriftedFields"], 0);
    assert_eq!(iam.world().role(ROLE).unwrap().trust["Statement"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_external_id_and_bad_input_are_told() {
    let iam = created(json!({})).await;
    iam.by_hand(|world| {
        role(world).tags.remove("orchestera:external-id");
        world.policies.get_mut(&policy_arn(POLICY)).unwrap().tags.remove("orchestera:external-id");
    });
    assert_eq!(fields(&line(&iam, "Repair", json!({})).await), ["role.externalId"]);
    let error = check(&iam, "Mend", json!({}), "UPDATE_COMPLETE").await.unwrap_err();
    assert!(error.reason().contains("Report or Repair, not 'Mend'"));
    let error = check(&iam, "Report", json!({"MaxSessionDuration": "1"}), "UPDATE_COMPLETE").await.unwrap_err();
    assert!(error.reason().contains("MaxSessionDuration"));
    for odd in [json!({"DriftCheck": {}}), json!({"DriftCheck": "now"})] {
        assert!(Check::read(&opened(&odd)).unwrap_err().reason().contains("Update the stack"));
    }
    let from_cloudformation = json!({"DriftCheck": {}, "ResponseURL": "https://x"});
    assert!(Check::read(&opened(&from_cloudformation)).unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn repair_changes_nothing_of_what_somebody_put_in_the_place_of_ours() {
    let iam = created(json!({})).await;
    iam.by_hand(|world| {
        *world = World::default();
        guides(world);
        role(world).max_session_duration = 43200;
    });
    let before = iam.world();
    assert_eq!(line(&iam, "Repair", json!({})).await["RepairedFields"], 0);
    assert_eq!(iam.world(), before);
}

/// What we write, changed in one place so that it lets in more, and what is left of it when that is taken away.
fn widened(trust: &Value) -> Vec<(&'static str, Value)> {
    let external_id = trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"].as_str().unwrap();
    let with = |part: &str, value: Value| {
        let mut trust = trust.clone();
        trust["Statement"][0][part] = value;
        trust
    };
    let root = "arn:aws:iam::017059471480:root";
    let condition = |operator: &str, key: &str, value: Value| with("Condition", json!({operator: {key: value}}));
    vec![
        ("actions", with("Action", json!(["sts:AssumeRole", "sts:TagSession"]))),
        ("every action", with("Action", json!("sts:*"))),
        ("all but an action", {
            let mut trust = with("NotAction", json!("sts:TagSession"));
            trust["Statement"][0].as_object_mut().unwrap().remove("Action");
            trust
        }),
        ("principals", with("Principal", json!({"AWS": [root, "arn:aws:iam::444455556666:root"]}))),
        ("a deleted principal", with("Principal", json!({"AWS": [root, "AROADBQP57FF2AEXAMPLE"]}))),
        ("a service", with("Principal", json!({"AWS": root, "Service": "ec2.amazonaws.com"}))),
        ("an identity provider", with("Principal", json!({"AWS": root, "Federated": OIDC}))),
        ("external ids", condition("StringEquals", "sts:ExternalId", json!([external_id, "other"]))),
        ("in any case", condition("StringEqualsIgnoreCase", "sts:ExternalId", json!(external_id.to_uppercase()))),
        ("a pattern", condition("StringLike", "sts:ExternalId", json!(format!("{}*", &external_id[..4])))),
        ("only if given", condition("StringEqualsIfExists", "sts:ExternalId", json!(external_id))),
        ("the key in upper case", condition("StringEqualsIgnoreCase", "STS:EXTERNALID", json!(external_id))),
        ("no condition", with("Condition", json!({}))),
    ]
}

#[tokio::test(start_paused = true)]
async fn repair_cuts_a_trust_policy_to_what_is_wanted_and_the_platform_keeps_its_access() {
    let iam = created(json!({})).await;
    let wanted = iam.world().role(ROLE).unwrap().trust.clone();
    for (name, wider) in widened(&wanted) {
        iam.by_hand(|world| role(world).trust = wider);
        let first = line(&iam, "Repair", json!({})).await;
        assert_eq!((fields(&first), &first["RepairedFields"]), (vec!["role.trust"], &json!(1)), "{name}");
        assert_eq!(iam.world().role(ROLE).unwrap().trust, wanted, "{name}");
        assert_eq!(line(&iam, "Repair", json!({})).await["DriftedFields"], 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn documents_in_another_spelling_are_no_drift_and_an_update_writes_nothing() {
    let iam = created(json!({})).await;
    let wanted = iam.world().role(ROLE).unwrap().trust.clone();
    let external_id = wanted["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"].clone();
    for condition in [
        json!({"StringEquals": {"sts:externalId": external_id}}),
        json!({"StringEquals": {"STS:ExternalId": [external_id]}}),
    ] {
        iam.by_hand(|world| role(world).trust["Statement"][0]["Condition"] = condition.clone());
        assert_eq!(line(&iam, "Repair", json!({})).await["DriftedFields"], 0, "{condition}");
        iam.writes();
        Stack::new(&iam).update(ID, json!({}), json!({})).await.succeeded();
        assert_eq!(iam.writes(), Vec::<String>::new(), "{condition}");
    }
}

#[tokio::test(start_paused = true)]
async fn repair_keeps_every_deny_and_every_other_condition() {
    let iam = created(json!({})).await;
    let wanted = iam.world().role(ROLE).unwrap().trust.clone();
    let deny = json!({"Effect": "Deny", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"});
    for (name, mut wider) in widened(&wanted) {
        wider["Statement"][0]["Condition"]["Bool"] = json!({"aws:SecureTransport": "true"});
        wider["Statement"].as_array_mut().unwrap().push(deny.clone());
        iam.by_hand(|world| role(world).trust = wider);
        line(&iam, "Repair", json!({})).await;
        let mut left = wanted["Statement"][0].clone();
        left["Condition"]["Bool"] = json!({"aws:SecureTransport": "true"});
        assert_eq!(iam.world().role(ROLE).unwrap().trust["Statement"], json!([deny, left]), "{name}");
        iam.writes();
        line(&iam, "Repair", json!({})).await;
        assert!(iam.writes().is_empty(), "{name}: what is narrower than wanted is for the next update");
    }
}

#[tokio::test(start_paused = true)]
async fn repair_takes_a_deleted_principal_out_with_the_statement_that_names_it() {
    let iam = created(json!({})).await;
    let wanted = iam.world();
    iam.by_hand(|world| {
        let deleted =
            json!({"Effect": "Allow", "Principal": {"AWS": "AROADBQP57FF2AEXAMPLE"}, "Action": "sts:AssumeRole"});
        let denied = json!({"Effect": "Deny", "Principal": {"AWS": "AIDACKCEVSQ6C2EXAMPLE"}, "Action": "sts:*"});
        role(world).trust["Statement"].as_array_mut().unwrap().extend([deleted, denied]);
    });
    assert_eq!(line(&iam, "Repair", json!({})).await["RepairedFields"], 1);
    assert_eq!(iam.world(), wanted);
}

#[tokio::test(start_paused = true)]
async fn a_narrowed_trust_policy_that_iam_refuses_becomes_the_deny_alone() {
    let iam = created(json!({})).await;
    iam.by_hand(|world| let_in(world, "444455556666"));
    let faulty = FaultyIam::new(&iam).on("UpdateAssumeRolePolicy", 1, Fault::Refuse("MalformedPolicyDocument"));
    line(&faulty, "Repair", json!({})).await;
    assert_eq!(iam.world().role(ROLE).unwrap().trust, trust::only_the_deny());
    assert_eq!(fields(&line(&iam, "Repair", json!({})).await), ["role.trust"]);
}
