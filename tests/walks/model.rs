//! What should exist after each step, and what must never happen.
//!
//! The model does not foresee every answer. It says when an event *has* to succeed, what an account must look like
//! after a success, and what no event may do whatever becomes of it.

use crate::by_hand::change;
use crate::common::assume::is_open;
use crate::common::by_hand::{PLATFORM, trust_of};
use crate::common::drift::check_of;
use crate::common::fake_iam::{FakeIam, World, policy_arn};
use crate::common::faulty_iam::{Fault, FaultyIam};
use crate::common::stack::{Answer, Stack};
use crate::customer_tags::{CustomerTags, collides, customers, given as given_tags};
use crate::object::{Object, object, tags_under};
use crate::step::{Change, Mishap, POLICIES, ROLES, Step, Wish};
use orchestera_access::iam::{PolicyUser, ROLE_DESCRIPTION, Tags};
use orchestera_access::policy::Edition;
use orchestera_access::reconcile::suspension;
use orchestera_access::trust;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

type Checked<T = ()> = Result<T, TestCaseError>;

/// The time for the answer, and a moment.
const LONGEST: Duration = Duration::from_secs(49);

pub struct Model {
    iam: FakeIam,
    stacks: [Option<Live>; 2],
    /// Stacks that were there before: each has an id of its own.
    lives: usize,
    pub events: usize,
    /// Events that had to succeed.
    pub sure: usize,
}

/// A stack that exists.
#[derive(Clone, Debug)]
struct Live {
    stack_id: String,
    id: String,
    properties: Value,
    external_id: Option<String>,
    /// Of what it adopted, how that was; `None` if somebody changed it by hand since, so that nobody can say.
    adopted: Vec<(String, Option<Object>)>,
    /// Whether a rollback failed, or somebody else was at work on it, since when nobody knows which properties'
    /// tags are on what.
    unsettled: bool,
    /// Whether a Delete has failed: then CloudFormation takes nothing but another one.
    is_going: bool,
    /// The trust policy of an adopted role as an event left it; `None` if somebody changed it since, or nobody can say.
    trust: Option<Value>,
    /// What is not to be touched on what it adopted.
    customer: CustomerTags,
}

/// What is sent.
enum Event<'a> {
    Create(&'a Value),
    Update(&'a str, &'a Value, &'a Value),
    Delete(&'a str, &'a Value),
}

impl Event<'_> {
    /// The names that it is about.
    fn names(&self) -> Vec<String> {
        match self {
            Self::Create(new) => names(new).into(),
            Self::Update(id, ..) => of_id(id).into(),
            Self::Delete(id, properties) => [names(properties), of_id(id)].concat(),
        }
    }

    /// Whether it may shut a role: it wants that, or goes back to where that was wanted.
    fn suspends(&self) -> bool {
        let is_suspended = |properties: &Value| properties["AccessState"] == "Suspended";
        match self {
            Self::Create(new) => is_suspended(new),
            Self::Update(_, new, old) => is_suspended(new) || is_suspended(old),
            Self::Delete(..) => false,
        }
    }

    fn all_properties(&self) -> Vec<&Value> {
        match self {
            Self::Create(properties) | Self::Delete(_, properties) => vec![properties],
            Self::Update(_, new, old) => vec![new, old],
        }
    }

    fn wanted(&self) -> Option<&Value> {
        match self {
            Self::Create(new) | Self::Update(_, new, _) => Some(new),
            Self::Delete(..) => None,
        }
    }
}

fn names(properties: &Value) -> [String; 2] {
    [&properties["RoleName"], &properties["PolicyName"]].map(|name| name.as_str().unwrap().to_owned())
}

fn of_id(id: &str) -> [String; 2] {
    let parts: Vec<_> = id.split('/').collect();
    let is_real = parts.len() == 3 && parts[0] != "failed";
    if is_real { [parts[1].to_owned(), parts[2].to_owned()] } else { Default::default() }
}

impl Model {
    pub fn new() -> Self {
        let iam = FakeIam::default();
        iam.by_hand(crate::by_hand::neighbours);
        Self { iam, stacks: [None, None], lives: 0, events: 0, sure: 0 }
    }

