use super::*;
use crate::account::Account;
use crate::iam::{
    AttachedPolicy, Operation, POLICY_DESCRIPTION, PolicyDescription, PolicyVersion, ROLE_DESCRIPTION, RoleDescription,
};
use crate::ownership::{CREATED, Resource};
use crate::properties::Properties;
use crate::trust;
use serde_json::json;
use std::collections::BTreeMap;

fn desired(properties: Value) -> DesiredState {
    let account = Account { partition: "aws".into(), id: "111122223333".into() };
    DesiredState {
        id: account.physical_id("R", "P"),
        account,
        resource: Resource { stack_id: "arn:of:stack".into(), logical_id: "Access".into() },
        properties: Properties::parse(&properties).unwrap(),
        member_role: None,
        change: Change::Create { external_id: "0123456789abcdef".into() },
    }
}

/// The state when nothing is left to do.
fn converged(desired: &DesiredState) -> State {
    let ((tags, _), external_id) = (desired.tags(&State::default()), desired.external_id(&State::default()).unwrap());
    let version = PolicyVersion { id: "v1".into(), is_default: true };
    State {
        role: Some(Role {
            about: RoleDescription {
                arn: desired.account.role_arn("R"),
                description: ROLE_DESCRIPTION.into(),
                trust: trust::document(&desired.account, "017059471480", external_id.as_deref()),
                max_session_duration: 3600,
                permissions_boundary: None,
                tags: tags.clone(),
            },
            attached: vec![AttachedPolicy { arn: desired.policy_arn() }],
            inline: Vec::new(),
            suspension: None,
            instance_profiles: Vec::new(),
        }),
        policy: Some(Policy {
            about: PolicyDescription {
                arn: desired.policy_arn(),
                default_version_id: "v1".into(),
                description: POLICY_DESCRIPTION.into(),
                tags,
            },
            versions: vec![version],
            document: desired.properties.edition.document(),
            other_documents: BTreeMap::new(),
            users: Vec::new(),
        }),
    }
}

const ARN: &str = "arn:aws:iam::111122223333:policy/P";

#[test]
fn without_role_and_policy_the_plan_has_two_stages_and_reads_as_such() {
    let plan = plan(&desired(json!({})), &State::default()).unwrap();
    assert_eq!(plan.to_string(), format!("CreatePolicy P | CreateRole R; AttachRolePolicy R {ARN}"));
    assert_eq!(
        plan.steps().map(Write::operation).collect::<Vec<_>>(),
        [Operation::CreatePolicy, Operation::CreateRole, Operation::AttachRolePolicy]
    );
}

#[test]
fn the_desired_state_is_an_empty_plan() {
    let desired = desired(json!({}));
    let plan = plan(&desired, &converged(&desired)).unwrap();
    assert!(plan.is_empty());
    assert_eq!(plan.to_string(), "nothing to do");
}

#[test]
fn a_plan_names_each_difference_and_puts_a_limit_and_then_what_the_policy_grants_first() {
    let observed = converged(&desired(json!({})));
    let desired = desired(json!({
        "PolicyEdition": "2026-02-06", "MaxSessionDuration": "7200", "ExternalId": "given",
        "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "Tags": [{"Key": "team", "Value": "data"}],
    }));
    let named = "orchestera:policy-edition,orchestera:policy-sha256";
    assert_eq!(
        plan(&desired, &observed).unwrap().to_string(),
        format!(
            "PutRolePermissionsBoundary R arn:aws:iam::aws:policy/ReadOnlyAccess; CreatePolicyVersion {ARN}; \
             TagPolicy {ARN} {named},team | UpdateAssumeRolePolicy R; UpdateRole R MaxSessionDuration=7200; \
             TagRole R {named},team"
        )
    );
}

#[test]
fn steps_of_one_stage_are_about_different_objects() {
    let desired = desired(json!({"Tags": [{"Key": "team", "Value": "data"}], "MaxSessionDuration": "7200"}));
    for mut observed in [State::default(), converged(&desired)] {
        if let Some(policy) = &mut observed.policy {
            policy.about.tags = desired.resource.tags(&desired.id, CREATED);
        }
        for stage in plan(&desired, &observed).unwrap().stages {
            let objects: std::collections::BTreeSet<_> = stage.iter().map(Write::object).collect();
            assert_eq!(objects.len(), stage.len(), "{stage:?}");
        }
    }
}

#[test]
fn a_role_whose_name_differs_in_case_only_is_named_as_that_and_not_as_one_with_a_path() {
    let desired = desired(json!({"RoleName": "R"}));
    let mut observed = State { policy: None, ..converged(&desired) };
    let role = &mut observed.role.as_mut().unwrap().about;
    role.tags.clear();
    role.arn = desired.account.role_arn("r");
    let reason = plan(&desired, &observed).unwrap_err().reason();
    assert!(reason.contains("its name is spelled r,") && reason.contains("set RoleName to r,"), "{reason}");
    assert!(!reason.contains("path"), "{reason}");
}
