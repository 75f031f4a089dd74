//! A fault at every call of every kind of event, and a process that is killed before and after each call. Whatever
//! happens, the stack gets a response in time, and what then exists is what the contract allows.

#![expect(clippy::print_stdout, reason = "how many cases there were is a part of the result")]

mod common;

use common::contacts::{ACCOUNT_MANAGEMENT, contact};
use common::fake::identity_center::INSTANCE;
use common::fake::{Change, FakeManagementAccount, Fault, OWN, ROOT, UNIT};
use common::stack::{
    EMAIL, NAME, Response, SECURITY_CONTACT, SERVICE_TIMEOUT, STACK, Stack, account_properties, contact_properties,
    identity_center_properties, organization_properties,
};
use orchestera_organization::handler::{ACCOUNT, CONTACT, IDENTITY_CENTER, ORGANIZATION};
use orchestera_organization::management_account::contacts::ContactKind;
use orchestera_organization::management_account::{AccountState, STACK_ID};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FOUND: &str = "444455556666";
const MADE_CONTACT: &str = "111122223333/SECURITY/made";
const OLD_CONTACT: &str = "Bob Example; CISO; bob@example.com; 0";
const STRANGERS_CONTACT: &str = "Eve Example; CISO; eve@example.com; 0";

/// Every code that the services of these calls can refuse with, and what is no refusal.
const FAULTS: [Fault; 14] = [
    Fault::Code("ConcurrentModificationException"),
    Fault::Code("TooManyRequestsException"),
    Fault::Code("FinalizingOrganizationException"),
    Fault::Code("ServiceException"),
    Fault::Code("AccessDeniedException"),
    Fault::Code("UnrecognizedClientException"),
    Fault::Code("RequestExpired"),
    Fault::Code("ResourceNotFoundException"),
    Fault::Code("ThrottlingException"),
    Fault::Code("InvalidInputException"),
    Fault::Code("SomethingThatDoesNotExistYet"),
    Fault::Code(""),
    Fault::AnswerLost,
    Fault::Hangs,
];

/// What is done, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    CreateOrganization,
    FindOrganization,
    /// With every choice about people.
    CheckPeople,
    FindIdentityCenter,
    UpdateIdentityCenter,
    CreateAccount,
    CreateAndMoveAccount,
    FindAccount,
    UpdateAccount,
    DeleteCreatedAccount,
    DeleteFoundAccount,
    SetContact,
    SetContactOfMember,
    KeepContact,
    UpdateContact,
    DeleteContact,
    DeleteChangedContact,
}

const SCENES: [Scene; 17] = [
    Scene::CreateOrganization,
    Scene::FindOrganization,
    Scene::CheckPeople,
    Scene::FindIdentityCenter,
    Scene::UpdateIdentityCenter,
    Scene::CreateAccount,
    Scene::CreateAndMoveAccount,
    Scene::FindAccount,
    Scene::UpdateAccount,
    Scene::DeleteCreatedAccount,
    Scene::DeleteFoundAccount,
    Scene::SetContact,
    Scene::SetContactOfMember,
    Scene::KeepContact,
    Scene::UpdateContact,
    Scene::DeleteContact,
    Scene::DeleteChangedContact,
];

impl Scene {
    fn world(self) -> FakeManagementAccount {
        let fake = match self {
            Self::CreateOrganization => FakeManagementAccount::alone(),
            _ => FakeManagementAccount::managing(),
        };
        {
            let mut world = fake.world.borrow_mut();
            world.creation_takes = Duration::from_secs(20);
            world.units.insert(UNIT.into(), ROOT.into());
            if matches!(self, Self::CheckPeople | Self::FindIdentityCenter | Self::UpdateIdentityCenter) {
                world.enable_identity_center();
                world.add_permission_set("AdministratorAccess", STACK);
            }
            let exists = matches!(
                self,
                Self::FindAccount
                    | Self::UpdateAccount
                    | Self::DeleteCreatedAccount
                    | Self::DeleteFoundAccount
                    | Self::SetContactOfMember
            );
            if exists {
                let account = world.add(FOUND, NAME, EMAIL, AccountState::Active, Instant::now());
                let is_ours = matches!(self, Self::DeleteCreatedAccount | Self::SetContactOfMember);
                let owner = if is_ours { STACK } else { "arn:of:another:stack" };
                account.tags.insert(STACK_ID.into(), owner.into());
            }
            world.trusted_services.insert(ACCOUNT_MANAGEMENT.into());
            let existing = match self {
                Self::KeepContact | Self::DeleteChangedContact => Some(STRANGERS_CONTACT),
                Self::UpdateContact => Some(OLD_CONTACT),
                Self::DeleteContact => Some(SECURITY_CONTACT),
                _ => None,
            };
            world.contacts.extend(existing.map(|text| ((OWN.to_owned(), ContactKind::Security), contact(text))));
        }
        fake
    }

