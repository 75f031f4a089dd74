//! What goes wrong.

use crate::common::assume::OIDC;
use crate::common::by_hand::{DELETED, in_the_trust, role, some_document};
use crate::common::fake_iam::{World, policy_arn};
use crate::common::faulty_http::HttpFault;
use crate::common::faulty_iam::{FOR_EVER, Fault};
use crate::common::stack::{POLICY, ROLE};
use crate::states::some_trust;
use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use orchestera_access::iam::{Tags, Write};
use serde_json::json;
use std::time::Duration;

/// Actions of a trust policy that lets sessions be tagged too.
const WIDER: [&str; 2] = ["sts:AssumeRole", "sts:TagSession"];
/// IAM refuses a document, whatever is wrong with it.
pub const REFUSED_DOCUMENT: &str = "a document that IAM refuses";

/// The codes by which AWS refuses a signature for its time: after a thaw the clock is behind for a moment.
const LATE: [&str; 5] = [
    "SignatureDoesNotMatch",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "InvalidSignatureException",
    "RequestInTheFuture",
];
/// The SDK's codes for throttling, and the transient ones.
const PASSING: [&str; 16] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
];
/// A role or a session that is new.
const NOT_KNOWN_YET: HttpFault = HttpFault::RefuseFor("InvalidClientTokenId", Duration::from_secs(4));

/// A kind of fault. Its name is the class under which its cases are counted.
pub struct Kind {
    pub name: &'static str,
    pub times: usize,
    /// Whether the event gets over it by itself.
    pub passes: bool,
    pub what: What,
}

pub enum What {
    /// A call of the seam goes wrong.
    Seam(fn() -> Fault),
    /// Somebody else is at work just before a call; `false` if there was nothing for them to do.
    Meanwhile(fn(&mut World) -> bool),
    /// A request of the real SDK client goes wrong.
    Http(HttpFault),
}

const fn at_the_seam(name: &'static str, times: usize, passes: bool, new: fn() -> Fault) -> Kind {
    Kind { name, times, passes, what: What::Seam(new) }
}

const fn meanwhile(name: &'static str, change: fn(&mut World) -> bool) -> Kind {
    Kind { name, times: 1, passes: false, what: What::Meanwhile(change) }
}

const fn over_http(name: &'static str, times: usize, passes: bool, fault: HttpFault) -> Kind {
    Kind { name, times, passes, what: What::Http(fault) }
}

pub const SEAM: [Kind; 23] = [
    at_the_seam("throttled once", 1, true, || Fault::RefuseWithOne(&PASSING)),
    at_the_seam("throttled for ever", FOR_EVER, false, || Fault::Refuse("Throttling")),
    at_the_seam("no answer once, without effect", 1, true, || Fault::Unheard),
    at_the_seam("no answer once, with effect", 1, true, || Fault::AnswerLost),
    at_the_seam("no answer for ever", FOR_EVER, false, || Fault::Unheard),
    at_the_seam("denied for a moment", 3, true, || Fault::Refuse("AccessDenied")),
    at_the_seam("denied for ever", FOR_EVER, false, || Fault::Refuse("AccessDenied")),
    at_the_seam("credentials that are not known for a moment", 3, true, || Fault::Refuse("InvalidClientTokenId")),
    at_the_seam("a late signature: each code once", LATE.len(), true, || Fault::RefuseWithEach(&LATE)),
    at_the_seam("a quota", 1, false, || Fault::Refuse("LimitExceeded")),
    at_the_seam("already there", 1, true, || Fault::Refuse("EntityAlreadyExists")),
    at_the_seam("not there", 1, true, || Fault::Refuse("NoSuchEntity")),
    at_the_seam("changed at the same time", 1, true, || Fault::Refuse("ConcurrentModification")),
    at_the_seam("in the way", 1, true, || Fault::Refuse("DeleteConflict")),
    at_the_seam(REFUSED_DOCUMENT, 1, false, || Fault::Refuse("MalformedPolicyDocument")),
    at_the_seam("a code that nobody knows", 1, false, || Fault::Refuse("Surprise")),
    at_the_seam("hangs", 1, false, || Fault::Hang),
    at_the_seam("slow", 1, true, || Fault::Slow(Duration::from_secs(3))),
    at_the_seam("an old read of an object", 1, true, || Fault::NotSeen),
    at_the_seam("old reads: 1 after each write", 1, true, || Fault::Lag(1)),
    at_the_seam("old reads: 3 after each write", 1, true, || Fault::Lag(3)),
    at_the_seam("old reads: 8 after each write", 1, false, || Fault::Lag(8)),
    at_the_seam("a defect", 1, false, || Fault::Panic),
];

