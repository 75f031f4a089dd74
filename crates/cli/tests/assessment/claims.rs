//! What `verify` claims: a claim fails exactly when something is wrong.

use crate::assume;
use crate::by_hand::{self, in_the_trust, role, some_document};
use crate::fake_iam::{World, policy_arn};
use crate::scene::{GIVEN_ID, RANDOM, Scene, id};
use crate::stack::POLICY;
use orchestera_cli::verify::{Simulation, claims};
use serde_json::{Value, json};

/// The sentences that do not hold.
fn failing(scene: &Scene) -> Vec<String> {
    let claims = claims(&id(), &scene.observed, &scene.assess(), &Simulation::NotAsked);
    claims.into_iter().filter(|claim| !claim.holds).map(|claim| claim.sentence).collect()
}

fn nothing(_: &mut World) {}

const OTHERS: &str = "Others may assume it, too: see its trust policy.";
const TRUST: &str = "Its trust policy is not as the stack wants.";
const ROLE_TAGS: &str = "The tags of the role are not as the stack wants.";
const POLICY_TAGS: &str = "The tags of the policy are not as the stack wants.";
const OWNER: &str = "The owner of role and policy is not as the stack wants.";
const SESSION: &str = "The maximum session duration is not as the stack wants.";
const PLATFORM: &str = "The platform, account 017059471480, cannot assume it.";
const DETACHED: &str = "The policy is detached from the role.";

#[test]
fn no_claim_fails_if_everything_is_as_the_stack_wants_it() {
    for properties in super::properties() {
        for furnish in [nothing, by_hand::guides] {
            let scene = Scene::created(furnish, &properties, nothing);
            assert_eq!(failing(&scene), Vec::<String>::new(), "{properties}");
            // Only the stack knows that no external id is wanted: a generated one is in the tags in any case.
            if properties["RequireExternalId"].is_null() {
                assert_eq!(failing(&scene.without_stack()), Vec::<String>::new(), "{properties}, without its stack");
            }
        }
    }
    assert_eq!(failing(&Scene::by_hand(by_hand::guides)), Vec::<String>::new());
}

#[test]
fn the_claims_name_the_external_id_and_the_boundary() {
    let said = |properties| {
        let scene = Scene::created(nothing, &properties, nothing);
        let claims = claims(&id(), &scene.observed, &scene.assess(), &Simulation::NotAsked);
        claims.into_iter().map(|claim| claim.sentence).collect::<Vec<_>>()
    };
    assert!(said(json!({})).contains(&format!("It requires the external ID {RANDOM}.")));
    assert!(said(json!({"ExternalId": GIVEN_ID})).contains(&format!("It requires the external ID {GIVEN_ID}.")));
    assert!(said(json!({"RequireExternalId": "false"})).contains(&"It requires no external ID.".into()));
    let boundary = policy_arn("Theirs");
    assert!(
        said(json!({"PermissionsBoundaryArn": boundary})).contains(&format!("Its permissions boundary is {boundary}."))
    );
    let suspended = said(json!({"AccessState": "Suspended"}));
    assert!(suspended.contains(&"The platform, account 017059471480, cannot assume it: it is suspended.".into()));
    assert!(suspended.contains(&"The policy is detached from the role: it is suspended.".into()));
}

/// What it is called, what is done by hand, and the claims that fail then.
type Wrong = (&'static str, fn(&mut World), Vec<&'static str>);