    pub async fn take(&mut self, step: &Step) -> Checked {
        match step {
            Step::ByHand { change: what, name } => {
                let before = self.iam.world();
                self.iam.by_hand(|world| change(world, *what, ROLES[*name], POLICIES[*name]));
                if let Change::Tag(key, value) = what {
                    for live in self.stacks.iter_mut().flatten() {
                        for name in [ROLES[*name], POLICIES[*name]] {
                            live.customer.put_by_hand(name, key, value);
                        }
                    }
                }
                self.forget_what_changed(&before, None);
                Ok(())
            }
            Step::Deploy { stack, wish, fixed, mishap, rolled_back } => match self.stacks[*stack].clone() {
                None => self.create(*stack, wish, *mishap, *rolled_back).await,
                Some(live) if live.is_going => self.delete(*stack, live, *mishap).await,
                Some(live) => {
                    let [role_name, policy_name] = names(&live.properties);
                    let mut new = wish.properties();
                    new["RoleName"] = role_name.into();
                    new["PolicyName"] = policy_name.into();
                    if let Some((property, value)) = fixed {
                        new[*property] = (*value).into();
                        self.check_refused(&live, &new, *mishap).await?;
                        return self.roll_back(*stack, live.clone(), live, &new).await;
                    }
                    self.update(*stack, live, new, *mishap, *rolled_back).await
                }
            },
            Step::DriftCheck { stack, mode } => match self.stacks[*stack].clone() {
                Some(live) if !live.is_going => self.check_drift(*stack, live, mode).await,
                _ => Ok(()),
            },
            Step::Delete { stack, mishap } => match self.stacks[*stack].clone() {
                None => Ok(()),
                Some(live) => self.delete(*stack, live, *mishap).await,
            },
        }
    }

    /// The stacks go. A first Delete may shut something, or name who uses a policy of ours; when they do not any more,
    /// the second one succeeds.
    pub async fn end(&mut self) -> Checked {
        let stacks: Vec<_> = self.stacks.iter_mut().filter_map(Option::take).collect();
        for live in stacks {
            let delete = Event::Delete(&live.id, &live.properties);
            let (live, mut gone) = self.send(live.clone(), &delete, Mishap::None).await?;
            if gone.status == "FAILED" {
                self.iam.by_hand(|world| nobody_uses(world, &of_id(&live.id)[1]));
                (_, gone) = self.send(live, &delete, Mishap::None).await?;
            }
            prop_assert_eq!(&gone.status, "SUCCESS", "a stack cannot be deleted: {}", gone.reason);
        }
        let world = self.iam.world();
        let tags =
            world.roles.values().map(|role| &role.tags).chain(world.policies.values().map(|policy| &policy.tags));
        for tags in tags {
            prop_assert!(!tags.contains_key("orchestera:stack-id"), "still somebody's: {tags:?}");
        }
        Ok(())
    }

    async fn create(&mut self, stack: usize, wish: &Wish, mishap: Mishap, rolled_back: bool) -> Checked {
        self.lives += 1;
        let (before, properties) = (self.iam.world(), wish.properties());
        let live = Live {
            stack_id: format!("arn:aws:cloudformation:us-east-1:111122223333:stack/s{stack}/{}", self.lives),
            id: String::new(),
            properties: properties.clone(),
            external_id: None,
            adopted: Vec::new(),
            unsettled: false,
            is_going: false,
            trust: None,
            customer: CustomerTags::default(),
        };
        let (live, answer) = self.send(live, &Event::Create(&properties), mishap).await?;
        if answer.status == "SUCCESS" && !rolled_back {
            self.stacks[stack] = Some(live);
            return Ok(());
        }
        let (_, gone) = self.send(live, &Event::Delete(&answer.id, &properties), Mishap::None).await?;
        prop_assert_eq!(&gone.status, "SUCCESS", "the rollback of a Create: {}", gone.reason);
        // `Retain` holds for what was made and asked for, and what was adopted and suspended stays shut; a Create that
        // failed is as if it had never been.
        let stays = properties["OnDelete"] == "Retain" || properties["AccessState"] == "Suspended";
        if answer.status == "FAILED" || !stays {
            let world = self.iam.world().unnumbered_like(&before);
            prop_assert_eq!(world, before, "a Create that was rolled back has left or changed something");
        }
        Ok(())
    }

