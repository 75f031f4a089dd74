//! One case: an event in a state, a fault at a call, and what must hold then.

use crate::common::assume::is_open;
use crate::common::by_hand::PLATFORM;
use crate::common::fake_iam::{FakeIam, Role, World, policy_arn};
use crate::common::faulty_http::FaultyHttp;
use crate::common::faulty_iam::{Fault, FaultyIam};
use crate::common::stack::{Answer, ID, POLICY, ROLE};
use crate::event::{Event, is_marked, stack};
use crate::kinds::{Kind, REFUSED_DOCUMENT, What};
use crate::states::{Before, neighbours};
use orchestera_access::reconcile::suspension;
use orchestera_access::trust;
use serde_json::Value;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The time for the answer, and a moment.
const LONGEST: Duration = Duration::from_secs(49);

/// An event in a state, and what comes of it when nothing goes wrong.
pub struct Scene {
    event: Event,
    properties: Value,
    /// What is there before our stack is.
    others: World,
    before: World,
    /// The answer to the event and to the same event again, and what is there then. They differ where a role without our
    /// tags is shut, which is FAILED, and the rest goes at the next.
    statuses: [String; 2],
    worlds: [World; 2],
    /// The trust policy after the event and its rollback: of an adopted role the one before, of any other what it is when
    /// nothing goes wrong; `None` if the rollback fails then.
    rolled_back: Option<Value>,
    /// That of an adopted role, if the event may not change it.
    kept_trust: Option<Value>,
}

/// What became of a case.
#[derive(PartialEq)]
pub enum Played {
    Through,
    /// At this call there is nothing for the fault to befall.
    Pointless,
    /// There is no such call.
    Never,
}

/// The event's answer, the operations that it called, and whether somebody else was at work.
struct Came {
    answer: Answer,
    called: Vec<String>,
    meddled: bool,
}

impl Scene {
    pub async fn of(event: Event, before: &Before) -> Self {
        let (furnish, properties) = before.beginning();
        let iam = Arc::new(FakeIam::default());
        iam.by_hand(neighbours);
        iam.by_hand(furnish);
        let others = iam.world();
        if let Before::Created(_, _, since) = before {
            create(&iam, properties).await;
            iam.by_hand(since);
        }
        let scene = |statuses, worlds| {
            let (properties, others) = (properties.clone(), others.clone());
            let before = World::default();
            Self { event, properties, others, before, statuses, worlds, rolled_back: None, kept_trust: None }
        };
        let before = iam.world();
        let empty = scene(Default::default(), Default::default());
        let first = empty.send(&iam).await;
        let after = iam.world();
        let second = empty.send(&iam).await;
        let worlds = [after.comparable(), iam.world().comparable()];
        let mut rolled_back = None;
        if event.is_update() {
            let iam = FakeIam::of(after);
            let undone = event.roll_back(&iam, properties).await;
            rolled_back = (undone.status == "SUCCESS").then(|| trust_of(&iam.world())).flatten();
        }
        // As it was before our stack: adoption has not changed it either.
        let is_adopted = |role: &Role| role.tags.get("orchestera:ownership").is_some_and(|it| it == "adopted");
        let adopted = before.role(ROLE).filter(|role| is_adopted(role)).and_then(|_| trust_of(&others));
        let kept_trust = adopted.clone().filter(|_| event.keeps_an_adopted_trust());
        let rolled_back = rolled_back.map(|trust| adopted.unwrap_or(trust));
        Self { before, rolled_back, kept_trust, ..scene([first.status, second.status], worlds) }
    }

    /// The event, with nothing going wrong.
    async fn send(&self, iam: &FakeIam) -> Answer {
        let iam = &FaultyIam::new(iam);
        self.event.send(iam, iam, &self.properties).await
    }

    async fn send_with(&self, iam: &Arc<FakeIam>, position: usize, kind: &Kind) -> Came {
        let meddled = Rc::new(Cell::new(false));
        let fault = match &kind.what {
            What::Http(fault) => {
                let http = FaultyHttp::new(iam.clone(), position, kind.times, *fault);
                let (iam, sts) = http.clients().await;
                let answer = self.event.send(&iam, &sts, &self.properties).await;
                return Came { answer, called: http.called(), meddled: false };
            }
            What::Seam(new) => new(),
            What::Meanwhile(change) => {
                let (change, meddled) = (*change, meddled.clone());
                Fault::Meanwhile(Box::new(move |world| meddled.set(change(world))))
            }
        };
        let faulty = FaultyIam::new(iam).from(position, kind.times, fault);
        let answer = self.event.send(&faulty, &faulty, &self.properties).await;
        let called = faulty.called.borrow().iter().map(|&operation| operation.to_owned()).collect();
        Came { answer, called, meddled: meddled.get() }
    }

