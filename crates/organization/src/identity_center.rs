//! `Custom::OrchesteraIdentityCenter`: what is needed of Identity Center to assign accounts, found. Observe → check →
//! answer. It only reads: permission set and assignments are native.

use crate::account::plan::managed;
use crate::account::reason;
use crate::findings::Findings;
use crate::management_account::ManagementAccount;
use crate::management_account::identity_center::PrincipalType;
use crate::wait::{Clock, is_rolling_back, retry};
use check::check;
use custom_resource::response::Attribute;
use custom_resource::{Address, Attributes, Error, Kind, Result};
use observe::{Observed, is_of_stack, observe};
use properties::{PermissionSetChoice, Properties};

pub mod check;
pub mod observe;
pub mod properties;

/// What an event found. What is missing during a rollback is blank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub instance_arn: String,
    pub identity_store_id: String,
    pub principal_id: String,
    pub permission_set_arn: String,
    pub warnings: Vec<String>,
}

/// One event about Identity Center.
#[derive(Debug)]
pub struct Event<'a, M> {
    pub account: &'a M,
    pub address: &'a Address,
    /// The id of the function's own account.
    pub own: &'a str,
    pub clock: Clock,
}

impl<M: ManagementAccount> Event<'_, M> {
    /// Finds instance, principal and permission set, if every check passes.
    ///
    /// # Errors
    /// [`Refused`](Kind::Refused) with everything that stands in the way, and those of the calls. All with a sentence.
    pub async fn create(&self, properties: &Properties) -> Result<Done> {
        retry(&self.clock, async || {
            let observed = self.observed(properties).await?;
            let findings = self.findings(properties, None, &observed);
            match findings.refusal() {
                Some(refusal) => Err(refusal),
                None => Ok(self.done(properties, &observed)),
            }
        })
        .await
    }

    /// Checks what the Update newly turns on, and that instance, principal and permission set are still there.
    ///
    /// # Errors
    /// As for [`Event::create`]. During a rollback nothing is refused: an Update that was refused has changed nothing.
    pub async fn update(&self, id: &str, properties: &Properties, old: Option<&Properties>) -> Result<Done> {
        retry(&self.clock, async || {
            let observed = self.observed(properties).await?;
            let mut findings = self.findings(properties, old, &observed);
            let mut done = self.done(properties, &observed);
            if !done.instance_arn.is_empty() && done.instance_arn != id {
                findings.refuse(format!(
                    "This stack works with the IAM Identity Center instance {id}, and the organization now has {}. Set SignIn \
                     to \"Users\" and update the stack. Then set SignIn to \"IdentityCenter\" again.",
                    done.instance_arn
                ));
            }
            if let Some(refusal) = findings.refusal() {
                if !is_rolling_back(self.account, self.address).await {
                    return Err(refusal);
                }
                done.warnings.push(refusal.reason());
            }
            Ok(done)
        })
        .await
    }

    async fn observed(&self, properties: &Properties) -> Result<Observed> {
        let organization = self.account.organization().await.map_err(reason::of_read)?;
        let organization = managed(organization.as_ref(), self.own)?;
        let accounts = match properties.accounts.is_empty() {
            true => Vec::new(),
            false => self.account.accounts().await.map_err(reason::of_read)?,
        };
        let stack_id = &self.address.stack_id;
        observe(self.account, properties, organization, stack_id, &accounts).await.map_err(of_read)
    }

    fn findings(&self, properties: &Properties, old: Option<&Properties>, observed: &Observed) -> Findings {
        let findings = check(properties, old, observed, self.own, &self.address.stack_id);
        tracing::info!(%findings, "checked");
        findings
    }

    fn done(&self, properties: &Properties, observed: &Observed) -> Done {
        let instance = observed.instance(self.own).cloned().unwrap_or_default();
        // Nobody else's, if the stack is to create its own.
        let set = observed.permission_set.as_ref().filter(|set| {
            properties.permission_set == PermissionSetChoice::Use || is_of_stack(set, &self.address.stack_id)
        });
        Done {
            instance_arn: instance.arn,
            identity_store_id: instance.identity_store_id,
            principal_id: observed.principal_id.clone().unwrap_or_default(),
            permission_set_arn: set.map(|set| set.arn.clone()).unwrap_or_default(),
            warnings: Vec::new(),
        }
    }
}

/// The sentence for a read of Identity Center that failed.
fn of_read(error: Error) -> Error {
    let is_denied = error.kind() == Kind::Denied;
    let error = reason::of_read(error);
    match is_denied {
        true => error.and(
            "If IAM Identity Center is encrypted with your own KMS key, that key's policy must also allow the \
             function's role.",
        ),
        false => error,
    }
}

/// What `Fn::GetAtt` returns. Every attribute is always present.
pub fn attributes(done: Done, principal_type: PrincipalType) -> Attributes {
    let Done { instance_arn, identity_store_id, principal_id, permission_set_arn, warnings } = done;
    let start_url = match identity_store_id.is_empty() {
        true => String::new(),
        false => format!("https://{identity_store_id}.awsapps.com/start"),
    };
    [
        ("InstanceArn", instance_arn.into()),
        ("IdentityStoreId", identity_store_id.into()),
        ("PrincipalId", principal_id.into()),
        ("PrincipalType", principal_type.name().to_owned().into()),
        ("PermissionSetArn", permission_set_arn.into()),
        ("StartUrl", start_url.into()),
        ("Warnings", Attribute::Sentences { sentences: warnings, left_out: 0 }),
    ]
    .into()
}

/// Whether this is the id of a resource that was found, and not of a failed Create.
/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_InstanceMetadata.html>
pub fn is_instance_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.contains(":sso:::instance/")
}