    async fn update(&mut self, stack: usize, live: Live, new: Value, mishap: Mishap, rolled_back: bool) -> Checked {
        let old = live.properties.clone();
        let (now, answer) = self.send(live.clone(), &Event::Update(&live.id, &new, &old), mishap).await?;
        if answer.status == "FAILED" && rolled_back {
            // Rollback is disabled. All that this stack takes then is a Delete, here with what was not reached.
            self.stacks[stack] = Some(Live { properties: new, unsettled: true, is_going: true, trust: None, ..now });
            return Ok(());
        }
        if answer.status == "FAILED" || rolled_back {
            return self.roll_back(stack, live, now, &new).await;
        }
        self.stacks[stack] = Some(now);
        Ok(())
    }

    /// The rollback of an Update to `new`: `live` is the stack before it, `now` after it.
    async fn roll_back(&mut self, stack: usize, live: Live, mut now: Live, new: &Value) -> Checked {
        let old = live.properties.clone();
        // An id that was given and is not in force is applied by way of a blank one: then the way back applies it.
        let is_half_way = given(&old).is_some() && given(new).is_none();
        if is_half_way {
            now.trust = None;
        }
        let (mut back, undone) = self.send(now, &Event::Update(&live.id, &old, new), Mishap::None).await?;
        if undone.status == "SUCCESS" && live.trust.is_some() && !is_half_way {
            let is = self.iam.world().role(&names(&old)[0]).map(|role| role.trust.clone());
            prop_assert!(is == live.trust, "the rollback changed {:?} to {is:?}", live.trust);
        }
        back.properties = old;
        if undone.status == "FAILED" {
            back.unsettled = true;
            back.trust = None;
        }
        self.stacks[stack] = Some(back);
        Ok(())
    }

    /// An Update of what is fixed at Create fails and changes nothing, whatever befalls it.
    async fn check_refused(&mut self, live: &Live, new: &Value, mishap: Mishap) -> Checked {
        let before = self.iam.world();
        let answer = self.delivered(live, &Event::Update(&live.id, new, &live.properties), mishap).await?;
        self.events += 1;
        prop_assert_eq!((answer.status.as_str(), &answer.id), ("FAILED", &live.id));
        prop_assert!(answer.reason.contains("An update cannot change"), "{}", answer.reason);
        prop_assert_eq!(self.iam.world(), before, "a refused Update changed something");
        Ok(())
    }

    /// A drift check opens nothing, and does not cut off a platform that is let in as it was.
    async fn check_drift(&mut self, stack: usize, live: Live, mode: &str) -> Checked {
        let before = self.iam.world();
        let faulty = FaultyIam::new(&self.iam);
        let its_stack = Stack { stack_id: live.stack_id.clone(), ..Stack::new(&faulty) };
        let checked = check_of(&its_stack, mode, live.properties.clone(), "UPDATE_COMPLETE").await;
        let after = self.iam.world();
        prop_assert!(mode == "Repair" || after == before, "Report changes nothing");
        live.customer.check(&before, &after)?;
        let [role_name, _] = names(&live.properties);
        if let (Some(was), Some(is)) = (before.role(&role_name), after.role(&role_name)) {
            prop_assert!(is_open(&was.trust) || !is_open(&is.trust), "it was closed: {was:?}, {is:?}");
            if live.trust.as_ref() == Some(&was.trust) {
                prop_assert_eq!(&is.trust, &was.trust, "nothing has drifted");
            }
            let is_ours = was.tags.get("orchestera:stack-id") == Some(&live.stack_id);
            if mode == "Repair" && checked.is_ok() && is_ours {
                prop_assert!(!is.trust.to_string().contains("oidc-provider"), "a way in is left: {}", is.trust);
            }
        }
        self.forget_what_changed(&before, Some(&live));
        self.stacks[stack] = Some(live);
        Ok(())
    }

