//! What the role may do, by IAM's policy simulator.

use super::claim::Claim;
use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use custom_resource::call::{failed, kind_of};
use custom_resource::error::Error;
use orchestera_access::policy::{self, EDITIONS};
use serde_json::{Value, json};

/// What the role must not be able to do, unless its edition grants it.
const FORBIDDEN: [&str; 6] = [
    "account:CloseAccount",
    "dynamodb:Scan",
    "iam:CreateAccessKey",
    "iam:CreateUser",
    "organizations:LeaveOrganization",
    "secretsmanager:GetSecretValue",
];

/// One for each service of which an edition grants everything: the simulator takes no wildcard.
const SAMPLES: [&str; 6] = [
    "cloudformation:CreateStack",
    "ec2:RunInstances",
    "eks:CreateCluster",
    "iam:CreateRole",
    "pricing:GetProducts",
    "sqs:CreateQueue",
];

/// The most actions in one call, so that an answer stays short.
const BATCH: usize = 100;

/// The result.
#[derive(Clone, Debug)]
pub enum Simulation {
    NotAsked,
    /// Why it is not known.
    NotKnown(String),
    Known {
        /// Actions of the edition on all resources.
        asked: usize,
        denied: Vec<String>,
        /// Actions that the permissions boundary does not allow on every resource.
        limited: Vec<String>,
        /// What the role must not be able to do, without what the edition grants.
        forbidden: Vec<&'static str>,
        /// Of these.
        allowed: Vec<String>,
    },
}

/// Asks for the actions that the edition grants on every resource, and for some that no edition grants.
pub async fn simulate(configuration: &SdkConfig, role_arn: &str, edition: Option<&str>) -> Simulation {
    let Some(edition) = edition else { return Simulation::NotAsked };
    let document =
        EDITIONS.iter().find(|one| one.name == edition).map(|edition| edition.document()).unwrap_or_default();
    let granted = granted(&document);
    let is_granted = |action: &str| {
        let statement = json!({ "Effect": "Allow", "Action": action, "Resource": "*" });
        policy::covers(&document, &json!({ "Statement": [statement] }))
    };
    let forbidden: Vec<_> = FORBIDDEN.into_iter().filter(|action| !is_granted(action)).collect();
    let client = Client::new(configuration);
    let (mut denied, mut limited, mut allowed) = (Vec::new(), Vec::new(), Vec::new());
    let all: Vec<_> = granted.iter().cloned().chain(forbidden.iter().map(|action| (*action).to_owned())).collect();
    for batch in all.chunks(BATCH) {
        match ask(&client, role_arn, batch).await {
            Err(error) => {
                let code = error.failed_call().map(|call| call.code.clone()).unwrap_or_default();
                return Simulation::NotKnown(code);
            }
            Ok(answers) => {
                for (action, decision) in answers {
                    match (forbidden.contains(&action.as_str()), decision) {
                        (true, Decision::Allowed) => allowed.push(action),
                        (false, Decision::Denied) => denied.push(action),
                        (false, Decision::ByBoundary) => limited.push(action),
                        _ => {}
                    }
                }
            }
        }
    }
    Simulation::Known { asked: granted.len(), denied, limited, forbidden, allowed }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Allowed,
    /// The boundary allows it on some resources at most. Whether it is the right one is a claim of its own.
    ByBoundary,
    Denied,
}

async fn ask(client: &Client, role_arn: &str, actions: &[String]) -> Result<Vec<(String, Decision)>, Error> {
    let call = client.simulate_principal_policy().policy_source_arn(role_arn).set_action_names(Some(actions.to_vec()));
    let mut pages = call.into_paginator().items().send();
    let mut answers = Vec::new();
    while let Some(result) = pages.next().await {
        let result = result.map_err(failed("SimulatePrincipalPolicy", kind_of))?;
        let boundary = result.permissions_boundary_decision_detail.as_ref();
        let decision = match (&result.eval_decision, boundary) {
            (PolicyEvaluationDecisionType::Allowed, _) => Decision::Allowed,
            (_, Some(detail)) if !detail.allowed_by_permissions_boundary => Decision::ByBoundary,
            _ => Decision::Denied,
        };
        answers.push((result.eval_action_name, decision));
    }
    Ok(answers)
}

/// The actions of the edition that are granted on `*`. In place of those with a wildcard there are [`SAMPLES`].
fn granted(document: &Value) -> Vec<String> {
    let mut actions = Vec::new();
    for statement in document["Statement"].as_array().into_iter().flatten() {
        let texts = |value: &Value| match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        if texts(&statement["Resource"]).iter().any(|resource| resource == "*") {
            for action in texts(&statement["Action"]) {
                match action.strip_suffix('*') {
                    None => actions.push(action),
                    Some(begin) => {
                        let of_it = SAMPLES.iter().filter(|sample| sample.starts_with(begin));
                        actions.extend(of_it.map(|sample| (*sample).to_owned()));
                    }
                }
            }
        }
    }
    actions.sort();
    actions.dedup();
    actions
}

impl Simulation {
    pub fn claims(&self, is_suspended: bool) -> Vec<Claim> {
        match self {
            Self::NotAsked => Vec::new(),
            Self::NotKnown(code) => {
                let wrong = format!("The policy simulator refused ({code}). Allow it, or add --no-simulation.");
                vec![Claim::new(false, "", wrong)]
            }
            Self::Known { asked, denied, limited, forbidden, allowed } => {
                let is_allowed = |count: usize, rest: &str| {
                    format!("Policy simulator: {count} of {asked} actions of the edition are allowed{rest}")
                };
                let allowed_count = asked - denied.len() - limited.len();
                let may = match (is_suspended, limited.is_empty()) {
                    (true, _) => Claim::new(
                        allowed_count == 0,
                        is_allowed(0, ", because it is suspended."),
                        is_allowed(allowed_count, ", although it is suspended."),
                    ),
                    (false, true) => Claim::new(
                        denied.is_empty(),
                        is_allowed(*asked, "."),
                        is_allowed(allowed_count, &format!(". Denied: {}.", denied.join(", "))),
                    ),
                    (false, false) => {
                        let limits =
                            format!(" on every resource. The permissions boundary limits {}.", limited.join(", "));
                        let wrong = format!("{limits} Denied: {}.", denied.join(", "));
                        Claim::new(
                            denied.is_empty(),
                            is_allowed(allowed_count, &limits),
                            is_allowed(allowed_count, &wrong),
                        )
                    }
                };
                let not = format!("Policy simulator: it may not call {}.", forbidden.join(", "));
                let wrong = format!("Policy simulator: it may do what no edition grants: {}.", allowed.join(", "));
                vec![may, Claim::new(allowed.is_empty(), not, wrong)]
            }
        }
    }
}
