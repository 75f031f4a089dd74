//! How many sequential round trips to IAM each kind of event takes: deterministic, so that a change cannot add one unseen.
//! The table is in `docs/semantics.md`.

mod common;

use common::fake_iam::{ACCOUNT, FakeIam, policy_arn};
use common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use common::stack::{Answer, ID, POLICY, ROLE, Stack};
use orchestera_access::account::Account;
use orchestera_access::iam::{OPERATIONS, Tags, Write};
use orchestera_access::policy::EDITIONS;
use orchestera_access::trust;
use serde_json::json;
use std::time::Duration;

/// Each call takes a second of paused time: an event takes as many seconds as it has round trips.
fn with_a_second_per_call(fake: &FakeIam) -> FaultyIam<'_> {
    OPERATIONS
        .into_iter()
        .fold(FaultyIam::new(fake), |iam, operation| iam.on(operation, FOR_EVER, Fault::Slow(Duration::from_secs(1))))
}

#[track_caller]
fn takes(answer: Answer, round_trips: u64) {
    let answer = answer.succeeded();
    assert_eq!(answer.took, Duration::from_secs(round_trips));
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_event_takes_the_round_trips_that_the_table_says() {
    let fake = FakeIam::default();
    let iam = with_a_second_per_call(&fake);
    let stack = Stack::new(&iam);
    let renamed = json!({"RoleName": "R", "PolicyName": "P"});
    takes(stack.create(json!({})).await, 4);
    takes(stack.create(json!({})).await, 2);
    takes(stack.update(ID, json!({}), json!({})).await, 1);
    takes(stack.update(ID, json!({"PolicyEdition": "2026-02-06"}), json!({})).await, 4);
    // The version in force is not the first any more, which is what was expected.
    takes(stack.update(ID, json!({"PolicyEdition": "2026-02-06"}), json!({"PolicyEdition": "2026-02-06"})).await, 2);
    takes(stack.update(ID, json!({}), json!({"PolicyEdition": "2026-02-06"})).await, 5);
    // Three locks, one after the other. The inline Deny is read once it is known to be there.
    let suspended = json!({"AccessState": "Suspended"});
    takes(stack.update(ID, suspended.clone(), json!({})).await, 7);
    takes(stack.update(ID, suspended.clone(), suspended.clone()).await, 2);
    takes(stack.update(ID, json!({}), suspended).await, 6);
    takes(stack.update(ID, renamed.clone(), json!({})).await, 6);
    // Two old versions to drop, beside the detaching.
    takes(stack.delete(ID, json!({})).await, 5);
    // Two looks, and two seconds between them.
    takes(stack.delete(ID, json!({})).await, 4);
    takes(stack.delete("111122223333/R/P", renamed).await, 4);
    // What the guide has people make, as the edition has it: only the record is written.
    fake.by_hand(|world| {
        let trust = trust::document(&Account { partition: "aws".into(), id: ACCOUNT.into() }, "017059471480", None);
        let (role_name, policy_name, tags) = (ROLE.to_owned(), POLICY.to_owned(), Tags::new());
        let policy_arn = policy_arn(POLICY);
        for write in [
            Write::CreatePolicy { policy_name, document: EDITIONS[0].document(), tags: tags.clone() },
            Write::CreateRole {
                role_name: role_name.clone(),
                trust,
                max_session_duration: 3600,
                permissions_boundary: None,
                tags,
            },
            Write::AttachRolePolicy { role_name, policy_arn },
        ] {
            world.write(&write).unwrap();
        }
        world.role_mut(ROLE).unwrap().description = "Made by hand".into();
    });
    takes(stack.create(json!({})).await, 4);
    takes(stack.delete(ID, json!({})).await, 5);
}