/// What people, the grantee and other tools do to the two names.
pub const MEANWHILE: [Kind; 14] = [
    meanwhile("meanwhile: a role of others appears", |world| {
        let absent = world.role(ROLE).is_none();
        if absent {
            let made = Write::CreateRole {
                role_name: ROLE.into(),
                trust: some_trust(),
                max_session_duration: 3600,
                permissions_boundary: None,
                tags: Tags::new(),
            };
            world.write(&made).unwrap();
            role(world).description = "Made by others".into();
        }
        absent
    }),
    meanwhile("meanwhile: a policy of others appears", |world| {
        let absent = world.policy(&policy_arn(POLICY)).is_none();
        if absent {
            let (policy_name, document) = (POLICY.into(), some_document("sns:*"));
            world.write(&Write::CreatePolicy { policy_name, document, tags: Tags::new() }).unwrap();
            world.policies.get_mut(&policy_arn(POLICY)).unwrap().description = "Made by others".into();
            let (role_name, policy_arn) = ("Theirs".into(), policy_arn(POLICY));
            world.write(&Write::AttachRolePolicy { role_name, policy_arn }).unwrap();
        }
        absent
    }),
    meanwhile("meanwhile: the role is deleted", |world| world.roles.remove(&ROLE.to_lowercase()).is_some()),
    meanwhile("meanwhile: the policy is deleted", |world| {
        for role in world.roles.values_mut() {
            role.attached.remove(&policy_arn(POLICY));
        }
        world.policies.remove(&policy_arn(POLICY)).is_some()
    }),
    meanwhile("meanwhile: the role loses our tags", |world| {
        world.role_mut(ROLE).is_some_and(|role| without_ours(&mut role.tags))
    }),
    meanwhile("meanwhile: the policy loses our tags", |world| {
        world.policies.get_mut(&policy_arn(POLICY)).is_some_and(|policy| without_ours(&mut policy.tags))
    }),
    meanwhile("meanwhile: the policy is detached", |world| {
        world.role_mut(ROLE).is_some_and(|role| role.attached.remove(&policy_arn(POLICY)))
    }),
    meanwhile("meanwhile: another policy is attached", |world| {
        world.role_mut(ROLE).is_some_and(|role| role.attached.insert(policy_arn("Theirs")))
    }),
    meanwhile("meanwhile: an inline policy is put", |world| {
        world.role_mut(ROLE).is_some_and(|role| role.inline.insert("theirs".into(), some_document("s3:*")).is_none())
    }),
    meanwhile("meanwhile: the session grows", |world| {
        world.role_mut(ROLE).is_some_and(|role| std::mem::replace(&mut role.max_session_duration, 43200) != 43200)
    }),
    meanwhile("meanwhile: the trust names a deleted principal", |world| {
        in_the_trust(world, json!({"AWS": DELETED}), "sts:AssumeRole")
    }),
    meanwhile("meanwhile: the trust names an identity provider", |world| {
        in_the_trust(world, json!({"Federated": OIDC}), "sts:AssumeRoleWithWebIdentity")
    }),
    meanwhile("meanwhile: the trust is widened", |world| {
        let role = world.role_mut(ROLE);
        role.is_some_and(|role| {
            std::mem::replace(&mut role.trust["Statement"][0]["Action"], json!(WIDER)) != json!(WIDER)
        })
    }),
    meanwhile("meanwhile: our policy is used by others", |world| {
        let there = world.policy(&policy_arn(POLICY)).is_some();
        there && world.role_mut("Theirs").is_some_and(|role| role.attached.insert(policy_arn(POLICY)))
    }),
];

/// What is different about a network: the SDK's own retries, timeouts and parsers are between the fault and us.
pub const HTTP: [Kind; 20] = [
    // Once more than the SDK tries by itself.
    over_http("http: throttled seven times", 7, true, HttpFault::RefuseWithOne(&PASSING)),
    over_http("http: credentials that are not known for four seconds", FOR_EVER, true, NOT_KNOWN_YET),
    over_http("http: a late signature: each code once", FOR_EVER, true, HttpFault::RefuseWithEach(&LATE)),
    over_http("http: throttled for ever", FOR_EVER, false, HttpFault::Refuse("Throttling")),
    over_http("http: 503 once", 1, true, HttpFault::Refuse("ServiceUnavailable")),
    over_http("http: 500 for ever", FOR_EVER, false, HttpFault::Refuse("ServiceFailure")),
    over_http("http: denied for a moment", 3, true, HttpFault::Refuse("AccessDenied")),
    over_http("http: denied for ever", FOR_EVER, false, HttpFault::Refuse("AccessDenied")),
    over_http("http: reset before the effect", 1, true, HttpFault::Reset { happened: false }),
    over_http("http: reset after the effect", 1, true, HttpFault::Reset { happened: true }),
    over_http("http: reset for ever", FOR_EVER, false, HttpFault::Reset { happened: false }),
    over_http("http: a name that is not resolved once", 1, true, HttpFault::Unresolved),
    over_http("http: a name that is never resolved", FOR_EVER, false, HttpFault::Unresolved),
    over_http("http: no answer, before the effect", 1, true, HttpFault::Hang { happened: false }),
    over_http("http: no answer, after the effect", 1, true, HttpFault::Hang { happened: true }),
    over_http("http: no answer for ever", FOR_EVER, false, HttpFault::Hang { happened: false }),
    over_http("http: an answer that is no XML", 1, true, HttpFault::Body("surprise")),
    over_http("http: an empty answer", 1, true, HttpFault::Body("")),
    over_http("http: 502 and a page", 1, true, HttpFault::Page(502)),
    over_http("http: 403 and a page for ever", FOR_EVER, false, HttpFault::Page(403)),
];

fn without_ours(tags: &mut Tags) -> bool {
    let before = tags.len();
    tags.retain(|key, _| !key.starts_with("orchestera:"));
    tags.len() < before
}

#[test]
fn every_code_that_the_sdk_retries_is_among_the_faults() {
    assert_eq!([THROTTLING_ERRORS, TRANSIENT_ERRORS].concat(), PASSING);
}