    /// Plays it with the fault at the call.
    pub async fn play(&self, name: &str, position: usize, kind: &Kind) -> Played {
        let iam = Arc::new(FakeIam::of(self.before.clone()));
        let Came { answer, called, meddled } = self.send_with(&iam, position, kind).await;
        let Some(operation) = called.get(position) else { return Played::Never };
        let is_meanwhile = matches!(kind.what, What::Meanwhile(_));
        if is_meanwhile && !meddled || operation == "AssumeRole" && is_of_iam(kind.name) {
            return Played::Pointless;
        }
        assert!(answer.took <= LONGEST, "{name}: {:?}", answer.took);
        assert!(answer.status == "SUCCESS" || !answer.reason.trim().is_empty(), "{name}: FAILED without a Reason");
        // Rights are waited for in the first seconds only, and this event goes on for longer.
        let is_late = self.event == Event::DeleteOfAMadeUpId
            && ["denied for a moment", "credentials that are not known"].iter().any(|late| kind.name.contains(late));
        if kind.passes && !is_late {
            assert_eq!(answer.status, self.statuses[0], "{name}: {}", answer.reason);
        }
        let came_of_it = iam.world();
        if kind.times == 1 && kind.name != "a defect" && !is_meanwhile {
            self.check_locks(name, &came_of_it, operation, kind);
        }
        if let (Some(kept), false) = (&self.kept_trust, is_meanwhile) {
            assert_eq!(trust_of(&came_of_it).as_ref(), Some(kept), "{name}: no other external id was given");
        }
        if self.event.is_update() && !is_meanwhile {
            self.check_rollback(name, &came_of_it, kind).await;
        }
        // What CloudFormation does next leaves the others, untouched.
        iam.lag_by(0);
        self.event.end(&iam, &self.properties, &answer, is_meanwhile || self.rolled_back.is_none()).await;
        self.check_the_others(name, iam.world(), kind, false);

        // The same event again, as Lambda repeats it.
        let iam = Arc::new(FakeIam::of(came_of_it));
        let again = self.send(&iam).await;
        if is_meanwhile {
            self.check_rest(name, &iam).await;
        } else {
            assert!(self.statuses.contains(&again.status), "{name}, again: {}", again.reason);
            let mut world = iam.world().comparable();
            if let (Some(role), Some(expected)) = (world.role_mut(ROLE), self.worlds[0].role(ROLE)) {
                role.trust = self.or_the_deny_alone(role.trust.clone(), &expected.trust, kind);
            }
            assert!(self.worlds.contains(&world), "{name}, again: {world:?}\n    instead of {:?}", self.worlds[0]);
        }
        self.event.end(&iam, &self.properties, &again, is_meanwhile || self.rolled_back.is_none()).await;
        self.check_the_others(name, iam.world(), kind, true);
        Played::Through
    }

    /// An Update that asks for another value of a property that is fixed at Create.
    pub async fn play_refused(&self, name: &str, property: &str, value: &str) {
        let old = &self.properties;
        let mut new = old.clone();
        new[property] = value.into();
        let iam = FakeIam::of(self.before.clone());
        let faulty = FaultyIam::new(&iam);
        let answer = stack(&faulty, &faulty, old).update(ID, new.clone(), old.clone()).await;
        assert_eq!((answer.status.as_str(), answer.id.as_str()), ("FAILED", ID), "{name}: {}", answer.reason);
        assert!(answer.reason.contains(&format!("cannot change {property} from ")), "{name}: {}", answer.reason);
        assert!(faulty.called.borrow().is_empty(), "{name}: {:?}", faulty.called.borrow());
        assert_eq!(iam.world(), self.before, "{name}");
        // The rollback. It has the status of an Update without change: in some states that fails too.
        let undone = stack(&faulty, &faulty, old).update(ID, old.clone(), new).await;
        assert_eq!((&undone.status, undone.id.as_str()), (&self.statuses[0], ID), "{name}: {}", undone.reason);
        assert_eq!(iam.world().comparable(), self.worlds[0], "{name}");
    }

