//! A stack that was created on the fake IAM, what people did to it since, and what the command line sees of both.

use crate::fake_iam::{ACCOUNT, FakeIam, World};
use crate::stack::{POLICY, ROLE};
use crate::states::{MANAGEMENT, neighbours};
use custom_resource::{Budget, Request};
use orchestera_access::account::Account;
use orchestera_access::goal::goal;
use orchestera_access::ownership::Resource;
use orchestera_access::physical_id::PhysicalId;
use orchestera_access::reconcile::observe::{Expected, ReadScope, observe};
use orchestera_access::reconcile::state::State as Observed;
use orchestera_access::reconcile::{self, Reached};
use orchestera_cli::assessment::{Assessment, assess};
use orchestera_cli::stack::{MASKED, Stack};
use orchestera_cli::template;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

pub const GIVEN_ID: &str = "given";
pub const RANDOM: &str = "0123456789abcdef0123456789abcdef";

/// See the module.
pub struct Scene {
    pub properties: Value,
    pub own: Account,
    pub observed: Observed,
    /// As CloudFormation describes it.
    pub stack: Option<Stack>,
}

/// The custom resource of the stack.
pub fn resource() -> Resource {
    Resource { stack_id: stack_id(ACCOUNT), logical_id: "Access".into() }
}

/// Of a stack in that account.
pub fn stack_id(account: &str) -> String {
    format!("arn:aws:cloudformation:us-east-1:{account}:stack/access/0a1b2c3d-1111-2222-3333-444455556666")
}

fn account(id: &str) -> Account {
    Account { partition: "aws".into(), id: id.into() }
}

pub fn id() -> PhysicalId {
    account(ACCOUNT).physical_id(ROLE, POLICY)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    clock.block_on(future)
}

fn minute() -> Budget {
    let now = Instant::now();
    Budget::new(now, now + Duration::from_secs(60))
}

impl Scene {
    /// After a Create with these properties.
    pub fn created(furnish: fn(&mut World), properties: &Value, since: fn(&mut World)) -> Self {
        let iam = FakeIam::default();
        iam.by_hand(neighbours);
        iam.by_hand(furnish);
        let own = account(if properties["MemberAccountId"].is_string() { MANAGEMENT } else { ACCOUNT });
        let request = Request::Create { properties: properties.clone() };
        let reached = run(async {
            let goal = goal(&request, &own, &of(&own), RANDOM).unwrap();
            reconcile::reach(&goal, &iam, minute()).await.unwrap()
        });
        iam.by_hand(since);
        Self {
            properties: properties.clone(),
            stack: Some(described(&own, properties, &reached)),
            own,
            observed: read(&iam),
        }
    }

    /// Without a stack.
    pub fn by_hand(furnish: fn(&mut World)) -> Self {
        let iam = FakeIam::default();
        iam.by_hand(neighbours);
        iam.by_hand(furnish);
        Self { properties: Value::Null, own: account(ACCOUNT), stack: None, observed: read(&iam) }
    }

    pub fn in_status(mut self, status: &str, reason: &str) -> Self {
        let stack = self.stack.get_or_insert_with(|| Stack { name: "access".into(), ..Stack::default() });
        (stack.status, stack.reason) = (status.into(), reason.into());
        self
    }

    pub fn with_parameter(mut self, name: &str, value: &str) -> Self {
        let stack = self.stack.as_mut().unwrap();
        stack.parameters.insert(name.into(), value.into());
        self
    }

    /// Of a stack without a function, with its parameters and outputs.
    pub fn of_native_template(mut self, access_state: &str) -> Self {
        let of = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        self.stack = Some(Stack {
            id: stack_id(ACCOUNT),
            name: "access".into(),
            status: "CREATE_COMPLETE".into(),
            parameters: of(&[
                ("PolicyEdition", "2025-09-29"),
                ("MaxSessionDuration", "3600"),
                ("PermissionsBoundaryArn", ""),
                ("PermissionsBoundaryName", ""),
                ("AccessState", access_state),
                ("ExternalId", MASKED),
            ]),
            outputs: of(&[("ExternalId", GIVEN_ID)]),
            ..Stack::default()
        });
        self
    }

    /// The stack is deleted, or cannot be read.
    pub fn without_stack(mut self) -> Self {
        self.stack = None;
        self
    }

    pub fn assess(&self) -> Assessment {
        assess(&id(), &account(ACCOUNT), &self.observed, self.stack.as_ref())
    }
}

/// The resource, in the account of its stack.
pub fn of(own: &Account) -> Resource {
    Resource { stack_id: stack_id(&own.id), ..resource() }
}

fn read(iam: &FakeIam) -> Observed {
    let (account, id) = (account(ACCOUNT), id());
    run(async {
        let budget = minute();
        observe(iam, &account, &budget, &id, ReadScope::Convergence, &Expected::first_version()).await.unwrap()
    })
}

/// The parameters have the names of the properties.
fn described(own: &Account, properties: &Value, reached: &Reached) -> Stack {
    let given: BTreeMap<String, String> = properties
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let mut parameters = template::with_defaults(&given);
    // NoEcho: also where it is blank.
    parameters.insert("ExternalId".into(), MASKED.into());
    let attributes = json!(reached.attributes);
    let external_id = attributes["ExternalId"].as_str().unwrap_or_default();
    Stack {
        id: stack_id(&own.id),
        name: "access".into(),
        status: "CREATE_COMPLETE".into(),
        parameters,
        outputs: [("ExternalId".to_owned(), external_id.to_owned()), ("Release".to_owned(), "1.2.3".to_owned())].into(),
        ..Stack::default()
    }
}
