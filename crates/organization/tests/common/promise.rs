//! The promise, checked on any payload: a response that CloudFormation accepts, or an error where there is nobody to
//! respond to. Nothing is created that the function's environment does not allow. Time is paused.

use super::contacts::contact;
use super::fake::{FakeManagementAccount, OWN};
use super::stack::{EMAIL, SECURITY_CONTACT, STACK, Stack};
use custom_resource::event::Envelope;
use orchestera_organization::management_account::contacts::ContactKind;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::runtime::Builder;
use tokio::time::Instant;

/// What the corpus and the generators put into the `ResponseURL`. It may be in no Reason.
pub const SIGNATURE: &str = "0123456789abcdef";

/// How the promise was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    Succeeded,
    /// SUCCESS, and an account was created or a contact set.
    Created,
    Failed,
    /// An error, because the payload names nobody to respond to.
    NobodyToRespondTo,
}

/// Plays a payload in an organization that this account manages, where the resource of the event is waited for.
///
/// # Panics
/// When the promise is broken.
pub fn keep(payload: &[u8]) -> Kept {
    // As the runtime does it. What it cannot decode never reaches the function.
    let Ok(raw) = serde_json::from_slice::<Box<RawValue>>(payload) else { return Kept::NobodyToRespondTo };
    let Ok(envelope) = Envelope::open(&raw) else { return Kept::NobodyToRespondTo };
    let Ok(address) = envelope.address() else { return Kept::NobodyToRespondTo };
    let text = |field: &str| -> String {
        let value = envelope.field(field).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let is_delete = text("RequestType") == "Delete" && !text("PhysicalResourceId").is_empty();
    let clock = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    clock.block_on(async {
        let (fake, stack) = (FakeManagementAccount::managing(), Stack::default());
        let resource = (address.stack_id.clone(), address.logical_id.clone());
        let status = ("CREATE_IN_PROGRESS".to_owned(), Instant::now());
        fake.world.borrow_mut().resources.insert(resource, status);
        fake.world.borrow_mut().enable_identity_center();
        let strangers = ((OWN.to_owned(), ContactKind::Billing), contact("Eve; CISO; eve@example.com; 0"));
        fake.world.borrow_mut().contacts.extend([strangers.clone()]);
        let response = stack.send_raw(&fake, &raw).await.expect("a response");
        assert!(!response.reason.contains(SIGNATURE), "{}", response.reason);
        assert!(!is_delete || response.status == "SUCCESS", "a Delete failed: {}", response.reason);
        let world = fake.world.borrow();
        for creation in &world.creations {
            let request = &creation.request;
            assert!(request.email.eq_ignore_ascii_case(EMAIL) && request.stack_id == STACK, "{request:?}");
        }
        let mut contacts = world.contacts.clone();
        assert_eq!(contacts.remove(&strangers.0), Some(strangers.1), "somebody else's contact was changed");
        for ((account, kind), set) in &contacts {
            let is_given = kind == &ContactKind::Security && *set == contact(SECURITY_CONTACT);
            assert!(is_given && account == OWN && address.stack_id == STACK, "{account} {kind} {set:?}");
        }
        match (&*response.status, world.creations.is_empty() && contacts.is_empty()) {
            ("SUCCESS", true) => Kept::Succeeded,
            ("SUCCESS", false) => Kept::Created,
            _ => Kept::Failed,
        }
    })
}