    /// Everything is as before the stack was, but for what somebody else changed meanwhile.
    #[track_caller]
    fn check_the_others(&self, name: &str, mut left: World, kind: &Kind, repeated: bool) {
        let mut others = self.others.clone();
        if let What::Meanwhile(change) = kind.what {
            change(&mut others);
            // What was adopted, and then lost its record or changed under our hands: nobody can say whether the record was made
            // before or after. That it is there, and open, is what counts.
            let was_adopted =
                self.worlds[0].role(ROLE).is_some_and(|role| role.tags.contains_key("orchestera:adopted"))
                    || self.before.role(ROLE).is_some_and(|role| role.tags.contains_key("orchestera:adopted"));
            match (&mut left.role_mut(ROLE), others.role_mut(ROLE)) {
                (Some(left), Some(others)) if !is_marked(&left.tags) && was_adopted => {
                    assert!(trust::admits(&left.trust, PLATFORM) == trust::admits(&others.trust, PLATFORM), "{name}");
                    **left = others.clone();
                }
                _ => {}
            }
            // The same Create again, after the first was answered and the grantee took the tags off: it was refused, and its
            // rollback found nothing to give but an empty role, which might be another stack's.
            let is_empty = |role: &Role| role.attached.is_empty() && role.inline.is_empty() && !is_marked(&role.tags);
            let lost_its_tags =
                repeated && kind.name == "meanwhile: the role loses our tags" && self.event == Event::Create;
            if lost_its_tags && others.role(ROLE).is_none() && left.role(ROLE).is_some_and(is_empty) {
                left.roles.remove(&ROLE.to_lowercase());
            }
            let arn = policy_arn(POLICY);
            let is_used = !left.users_of(&arn).is_empty();
            match (left.policies.get_mut(&arn), others.policies.get(&arn)) {
                (Some(left), Some(others)) if !is_marked(&left.tags) && was_adopted => *left = others.clone(),
                // Without our tags it is nobody's, and gives nothing by itself: a person deletes it.
                (Some(policy), None) if !is_marked(&policy.tags) && !is_used => drop(left.policies.remove(&arn)),
                _ => {}
            }
        }
        assert_eq!(left.unnumbered_like(&others), others, "{name}: what is left when the stack is gone");
    }

    /// Whatever became of an Update, its rollback leaves the trust policy as it is without a fault: a running platform is not
    /// cut off, and not let in again.
    async fn check_rollback(&self, name: &str, came_of_it: &World, kind: &Kind) {
        let iam = FakeIam::of(came_of_it.clone());
        let undone = self.event.roll_back(&iam, &self.properties).await;
        let Some(expected) = self.rolled_back.as_ref().filter(|_| undone.status == "SUCCESS") else { return };
        let trust = iam.world().role(ROLE).map(|role| role.trust.clone());
        let trust = trust.map(|trust| self.or_the_deny_alone(trust, expected, kind));
        assert_eq!(trust.as_ref(), Some(expected), "{name}: after the rollback");
    }

    /// An event that closes the role closes every lock, whatever one call meets on which another lock depends; and the trust
    /// policy that IAM refuses, by the Deny alone.
    fn check_locks(&self, name: &str, world: &World, operation: &str, kind: &Kind) {
        let locks = |world: &World| {
            let role = world.role(ROLE)?;
            Some([
                ("PutRolePolicy", role.inline.get(suspension::POLICY_NAME) == Some(&suspension::document())),
                ("UpdateAssumeRolePolicy", !is_open(&role.trust)),
                ("DetachRolePolicy", !role.attached.contains(&policy_arn(POLICY))),
            ])
        };
        let closes = locks(&self.worlds[0]).is_some_and(|locks| locks.iter().all(|(_, is_closed)| *is_closed));
        let is_lock = ["PutRolePolicy", "UpdateAssumeRolePolicy", "DetachRolePolicy"].contains(&operation);
        for (lock, is_closed) in locks(world).into_iter().flatten().filter(|_| closes && is_lock) {
            let is_written_otherwise = kind.name == REFUSED_DOCUMENT && lock == "UpdateAssumeRolePolicy";
            let is_excused = lock == operation && !is_written_otherwise;
            assert!(is_closed || is_excused, "{name}: {lock} waits for {operation}");
        }
    }

    /// A trust policy that IAM refused becomes the Deny alone, where it closes the role and where it is narrowed.
    fn or_the_deny_alone(&self, trust: Value, expected: &Value, kind: &Kind) -> Value {
        let may_be = kind.name == REFUSED_DOCUMENT && (self.event == Event::Repair || !is_open(expected));
        if may_be && trust == trust::only_the_deny() { expected.clone() } else { trust }
    }

    /// Where somebody meddled there is no telling what comes of it, but it comes to rest.
    async fn check_rest(&self, name: &str, iam: &FakeIam) {
        let (second, there) = (self.send(iam).await, iam.world());
        let third = self.send(iam).await;
        assert_eq!((second.status, &there), (third.status, &iam.world()), "{name}: it does not come to rest");
    }
}

fn trust_of(world: &World) -> Option<Value> {
    world.role(ROLE).map(|role| role.trust.clone())
}

async fn create(iam: &FakeIam, properties: &Value) {
    let iam = &FaultyIam::new(iam);
    Event::Create.send(iam, iam, properties).await.succeeded();
}

/// Whether only IAM says so, and never STS.
fn is_of_iam(fault: &str) -> bool {
    ["a quota", "already there", "not there", "changed at the same time", "in the way", REFUSED_DOCUMENT]
        .contains(&fault)
}