    async fn delete(&mut self, stack: usize, live: Live, mishap: Mishap) -> Checked {
        let (id, properties) = (live.id.clone(), live.properties.clone());
        let (live, answer) = self.send(live, &Event::Delete(&id, &properties), mishap).await?;
        let going = Live { is_going: true, ..live };
        self.stacks[stack] = (answer.status == "FAILED").then_some(going);
        Ok(())
    }

    /// One event, with everything that must hold of its answer and of the account then.
    async fn send(&mut self, mut live: Live, event: &Event<'_>, mishap: Mishap) -> Checked<(Live, Answer)> {
        let before = self.iam.world();
        let is_create = matches!(event, Event::Create(_));
        live.customer.learn(&before, &event.names(), &live.stack_id, is_create);
        event.all_properties().iter().for_each(|properties| live.customer.give(properties));
        let is_sure = self.excuse(&live, event, mishap, &before).is_none();
        let answer = self.delivered(&live, event, mishap).await?;
        let after = self.iam.world();
        self.forget_what_changed(&before, Some(&live));
        self.events += 1;
        self.sure += usize::from(is_sure);
        prop_assert!(answer.took <= LONGEST, "{:?}", answer.took);
        prop_assert!(answer.status == "SUCCESS" || !answer.reason.trim().is_empty(), "FAILED without a Reason");
        prop_assert!(!is_sure || answer.status == "SUCCESS", "it had to succeed: {}", answer.reason);
        let may_be_left = answer.status == "SUCCESS"
            // An Update that fails keeps what it has adopted by then: its rollback goes on from there.
            || matches!(event, Event::Update(..))
            || matches!(mishap, Mishap::Refused { .. });
        check_others(&live, event, may_be_left, &before, &after)?;
        live.customer.check(&before, &after)?;
        if answer.status == "SUCCESS" {
            match event.wanted() {
                Some(wanted) => {
                    let old = std::mem::replace(&mut live.properties, wanted.clone());
                    if let Event::Update(id, ..) = event {
                        prop_assert_eq!(&answer.id, id, "an Update never changes the id");
                    }
                    live.id.clone_from(&answer.id);
                    self.check_made(&mut live, wanted, &answer, &before, &after)?;
                    check_adopted_trust(&mut live, &old, matches!(event, Event::Create(_)), &before, &after)?;
                }
                None => check_gone(&live, event, &after)?,
            }
        } else if !matches!(event, Event::Create(_)) {
            let (Event::Update(id, ..) | Event::Delete(id, _)) = event else { unreachable!() };
            prop_assert_eq!(&answer.id, id, "a failure never changes the id");
        }
        Ok((live, answer))
    }

    /// Sends the event, with what happens to it on its way.
    async fn delivered(&self, live: &Live, event: &Event<'_>, mishap: Mishap) -> Checked<Answer> {
        let faulty = FaultyIam::new(&self.iam);
        Ok(match mishap {
            Mishap::None => sent(&faulty, live, event).await,
            Mishap::Twice => {
                let first = sent(&faulty, live, event).await;
                let second = sent(&faulty, live, event).await;
                if first.status == "SUCCESS" {
                    prop_assert_eq!((&second.status, &second.id), (&first.status, &first.id), "{}", second.reason);
                }
                first
            }
            Mishap::KilledAt(at) => {
                let hung = faulty.from(at, 1, Fault::Hang);
                match timeout(Duration::from_secs(1), sent(&hung, live, event)).await {
                    Ok(answer) => answer,
                    Err(_) => sent(&FaultyIam::new(&self.iam), live, event).await,
                }
            }
            Mishap::Refused { at, times, code } => {
                sent(&faulty.from(at, times, Fault::Refuse(code)), live, event).await
            }
            Mishap::AnswerLostAt(at) => sent(&faulty.from(at, 1, Fault::AnswerLost), live, event).await,
            Mishap::Lag(reads) => {
                self.iam.lag_by(reads);
                let answer = sent(&faulty, live, event).await;
                self.iam.lag_by(0);
                answer
            }
        })
    }

