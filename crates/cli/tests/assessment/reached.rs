//! Each state, and what decides between them.

use crate::by_hand::{self, in_the_trust, role, some_document};
use crate::fake_iam::{World, policy_arn, tags};
use crate::scene::{GIVEN_ID, RANDOM, Scene, stack_id};
use crate::stack::POLICY;
use crate::states::{MANAGEMENT, some_trust};
use orchestera_access::reconcile::suspension;
use orchestera_cli::assessment::State;
use serde_json::{Value, json};

fn nothing(_: &mut World) {}

fn ours(since: fn(&mut World)) -> Scene {
    Scene::created(nothing, &json!({}), since)
}

/// As the native template creates them: the role alone has tags, and two of them.
fn native(world: &mut World) {
    by_hand::guides(world);
    world.policies.values_mut().for_each(|policy| policy.tags.clear());
    let role = role(world);
    role.trust["Statement"][0]["Condition"] = json!({"StringEquals": {"sts:ExternalId": GIVEN_ID}});
    role.tags = tags([("orchestera:logical-id", "AccessRole")]);
    role.tags.insert("orchestera:stack-id".into(), stack_id(crate::fake_iam::ACCOUNT));
}

/// The native template suspends by a second statement, an inline policy, and by attaching nothing.
fn native_and_suspended(world: &mut World) {
    native(world);
    let closed: Value = serde_json::from_str(include_str!("../../../../policies/trust-suspended.json")).unwrap();
    let role = role(world);
    role.trust["Statement"].as_array_mut().unwrap().push(closed["Statement"][0].clone());
    role.inline.insert(suspension::POLICY_NAME.into(), suspension::document());
    role.attached.clear();
}