    fn properties(self) -> Value {
        let mut properties = match self.resource_type() {
            ORGANIZATION => organization_properties(),
            IDENTITY_CENTER => identity_center_properties(),
            CONTACT => contact_properties(),
            _ => account_properties(),
        };
        match self {
            Self::CheckPeople => {
                for (name, value) in [
                    ("SignIn", "IdentityCenter"),
                    ("IdentityCenterPrincipal", "group:Administrators"),
                    ("BreakGlassUser", "On"),
                    ("BootstrapRole", "On"),
                ] {
                    properties[name] = value.into();
                }
            }
            Self::CreateAndMoveAccount => properties["OrganizationalUnitId"] = json!(UNIT),
            Self::SetContactOfMember => {
                properties["AccountId"] = FOUND.into();
                properties["AccountOwnership"] = "created".into();
            }
            _ => {}
        }
        properties
    }

    async fn play(self, stack: &Stack, fake: &FakeManagementAccount) -> Response {
        match self {
            _ if self.is_create() => stack.create(fake, self.resource_type(), self.properties()).await,
            Self::UpdateIdentityCenter => {
                let mut new = self.properties();
                new["DevelopmentAccountEmail"] = "dev@example.com".into();
                stack.update(fake, IDENTITY_CENTER, INSTANCE, (&self.properties(), &new)).await
            }
            Self::UpdateAccount => {
                let mut new = account_properties();
                new["HasAccessStack"] = "false".into();
                stack.update(fake, ACCOUNT, FOUND, (&new, &account_properties())).await
            }
            Self::UpdateContact => {
                let mut old = contact_properties();
                old["Contact"] = OLD_CONTACT.into();
                stack.update(fake, CONTACT, MADE_CONTACT, (&old, &contact_properties())).await
            }
            Self::DeleteContact | Self::DeleteChangedContact => stack.delete(fake, CONTACT, MADE_CONTACT).await,
            _ => stack.delete(fake, ACCOUNT, FOUND).await,
        }
    }

    fn is_delete(self) -> bool {
        matches!(
            self,
            Self::DeleteCreatedAccount | Self::DeleteFoundAccount | Self::DeleteContact | Self::DeleteChangedContact
        )
    }

    fn is_create(self) -> bool {
        !self.is_delete() && !matches!(self, Self::UpdateAccount | Self::UpdateIdentityCenter | Self::UpdateContact)
    }