    /// Why an event may fail; `None` if it has to succeed.
    fn excuse(&self, live: &Live, event: &Event<'_>, mishap: Mishap, world: &World) -> Option<&'static str> {
        if matches!(mishap, Mishap::Refused { .. }) {
            return Some("IAM refused");
        }
        let names = event.names();
        let tags = tags_under(world, &names);
        if tags.iter().any(|tags| tags.get("orchestera:stack-id") != Some(&live.stack_id)) {
            return Some("something there is not marked as ours");
        }
        let is_used = |pair: &[String]| {
            let its_role = PolicyUser::Role(pair[0].clone());
            world.users_of(&policy_arn(&pair[1])).iter().any(|user| *user != its_role)
        };
        if event.wanted().is_none() && names.chunks(2).any(is_used) {
            return Some("others use a policy that is to go");
        }
        let is_lost = !tags.iter().any(|tags| tags.contains_key("orchestera:external-id"));
        if matches!(event, Event::Update(..)) && is_lost {
            return Some("the external id is lost");
        }
        let collides = |name: &String| {
            let ours =
                if live.unsettled { Vec::new() } else { [&[&live.properties], &event.all_properties()[1..]].concat() };
            let wanted = event.wanted();
            object(world, name).zip(wanted).is_some_and(|(object, wanted)| collides(&object, wanted, &ours))
        };
        if matches!(event, Event::Update(..)) && names.iter().any(collides) {
            return Some("a tag of an adopted object is not ours");
        }
        let is_full = |name: &String| world.policy(&policy_arn(name)).is_some_and(|policy| policy.versions.len() >= 5);
        if !live.adopted.is_empty() && names.iter().any(is_full) {
            return Some("an adopted policy has no room for a version");
        }
        None
    }

    /// What a success of Create or Update says is there, is there.
    fn check_made(&self, live: &mut Live, wanted: &Value, answer: &Answer, before: &World, after: &World) -> Checked {
        let [role_name, policy_name] = names(wanted);
        let is = |property: &str, value: &str| wanted[property] == value;
        let arn = policy_arn(&policy_name);
        let (Some(role), Some(policy)) = (after.role(&role_name), after.policy(&arn)) else {
            return Err(TestCaseError::fail(format!("SUCCESS without {role_name} and {policy_name}: {after:?}")));
        };
        prop_assert_eq!(&answer.id, &format!("111122223333/{role_name}/{policy_name}"));
        let is_adopted = |tags: &Tags| tags["orchestera:ownership"] == "adopted";
        for (name, tags) in [(&role_name, &role.tags), (&policy_name, &policy.tags)] {
            prop_assert_eq!(tags.get("orchestera:stack-id"), Some(&live.stack_id));
            prop_assert_eq!(tags.get("orchestera:resource-id"), Some(&answer.id));
            let wanted = given_tags(wanted);
            for (key, value) in &wanted {
                prop_assert_eq!(tags.get(key), Some(value), "a tag of the properties: {:?}", tags);
            }
            for tag in customers(tags).iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                let came_with_it = is_adopted(tags) && live.customer.has(name, tag);
                prop_assert!(came_with_it || live.unsettled, "nobody's tag {:?} on {}: {:?}", tag, name, tags);
            }
        }
        let is_suspended = is("AccessState", "Suspended");
        prop_assert_eq!(role.attached.contains(&arn), !is_suspended);
        prop_assert_eq!(role.inline.contains_key(suspension::POLICY_NAME), is_suspended);
        prop_assert_eq!(trust::admits(&role.trust, PLATFORM), !is_suspended);
        let edition = wanted["PolicyEdition"].as_str().unwrap_or("2025-09-29");
        prop_assert_eq!(policy.document(), &Edition::named(edition).unwrap().document());
        prop_assert_eq!(role.max_session_duration, if is("MaxSessionDuration", "7200") { 7200 } else { 3600 });
        prop_assert_eq!(role.permissions_boundary.as_deref(), wanted["PermissionsBoundaryArn"].as_str());
        prop_assert_eq!(answer.get("Verified"), "true");
        self.remember_what_was_adopted(live, before, after, [&role_name, &policy_name]);
        if is_adopted(&role.tags) {
            return Ok(());
        }
        // To shut a role nobody has to know what it asked for: the Deny goes beside what is there.
        if is_suspended {
            return Ok(());
        }
        let asked = trust::external_id(&role.trust).map(str::to_owned);
        prop_assert_eq!(&role.trust, &trust_of(PLATFORM, asked.as_deref()));
        prop_assert_eq!(asked.is_some(), !is("RequireExternalId", "false"));
        match (wanted["ExternalId"].as_str(), asked) {
            (Some(given), Some(asked)) => prop_assert_eq!(given, asked),
            (None, Some(asked)) => {
                let known = live.external_id.get_or_insert_with(|| asked.clone());
                prop_assert_eq!(&*known, &asked, "the external id is kept");
            }
            _ => {}
        }
        Ok(())
    }