fn scenes() -> Vec<(&'static str, Scene, State, &'static str)> {
    let failed = |status| Scene::by_hand(nothing).in_status(status, "The quota is used up.");
    let open = |world: &mut World| {
        in_the_trust(world, json!({"AWS": "arn:aws:iam::444455556666:root"}), "sts:AssumeRole");
    };
    let suspended = json!({"AccessState": "Suspended"});
    let to_open = "To open it, update the stack with AccessState=Active.";
    let update = "To repair them, update the stack access with a changed parameter, such as MaxSessionDuration, and change it back.";
    let adopt = "It works, and was created by hand. You can create the stack, which adopts it.";
    let gone = "The stack that the role's tags name was not found or cannot be read.";
    vec![
        ("ours", ours(nothing), State::Ready, ""),
        (
            "ours, its last update failed",
            ours(nothing).in_status("UPDATE_ROLLBACK_COMPLETE", "x"),
            State::Ready,
            "The last update of the stack access failed. See its events.",
        ),
        ("ours, without its stack", ours(nothing).without_stack(), State::Ready, gone),
        ("given", Scene::created(nothing, &json!({"ExternalId": GIVEN_ID}), nothing), State::Ready, ""),
        (
            "given, without its stack",
            Scene::created(nothing, &json!({"ExternalId": GIVEN_ID}), nothing).without_stack(),
            State::Ready,
            gone,
        ),
        (
            "without external id",
            Scene::created(nothing, &json!({"RequireExternalId": "false"}), nothing),
            State::Ready,
            "",
        ),
        (
            "adopted without external id",
            Scene::created(by_hand::guides, &json!({"RequireExternalId": "false"}), nothing),
            State::Ready,
            "",
        ),
        (
            "in a member account",
            Scene::created(nothing, &json!({"MemberAccountId": crate::fake_iam::ACCOUNT}), nothing),
            State::Ready,
            "",
        ),
        ("by hand", Scene::by_hand(by_hand::guides), State::Ready, adopt),
        ("native", Scene::by_hand(native).of_native_template("Active"), State::Ready, ""),
        ("native, without its stack", Scene::by_hand(native), State::Ready, gone),
        (
            "native, suspended",
            Scene::by_hand(native_and_suspended).of_native_template("Suspended"),
            State::Suspended,
            to_open,
        ),
        ("native, suspended, without its stack", Scene::by_hand(native_and_suspended), State::Suspended, to_open),
        ("suspended", Scene::created(nothing, &suspended, nothing), State::Suspended, to_open),
        (
            "suspended, without its stack",
            Scene::created(nothing, &suspended, nothing).without_stack(),
            State::Suspended,
            to_open,
        ),
        ("adopted, suspended", Scene::created(by_hand::guides, &suspended, nothing), State::Suspended, to_open),
        (
            "suspended by hand",
            ours(|world| {
                role(world).inline.insert(suspension::POLICY_NAME.into(), suspension::document());
            }),
            State::Suspended,
            "These fields differ: role.suspension. The platform's access is suspended. To open it, update the stack with AccessState=Active.",
        ),
        (
            "drifted",
            ours(|world| role(world).attached.clear()),
            State::Drifted,
            "These fields differ: role.attachment. To repair them, update the stack access with a changed parameter, such as MaxSessionDuration, and change it back.",
        ),
        (
            "open to another account",
            ours(open),
            State::Drifted,
            "These fields differ: role.trust. To repair them, update the stack access with a changed parameter, such as MaxSessionDuration, and change it back.",
        ),
        (
            "open to another account, without its stack",
            ours(open).without_stack(),
            State::Drifted,
            "These fields differ: role.trust. Its stack was not found. If that stack no longer exists, delete the \
             role and the policy, then create the stack again.",
        ),
        (
            "both without tags",
            ours(|world| {
                role(world).tags.clear();
                world.policies.values_mut().for_each(|policy| policy.tags.clear());
            }),
            State::Drifted,
            "These fields differ: role.tags, policy.tags. To repair them, update the stack access with a changed parameter, such as MaxSessionDuration, and change it back.",
        ),
        (
            "native, detached",
            Scene::by_hand(|world| {
                native(world);
                role(world).attached.clear();
            })
            .of_native_template("Active"),
            State::Drifted,
            "These fields differ: role.attachment. To repair them, update the stack access with a changed parameter, such as MaxSessionDuration, and change it back.",
        ),
        (
            "by hand, another document",
            Scene::by_hand(|world| {
                by_hand::guides(world);
                by_hand::add_version(world, some_document("iam:*"), true);
            }),
            State::Drifted,
            "These fields differ: policy.document. Create the stack, which adopts the role.",
        ),
        (
            "by hand, without the policy",
            Scene::by_hand(|world| {
                by_hand::guides(world);
                role(world).attached.clear();
                world.policies.remove(&policy_arn(POLICY));
            }),
            State::Drifted,
            "These fields differ: role.attachment, policy. Create the stack, which adopts the role.",
        ),
        (
            "ours, the tag of the edition changed by hand, without its stack",
            ours(|world| {
                role(world).tags.insert("orchestera:policy-edition".into(), "2099-01-01".into());
                by_hand::add_version(world, some_document("iam:*"), true);
            })
            .without_stack(),
            State::Drifted,
            "role.tags, policy.document.",
        ),
        (
            "of a later release",
            ours(nothing).with_parameter("PolicyEdition", "2099-01-01"),
            State::Drifted,
            "This release does not know a parameter of the stack, so nothing was compared. Use the release of the stack.",
        ),
        (
            "nothing",
            Scene::by_hand(nothing),
            State::Missing,
            "Create the stack in this account, or add the account to the StackSet.",
        ),
        (
            "the policy alone",
            Scene::by_hand(|world| by_hand::policy_by_hand(world, POLICY, tags([]))),
            State::Missing,
            "Create the stack in this account, or add the account to the StackSet.",
        ),
        (
            "being created",
            failed("CREATE_IN_PROGRESS"),
            State::Missing,
            "The stack access is CREATE_IN_PROGRESS. Look again when it has ended.",
        ),
        (
            "deleted by hand",
            ours(|world| drop(world.roles.remove("orchesteraaccessrole"))),
            State::Missing,
            "The role OrchesteraAccessRole was deleted. Update the stack access, which creates it again.",
        ),
        (
            "trusts somebody else",
            Scene::by_hand(|world| {
                by_hand::guides(world);
                role(world).trust = some_trust();
            }),
            State::Foreign,
            "The role OrchesteraAccessRole was not created by this product and trusts somebody other than the \
             platform. Delete it if nobody needs it.",
        ),
        (
            "trusts others too",
            Scene::by_hand(|world| {
                by_hand::guides(world);
                in_the_trust(world, json!("*"), "sts:AssumeRole");
            }),
            State::Foreign,
            "The role OrchesteraAccessRole was not created by this product and trusts principals other than the \
             platform. Delete it if nobody needs it.",
        ),
        (
            "failed",
            failed("ROLLBACK_COMPLETE"),
            State::StackFailed,
            "The stack access is ROLLBACK_COMPLETE. The quota is used up. Delete it and create it again.",
        ),
        (
            "failed to be created",
            failed("CREATE_FAILED"),
            State::StackFailed,
            "The stack access is CREATE_FAILED. The quota is used up. Delete it and create it again.",
        ),
        (
            "failed to be deleted",
            ours(nothing).in_status("DELETE_FAILED", ""),
            State::StackFailed,
            "The stack access is DELETE_FAILED. See its events. Delete it again.",
        ),
        (
            "failed to roll back",
            ours(nothing).in_status("UPDATE_ROLLBACK_FAILED", ""),
            State::StackFailed,
            "The stack access is UPDATE_ROLLBACK_FAILED. See its events. Continue the rollback.",
        ),
        (
            "failed to be updated",
            ours(nothing).in_status("UPDATE_FAILED", ""),
            State::StackFailed,
            "The stack access is UPDATE_FAILED. See its events. Correct that, then update it.",
        ),
        (
            "another stack's",
            ours(|world| {
                role(world).tags.insert("orchestera:logical-id".into(), "Another".into());
            }),
            State::Drifted,
            update,
        ),
        (
            "another account's stack",
            ours(|world| {
                for tags in world.roles.values_mut().map(|role| &mut role.tags) {
                    tags.insert("orchestera:stack-id".into(), stack_id(MANAGEMENT));
                }
            })
            .without_stack(),
            State::Drifted,
            "Its stack was not found",
        ),
    ]
}