    fn resource_type(self) -> &'static str {
        match self {
            Self::CreateOrganization | Self::FindOrganization | Self::CheckPeople => ORGANIZATION,
            Self::FindIdentityCenter | Self::UpdateIdentityCenter => IDENTITY_CENTER,
            Self::CreateAccount
            | Self::CreateAndMoveAccount
            | Self::FindAccount
            | Self::UpdateAccount
            | Self::DeleteCreatedAccount
            | Self::DeleteFoundAccount => ACCOUNT,
            _ => CONTACT,
        }
    }

    /// What holds at the end, whatever happened.
    fn check(self, fake: &FakeManagementAccount, what: &str) {
        assert!(fake.violations.borrow().is_empty(), "{what}: {:?}", fake.violations.borrow());
        let world = fake.world.borrow();
        let with_email = world.accounts.iter().filter(|account| account.description.email == EMAIL).count();
        assert!(with_email <= 1, "{what}: two accounts with one email address");
        let of_stack = world.accounts.iter().filter(|account| account.tags.get(STACK_ID).is_some_and(|id| id == STACK));
        assert!(of_stack.count() <= 1, "{what}: two accounts of one stack");
        if matches!(self, Self::FindAccount | Self::UpdateAccount | Self::DeleteFoundAccount) {
            let found = &world.accounts[1];
            assert_eq!(found.tags[STACK_ID], "arn:of:another:stack", "{what}: a found account was changed");
            assert_eq!((&*found.parent, fake.writes().len()), (ROOT, 0), "{what}");
        }
        if matches!(self, Self::KeepContact | Self::DeleteChangedContact) {
            let kept = &world.contacts[&(OWN.to_owned(), ContactKind::Security)];
            assert_eq!(*kept, contact(STRANGERS_CONTACT), "{what}: somebody else's contact was changed");
        }
        let allowed: &[&str] = match self {
            Self::SetContact | Self::SetContactOfMember | Self::UpdateContact => &["PutAlternateContact"],
            Self::DeleteContact => &["DeleteAlternateContact"],
            Self::CreateOrganization => &["CreateOrganization"],
            Self::CreateAccount => &["CreateAccount", "UntagResource"],
            Self::CreateAndMoveAccount => &["CreateAccount", "MoveAccount", "UntagResource"],
            Self::DeleteCreatedAccount => &["UntagResource"],
            _ => &[],
        };
        assert!(fake.writes().iter().all(|write| allowed.contains(write)), "{what}: {:?}", fake.writes());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// The calls of a scene without a fault.
fn calls(scene: Scene) -> usize {
    runtime().block_on(async {
        let fake = scene.world();
        scene.play(&Stack::default(), &fake).await.succeeded();
        fake.calls.borrow().len()
    })
}

#[test]
fn every_fault_at_every_call_ends_in_a_response_and_the_next_attempt_succeeds() {
    let mut cases = 0;
    for scene in SCENES {
        for number in 0..calls(scene) {
            for fault in FAULTS {
                cases += 1;
                runtime().block_on(one_fault(scene, number, fault));
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 1000, "{cases}");
}

async fn one_fault(scene: Scene, number: usize, fault: Fault) {
    let what = format!("{scene:?}, call {number}, {fault:?}");
    let (stack, fake) = (Stack::default(), scene.world());
    fake.faults.borrow_mut().insert(number, fault);
    let response = scene.play(&stack, &fake).await;
    assert_ne!(response.reason, "no response", "{what}");
    assert!(response.took < SERVICE_TIMEOUT, "{what}: {:?}", response.took);
    scene.check(&fake, &what);
    if scene.is_delete() {
        assert_eq!(response.status, "SUCCESS", "{what}: {}", response.reason);
    }
    // What may pass has passed. A right that is missing may arrive while the invocation is new.
    let passes = match fault {
        Fault::Code("InvalidInputException" | "SomethingThatDoesNotExistYet") => false,
        Fault::Code("AccessDeniedException" | "UnrecognizedClientException") => response.took.as_secs() < 20,
        // Of GetAccountPlanState it would be an answer of its own: no plan is left on a guess.
        Fault::Code("ResourceNotFoundException") => scene != Scene::CreateOrganization,
        _ => true,
    };
    if passes {
        assert_eq!(response.status, "SUCCESS", "{what}: {}", response.reason);
    } else if response.status == "FAILED" {
        retry(scene, &stack, &fake, &response, &what).await;
    }
}

/// The rollback of a Create that failed, and the same stack again.
async fn retry(scene: Scene, stack: &Stack, fake: &FakeManagementAccount, response: &Response, what: &str) {
    fake.faults.borrow_mut().clear();
    if scene.is_create() {
        stack.delete(fake, scene.resource_type(), &response.physical_id).await.succeeded();
        sleep(Duration::from_secs(600)).await;
    }
    let again = scene.play(stack, fake).await;
    assert_eq!(again.status, "SUCCESS", "{what}, again: {}", again.reason);
    scene.check(fake, what);
}

/// What happens after the process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Lambda repeats the event.
    Retry,
    /// CloudFormation gives up, rolls back, and the stack is created again.
    Rollback,
    /// Another copy of the event is running already.
    SecondCopy,
}

#[test]
fn a_process_that_is_killed_before_or_after_any_call_leaves_what_the_next_one_completes() {
    let mut cases = 0;
    for scene in SCENES {
        for number in 0..calls(scene) {
            for after in [false, true] {
                for then in [Then::Retry, Then::Rollback, Then::SecondCopy] {
                    cases += 1;
                    runtime().block_on(one_kill(scene, number, after, then));
                }
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 500, "{cases}");
}

async fn one_kill(scene: Scene, number: usize, after: bool, then: Then) {
    let what = format!("{scene:?}, killed at call {number}, after: {after}, {then:?}");
    let (stack, fake) = (Stack::default(), scene.world());
    fake.faults.borrow_mut().insert(number, Fault::Killed { after });
    match then {
        Then::Retry => drop(scene.play(&stack, &fake).await.succeeded()),
        Then::SecondCopy if scene == Scene::CreateAccount => {
            stack.set(&fake, ACCOUNT, "CREATE_IN_PROGRESS");
            let event = json!({ "RequestType": "Create", "ResourceProperties": account_properties() });
            let event = stack.event(event, ACCOUNT);
            let (one, other) = tokio::join!(stack.send(&fake, event.clone()), stack.send(&fake, event.clone()));
            let (one, other) = (one.expect(&what).succeeded(), other.expect(&what).succeeded());
            assert_eq!(one.physical_id, other.physical_id, "{what}");
        }
        // One copy after the other: the second finds what the first did.
        Then::SecondCopy => {
            scene.play(&stack, &fake).await.succeeded();
            scene.play(&stack, &fake).await.succeeded();
        }
        Then::Rollback if scene.is_create() => {
            stack.set(&fake, scene.resource_type(), "CREATE_IN_PROGRESS");
            let event = json!({ "RequestType": "Create", "ResourceProperties": scene.properties() });
            let event = stack.event(event, scene.resource_type());
            assert!(
                stack.invoke_until_killed(&fake, &to_raw_value(&event).unwrap()).await.is_none(),
                "{what}: it was not killed"
            );
            stack.delete(&fake, scene.resource_type(), "made-up-by-cloudformation").await.succeeded();
            // Lambda repeats the event although nobody waits for it any more.
            let late = stack.send(&fake, event).await;
            let writes = fake.writes().len();
            assert!(late.is_none_or(|late| late.status == "FAILED" || fake.writes().len() == writes), "{what}");
            scene.check(&fake, &what);
            sleep(Duration::from_secs(60)).await;
            scene.play(&stack, &fake).await.succeeded();
        }
        Then::Rollback => drop(scene.play(&stack, &fake).await.succeeded()),
    }
    scene.check(&fake, &what);
}

#[test]
fn what_is_never_allowed_ends_in_a_reason_that_names_the_call() {
    let scenes = [
        Scene::CreateOrganization,
        Scene::CheckPeople,
        Scene::FindIdentityCenter,
        Scene::CreateAccount,
        Scene::CreateAndMoveAccount,
        Scene::SetContact,
        Scene::SetContactOfMember,
    ];
    for scene in scenes {
        let operations = runtime().block_on(async {
            let fake = scene.world();
            scene.play(&Stack::default(), &fake).await.succeeded();
            let mut calls = fake.calls.borrow().clone();
            // What is read after the write tells nobody what was not checked before.
            if let Some(write) = calls.iter().position(|call| fake.writes().contains(call)) {
                calls.truncate(write + 1);
            }
            calls.sort_unstable();
            calls.dedup();
            calls
        });
        for operation in operations {
            runtime().block_on(async {
                let fake = scene.world();
                fake.always.borrow_mut().insert(operation, "AccessDeniedException");
                let response = scene.play(&Stack::default(), &fake).await;
                let named = format!("{}{}", response.reason, response.data["Warnings"]);
                let is_optional = ["GetServiceQuota", "ListHandshakesForOrganization"].contains(&operation);
                assert!(named.contains(operation) || is_optional, "{scene:?}, {operation}: {response:?}");
                assert!(response.took < Duration::from_secs(120), "{scene:?}, {operation}: {:?}", response.took);
                scene.check(&fake, operation);
            });
        }
    }
}

#[test]
fn the_generator_sees_an_account_that_is_created_after_its_stack_gave_up() {
    // The same events, in a world where the stack gives up right before each call: nothing is created then.
    for number in 0..calls(Scene::CreateAccount) {
        runtime().block_on(async {
            let (stack, fake) = (Stack::default(), Scene::CreateAccount.world());
            let gives_up: Change = |world| {
                for (status, since) in world.resources.values_mut() {
                    (*status, *since) = ("DELETE_IN_PROGRESS".into(), Instant::now());
                }
            };
            *fake.meanwhile.borrow_mut() = Some((number, gives_up));
            stack.set(&fake, ACCOUNT, "CREATE_IN_PROGRESS");
            let event = json!({ "RequestType": "Create", "ResourceProperties": account_properties() });
            stack.send(&fake, stack.event(event, ACCOUNT)).await;
            Scene::CreateAccount.check(&fake, &format!("given up before call {number}"));
        });
    }
}