    fn remember_what_was_adopted(&self, live: &mut Live, before: &World, after: &World, names: [&str; 2]) {
        for name in names {
            let is_ours = |tags: &Tags| tags.get("orchestera:stack-id") == Some(&live.stack_id);
            let (was, is) = (object(before, name), object(after, name));
            let (Some(was), Some(is)) = (was, is) else { continue };
            if !is_ours(was.tags()) && is.tags().get("orchestera:ownership").is_some_and(|it| it == "adopted") {
                // What was changed by hand since it was adopted stays unknown.
                let is_known = live.adopted.iter().any(|(one, was)| one == name && was.is_none());
                if !is_known {
                    live.adopted.retain(|(one, _)| one != name);
                    live.adopted.push((name.to_owned(), Some(was)));
                }
            }
        }
    }

    /// What somebody else changed, by hand or by another stack, cannot be put back as it was, and an external id that
    /// is on no object is lost.
    fn forget_what_changed(&mut self, before: &World, by: Option<&Live>) {
        let after = self.iam.world();
        let is_another = |live: &&mut Live| by.is_none_or(|by| by.stack_id != live.stack_id);
        self.stacks.iter_mut().flatten().for_each(|live| live.customer.forget_what_is_gone(&after));
        for live in self.stacks.iter_mut().flatten().filter(is_another) {
            let has_changed = |name: &String| object(before, name) != object(&after, name);
            for (_, was) in live.adopted.iter_mut().filter(|(name, _)| has_changed(name)) {
                *was = None;
            }
            live.unsettled |= of_id(&live.id).iter().any(has_changed);
            if has_changed(&of_id(&live.id)[0]) {
                live.trust = None;
            }
            let tags = tags_under(&after, &of_id(&live.id));
            if !tags.iter().any(|tags| tags.contains_key("orchestera:external-id")) {
                live.external_id = None;
            }
        }
    }
}

/// The external id that properties give, unless none is to be asked for.
fn given(properties: &Value) -> Option<&str> {
    properties["ExternalId"].as_str().filter(|_| properties["RequireExternalId"] != "false")
}

/// The trust policy of an adopted role stays as it is until an Update gives another external id.
fn check_adopted_trust(live: &mut Live, old: &Value, is_new: bool, before: &World, after: &World) -> Checked {
    let new = &live.properties;
    let [role_name, _] = names(new);
    let (was, is) = (before.role(&role_name), after.role(&role_name));
    let is_adopted = is.is_some_and(|role| role.tags["orchestera:ownership"] == "adopted");
    let Some(is) = is.filter(|_| is_adopted) else {
        live.trust = None;
        return Ok(());
    };
    let is_suspended = |properties: &Value| properties["AccessState"] == "Suspended";
    let adopted_now = was.filter(|was| is_new && !was.tags.contains_key("orchestera:stack-id"));
    if let Some(was) = adopted_now.filter(|_| !is_suspended(new)) {
        prop_assert_eq!(&is.trust, &was.trust, "adoption changed it");
    }
    let is_same = !is_new && given(old) == given(new) && is_suspended(old) == is_suspended(new);
    if let Some(trust) = live.trust.as_ref().filter(|_| is_same) {
        prop_assert_eq!(&is.trust, trust, "no other external id was given");
    }
    // Somebody took the record off: an `ExternalId` that an Update then applies cannot be undone.
    live.trust = is.tags.contains_key("orchestera:before-trust").then(|| is.trust.clone());
    Ok(())
}