#[test]
fn each_state_is_reached_and_says_what_to_do() {
    let mut wrong = Vec::new();
    for (name, scene, state, to_do) in scenes() {
        let found = scene.assess();
        if (found.state, found.to_do.contains(to_do), found.to_do.is_empty()) != (state, true, to_do.is_empty()) {
            wrong.push(format!("{name}: {} {}", found.state, found.to_do));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_external_id_is_the_one_that_the_trust_policy_asks_for() {
    let asked = |properties: Value, since| Scene::created(nothing, &properties, since).assess().external_id;
    assert_eq!(asked(json!({}), nothing).as_deref(), Some(RANDOM));
    assert_eq!(asked(json!({"ExternalId": GIVEN_ID}), nothing).as_deref(), Some(GIVEN_ID));
    // The tags still have the one that was generated.
    assert_eq!(asked(json!({"RequireExternalId": "false"}), nothing), None);
    assert_eq!(asked(json!({}), |world| role(world).trust["Statement"][0]["Condition"] = json!({})), None);
    assert_eq!(Scene::by_hand(by_hand::guides).assess().external_id, None);
}

#[test]
fn a_generated_external_id_that_was_changed_by_hand_is_drift_although_the_parameter_is_masked() {
    let changed = |world: &mut World| {
        role(world).trust["Statement"][0]["Condition"] = json!({"StringEquals": {"sts:ExternalId": "theirs"}});
    };
    for properties in [json!({}), json!({"ExternalId": GIVEN_ID})] {
        let found = Scene::created(nothing, &properties, changed).assess();
        let fields: Vec<_> = found.differences.iter().map(|difference| difference.field).collect();
        assert_eq!((found.state, &fields[..]), (State::Drifted, &["role.trust"][..]), "{properties}");
        assert_eq!(found.external_id.as_deref(), Some("theirs"));
    }
}

#[test]
fn edition_guardrail_and_foreign_policies_are_what_is_in_force() {
    let found = Scene::created(nothing, &json!({"PolicyEdition": "2026-02-06"}), |world| {
        role(world).permissions_boundary =
            Some("arn:aws:iam::111122223333:policy/orchestera-guardrail/0a1b/Guard".into());
        role(world).inline.insert("theirs".into(), some_document("s3:*"));
        role(world).attached.insert(policy_arn("Theirs"));
    })
    .assess();
    assert_eq!(found.edition, Some("2026-02-06"));
    assert_eq!(
        found.guardrail_arn.as_deref(),
        Some("arn:aws:iam::111122223333:policy/orchestera-guardrail/0a1b/Guard")
    );
    assert_eq!(found.foreign_policies, [policy_arn("Theirs"), "inline:theirs".into()]);
    let found = ours(|world| {
        role(world).permissions_boundary = Some(policy_arn("Theirs"));
        by_hand::add_version(world, some_document("iam:*"), true);
    })
    .assess();
    assert_eq!((found.edition, found.guardrail_arn), (None, None));
}
