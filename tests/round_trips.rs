//! How many sequential round trips to IAM each kind of event takes: deterministic, so that a change cannot add one unseen.
//! The numbers are those of the table in `docs/semantics.md`, and only there.

mod common;

use common::fake_iam::{ACCOUNT, FakeIam, policy_arn};
use common::faulty_iam::{FOR_EVER, Fault, FaultyIam};
use common::stack::{Answer, ID, POLICY, ROLE, Stack};
use orchestera_access::account::Account;
use orchestera_access::handler::CONNECTIONS;
use orchestera_access::iam::{Operation, Tags, Write};
use orchestera_access::policy::EDITIONS;
use orchestera_access::trust;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Each call takes a second of paused time: an event takes as many seconds as it has round trips.
fn with_a_second_per_call(fake: &FakeIam) -> FaultyIam<'_> {
    Operation::ALL.iter().fold(FaultyIam::new(fake), |iam, operation| {
        iam.on(operation.name(), FOR_EVER, Fault::Slow(Duration::from_secs(1)))
    })
}

/// What the table says of each event.
struct Table(BTreeMap<String, u64>);

impl Table {
    fn read() -> Self {
        let semantics = include_str!("../docs/semantics.md");
        let section = semantics.split_once("\n## What one event costs\n").expect("the section").1;
        let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
        let row = |row: &str| {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let (event, in_all) = (cells[0], cells[cells.len() - 1]);
            (event.to_owned(), in_all.parse().unwrap_or_else(|_| panic!("no number in: {row}")))
        };
        Self(rows.map(row).collect())
    }

    /// The event took as many round trips as its row says. Each row is played once.
    #[track_caller]
    fn takes(&mut self, event: &str, answer: Answer) {
        let answer = answer.succeeded();
        let round_trips = self.0.remove(event).unwrap_or_else(|| panic!("no row, or played already: {event}"));
        assert_eq!(answer.took, Duration::from_secs(round_trips), "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_event_takes_the_round_trips_that_the_table_says() {
    let fake = FakeIam::default();
    let iam = with_a_second_per_call(&fake);
    let stack = Stack::new(&iam);
    let mut table = Table::read();
    let edition = json!({"PolicyEdition": "2026-02-06"});
    table.takes("Create, nothing exists", stack.create(json!({})).await);
    table.takes("Create again", stack.create(json!({})).await);
    fake.reads();
    table.takes("Update without change", stack.update(ID, json!({}), json!({})).await);
    assert_eq!(fake.reads(), CONNECTIONS, "a connection for each read of the widest round");
    table.takes("Update to Suspended", stack.update(ID, json!({"AccessState": "Suspended"}), json!({})).await);
    let suspended = json!({"AccessState": "Suspended"});
    table.takes("Update without change, suspended", stack.update(ID, suspended.clone(), suspended.clone()).await);
    table.takes("Update to Active", stack.update(ID, json!({}), suspended).await);
    table.takes("Update of the edition", stack.update(ID, edition.clone(), json!({})).await);
    table.takes(
        "Update without change, another default version than v1",
        stack.update(ID, edition.clone(), edition.clone()).await,
    );
    table.takes(
        "Update of the edition, another default version than v1",
        stack.update(ID, json!({}), edition.clone()).await,
    );
    table.takes("Delete, two old versions", stack.delete(ID, json!({})).await);
    // The two seconds between the two looks are no round trips.
    let mut gone = stack.delete(ID, json!({})).await;
    gone.took -= Duration::from_secs(2);
    table.takes("Delete, already deleted", gone);
    stack.create(json!({})).await.succeeded();
    table.takes("Delete", stack.delete(ID, json!({})).await);
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
    table.takes("Create, adopting the guide's role and policy", stack.create(json!({})).await);
    table.takes("Delete, restoring what was adopted", stack.delete(ID, json!({})).await);
    assert!(table.0.is_empty(), "rows that nothing was played for: {:?}", table.0);
}