fn wrongs() -> Vec<Wrong> {
    vec![
        (
            "another account",
            |world| {
                in_the_trust(world, json!({"AWS": "arn:aws:iam::444455556666:root"}), "sts:AssumeRole");
            },
            vec![OTHERS, TRUST],
        ),
        (
            "everybody",
            |world| {
                in_the_trust(world, json!("*"), "sts:AssumeRole");
            },
            vec![OTHERS, TRUST],
        ),
        (
            "everybody of AWS",
            |world| {
                in_the_trust(world, json!({"AWS": "*"}), "sts:*");
            },
            vec![OTHERS, TRUST],
        ),
        (
            "a provider",
            |world| {
                in_the_trust(world, json!({"Federated": assume::OIDC}), "sts:AssumeRoleWithWebIdentity");
            },
            vec![OTHERS, TRUST],
        ),
        (
            "a service",
            |world| {
                in_the_trust(world, json!({"Service": "ec2.amazonaws.com"}), "sts:AssumeRole");
            },
            vec![OTHERS, TRUST],
        ),
        (
            "not the platform",
            |world| {
                role(world).trust["Statement"][0]["Principal"] = json!({"AWS": "arn:aws:iam::444455556666:root"});
            },
            vec![PLATFORM, OTHERS, TRUST],
        ),
        (
            "a condition more",
            |world| {
                role(world).trust["Statement"][0]["Condition"]["IpAddress"] = json!({"aws:SourceIp": "192.0.2.0/24"});
            },
            vec![TRUST],
        ),
        (
            "without external id",
            |world| role(world).trust["Statement"][0]["Condition"] = json!({}),
            vec!["It requires no external ID. That is not what the stack wants.", TRUST],
        ),
        (
            "another document",
            |world| by_hand::add_version(world, some_document("iam:*"), true),
            vec!["The policy OrchesteraAccessPolicy is no published edition."],
        ),
        ("detached", |world| role(world).attached.clear(), vec![DETACHED]),
        (
            "without the policy",
            |world| {
                role(world).attached.clear();
                world.policies.remove(&policy_arn(POLICY));
            },
            vec!["The policy OrchesteraAccessPolicy is no published edition.", DETACHED],
        ),
        (
            "an inline policy",
            |world| {
                role(world).inline.insert("theirs".into(), some_document("s3:*"));
            },
            vec!["Others put policies on the role: inline:theirs."],
        ),
        (
            "a boundary that nobody wants",
            |world| role(world).permissions_boundary = Some(policy_arn("Theirs")),
            vec![
                "Its permissions boundary is arn:aws:iam::111122223333:policy/Theirs. That is not what the stack wants.",
            ],
        ),
        ("the role's tags", |world| role(world).tags.clear(), vec![ROLE_TAGS]),
        (
            "the policy's tags",
            |world| world.policies.values_mut().for_each(|policy| policy.tags.clear()),
            vec![POLICY_TAGS],
        ),
        (
            "another stack's",
            |world| {
                role(world).tags.insert("orchestera:logical-id".into(), "Another".into());
            },
            vec![ROLE_TAGS, OWNER],
        ),
        ("a longer session", |world| role(world).max_session_duration = 43200, vec![SESSION]),
    ]
}

#[test]
fn what_is_wrong_fails_its_claims_and_no_others() {
    for (name, change, expected) in wrongs() {
        assert_eq!(failing(&Scene::created(nothing, &json!({}), change)), expected, "{name}");
    }
}

#[test]
fn a_boundary_that_is_missing_fails_its_claim() {
    let properties = json!({"PermissionsBoundaryArn": policy_arn("Theirs")});
    let scene = Scene::created(nothing, &properties, |world| role(world).permissions_boundary = None);
    assert_eq!(failing(&scene), ["It has no permissions boundary. That is not what the stack wants."]);
}

#[test]
fn a_role_that_is_suspended_and_still_open_or_attached_fails_its_claims() {
    let suspended = json!({"AccessState": "Suspended"});
    let of = |change| failing(&Scene::created(nothing, &suspended, change));
    assert_eq!(of(by_hand::attach), ["The policy is attached to the role."]);
    let open = of(|world| {
        let statements = role(world).trust["Statement"].as_array_mut().unwrap();
        statements.retain(|statement| statement["Effect"] == "Allow");
    });
    assert!(open.contains(&"The platform, account 017059471480, may assume it.".into()), "{open:?}");
    assert!(open.contains(&TRUST.into()), "{open:?}");
    let without_deny = of(|world| drop(role(world).inline.remove("OrchesteraSuspended")));
    assert_eq!(without_deny, ["The kill switch is not as the stack wants."]);
}

#[test]
fn without_a_role_the_one_claim_is_that_it_exists() {
    assert_eq!(failing(&Scene::by_hand(nothing)), ["The role OrchesteraAccessRole does not exist."]);
}

#[test]
fn what_the_simulator_says_is_claimed() {
    let of = |simulation: &Simulation| {
        let scene = Scene::created(nothing, &json!({}), nothing);
        let claims = claims(&id(), &scene.observed, &scene.assess(), simulation);
        claims.into_iter().filter(|claim| !claim.holds).map(|claim| claim.sentence).collect::<Vec<_>>()
    };
    let known = |denied: &[&str], limited: &[&str], allowed: &[&str]| Simulation::Known {
        asked: 3,
        limited: limited.iter().map(|action| (*action).to_owned()).collect(),
        denied: denied.iter().map(|action| (*action).to_owned()).collect(),
        forbidden: vec!["iam:CreateUser"],
        allowed: allowed.iter().map(|action| (*action).to_owned()).collect(),
    };
    assert_eq!(of(&known(&[], &[], &[])), Vec::<String>::new());
    // The boundary is claimed by itself.
    assert_eq!(of(&known(&[], &["iam:PassRole"], &[])), Vec::<String>::new());
    let denied = "Policy simulator: 2 of 3 actions of the edition are allowed. Denied: ec2:RunInstances.";
    assert_eq!(of(&known(&["ec2:RunInstances"], &[], &[])), [denied]);
    let allowed = "Policy simulator: it may do what no edition grants: iam:CreateUser.";
    assert_eq!(of(&known(&[], &[], &["iam:CreateUser"])), [allowed]);
    let refused = "The policy simulator refused (AccessDenied). Allow it, or add --no-simulation.";
    assert_eq!(of(&Simulation::NotKnown("AccessDenied".into())), [refused]);
}