/// What a Reason asks of a person: a policy that is to go is detached.
fn nobody_uses(world: &mut World, policy: &str) {
    for role in world.roles.values_mut() {
        role.attached.remove(&policy_arn(policy));
    }
}

async fn sent(iam: &FaultyIam<'_>, live: &Live, event: &Event<'_>) -> Answer {
    let stack = Stack { stack_id: live.stack_id.clone(), ..Stack::new(iam) };
    match event {
        Event::Create(new) => stack.create((*new).clone()).await,
        Event::Update(id, new, old) => stack.update(id, (*new).clone(), (*old).clone()).await,
        Event::Delete(id, properties) => stack.delete(id, (*properties).clone()).await,
    }
}

/// Whatever comes of an event: what is not under its names, what another stack has marked, and what is nobody's and not
/// adopted by it, is as it was.
fn check_others(live: &Live, event: &Event<'_>, may_be_left: bool, before: &World, after: &World) -> Checked {
    let names = event.names();
    let all = before.roles.values().map(|role| &role.name).chain(before.policies.values().map(|policy| &policy.name));
    for name in all {
        let was = object(before, name).unwrap();
        let owner = was.tags().get("orchestera:stack-id");
        // Only a Create or an Update takes what is nobody's; one that fails gives it back, unless IAM refuses that too.
        let is_strangers =
            owner.is_none() && !was.is_described_as_ours() && !live.adopted.iter().any(|(one, _)| one == name);
        let may_adopt = event.wanted().is_some() && may_be_left;
        if !names.contains(name) || owner.is_some_and(|owner| *owner != live.stack_id) || is_strangers && !may_adopt {
            let mut is = object(after, name);
            // The kill switch does not ask whose a role is: its target could have changed the tags.
            if let Some(Object::Role(role)) = &mut is
                && event.suspends()
                && !matches!(&was, Object::Role(role) if role.inline.contains_key(suspension::POLICY_NAME))
            {
                role.inline.remove(suspension::POLICY_NAME);
            }
            prop_assert_eq!(is.as_ref(), Some(&was), "it is not this stack's");
        }
    }
    Ok(())
}

/// A success of Delete says that nothing of the stack is there any more under that id.
fn check_gone(live: &Live, event: &Event<'_>, after: &World) -> Checked {
    let Event::Delete(id, properties) = event else { unreachable!("only of a Delete") };
    for name in of_id(id) {
        let Some(object) = object(after, &name) else { continue };
        let owner = object.tags().get("orchestera:stack-id");
        if owner.is_some_and(|owner| *owner != live.stack_id) {
            continue;
        }
        prop_assert_eq!(owner, None, "{} is still marked as this stack's", name);
        if properties["OnDelete"] == "Retain" {
            continue;
        }
        if let Object::Role(role) = &object {
            let is_ours = role.description == ROLE_DESCRIPTION;
            prop_assert!(!is_ours || !is_open(&role.trust), "a grant survives its stack: {role:?}");
            let closed_by_us = role.trust.to_string().contains(suspension::POLICY_NAME);
            let deny = role.inline.get(suspension::POLICY_NAME);
            prop_assert!(!is_ours || !closed_by_us || deny == Some(&suspension::document()), "open sessions: {role:?}");
        }
        let was = live.adopted.iter().find(|(adopted, _)| *adopted == name).and_then(|(_, was)| was.clone());
        // What was adopted and is suspended stays shut.
        let is_suspended = matches!(&object, Object::Role(role) if role.inline.contains_key(suspension::POLICY_NAME));
        if let Some(mut was) = was.filter(|_| !is_suspended && !live.unsettled) {
            if let Object::Role(role) = &mut was {
                // Nothing can be attached again that went with the stack.
                role.attached.retain(|arn| arn.contains(":iam::aws:") || after.policy(arn).is_some());
            }
            prop_assert_eq!(object.comparable(), was.comparable(), "what was adopted is put back");
        }
    }
    Ok(())
}

/// Nothing that the walk asks for is without properties.
#[test]
fn every_wish_has_names() {
    let wish = Wish { role: 1, policy: 0, others: vec![("OnDelete", json!("Retain"))] };
    assert_eq!(names(&wish.properties()), ["NewRole", "OrchesteraAccessPolicy"]);
}
