//! `Custom::OrchesteraOrganization`: the organization, found or created, and every check that is possible by reading.
//! Observe → check → create, until there is one.

use crate::account::plan::managed;
use crate::account::{failure, reason};
use crate::environment::Environment;
use crate::management_account::{ManagementAccount, OrganizationDescription};
use crate::wait::{Clock, is_rolling_back, own_resource, retry};
use custom_resource::response::Attribute;
use custom_resource::{Address, Attributes, Error, Kind, Result};
use observe::{Asked, Observed, observe};
use preflight::check;
use properties::Properties;
use std::time::Duration;

pub mod contacts;
pub mod observe;
pub mod preflight;
pub mod properties;
pub mod unreadable;

/// How long a check is tried again if its call is denied or gets no answer. Then it is left out, with a warning. Rights
/// of a new role arrive earlier.
const CHECKS_ARE_LEFT_OUT: Duration = Duration::from_secs(20);

/// The organization, as an event reached it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub organization: OrganizationDescription,
    pub root_id: String,
    /// Whether this event created it. Nothing records it: an organization has no tags.
    pub is_created: bool,
    pub warnings: Vec<String>,
}

/// One event about the organization.
#[derive(Debug)]
pub struct Event<'a, M> {
    pub account: &'a M,
    pub address: &'a Address,
    pub environment: &'a Environment,
    /// The id of the function's own account.
    pub own: &'a str,
    pub clock: Clock,
}

impl<M: ManagementAccount> Event<'_, M> {
    /// Finds the organization, or creates it if every check passes.
    ///
    /// # Errors
    /// [`Refused`](Kind::Refused) with everything that stands in the way, and those of the calls. All with a sentence.
    pub async fn create(&self, properties: &Properties) -> Result<Done> {
        let mut is_created = false;
        let mut warnings = None;
        retry(&self.clock, async || self.created(properties, &mut is_created, &mut warnings).await).await
    }

    async fn created(
        &self,
        properties: &Properties,
        is_created: &mut bool,
        warnings: &mut Option<Vec<String>>,
    ) -> Result<Done> {
        let asked = self.asked(properties, None);
        let observed = self.observed(asked).await?;
        // After the write, the organization is only read.
        if !*is_created {
            let findings = check(asked, &observed);
            tracing::info!(%findings, "checked");
            if let Some(refusal) = findings.refusal() {
                return Err(refusal);
            }
            *warnings = Some(findings.warnings);
        }
        match observed {
            Observed { organization: Some(organization), members: Some(members), .. } => Ok(Done {
                organization,
                root_id: members.root_id,
                is_created: *is_created,
                warnings: warnings.take().unwrap_or_default(),
            }),
            _ => {
                self.create_organization(is_created).await?;
                Err(Error::new(
                    Kind::LookAgain,
                    "The organization was created, and cannot be read yet. It stays. Create the stack again: it will be \
                     found.",
                ))
            }
        }
    }

    fn asked<'a>(&'a self, properties: &'a Properties, old: Option<&'a Properties>) -> Asked<'a> {
        Asked { properties, old, own: self.own, stack_id: &self.address.stack_id }
    }

    async fn observed(&self, asked: Asked<'_>) -> Result<Observed> {
        let is_last = self.clock.budget.start.elapsed() >= CHECKS_ARE_LEFT_OUT;
        observe(self.account, asked, is_last).await.map_err(reason::of_read)
    }

    async fn create_organization(&self, is_created: &mut bool) -> Result<()> {
        self.environment.refuse_other_stacks(self.address)?;
        own_resource(self.account, self.address, &self.clock.budget).await.map_err(reason::of_read)?;
        self.clock.refuse_late_writes()?;
        self.account.create_organization().await.map_err(failure::of_create_organization)?;
        *is_created = true;
        Ok(())
    }

    /// Checks what the Update newly turns on. Writes nothing.
    ///
    /// # Errors
    /// As for [`Event::create`]. During a rollback nothing is refused: an Update that was refused has changed nothing.
    pub async fn update(&self, id: &str, properties: &Properties, old: Option<&Properties>) -> Result<Done> {
        retry(&self.clock, async || {
            let asked = self.asked(properties, old);
            let observed = self.observed(asked).await?;
            let organization = managed(observed.organization.as_ref(), self.own)?.clone();
            let members = observed.members.clone().unwrap_or_default();
            let findings = check(asked, &observed);
            tracing::info!(%findings, "checked");
            let mut refusal = findings.refusal();
            if organization.id != id {
                refusal = Some(Error::refused(format!(
                    "This account was in the organization {id}, and is now in {}. Delete this stack and create it again.",
                    organization.id
                )));
            }
            let mut warnings = findings.warnings;
            if let Some(error) = refusal {
                if !is_rolling_back(self.account, self.address).await {
                    return Err(error);
                }
                warnings.push(error.reason());
            }
            Ok(Done { organization, root_id: members.root_id, is_created: false, warnings })
        })
        .await
    }
}

/// What `Fn::GetAtt` returns. Every attribute is always present.
pub fn attributes(done: Done) -> Attributes {
    let Done { organization, root_id, is_created, warnings } = done;
    [
        ("OrganizationId", organization.id.into()),
        ("RootId", root_id.into()),
        ("ManagementAccountId", organization.management_account_id.into()),
        ("FeatureSet", organization.feature_set.into()),
        ("Ownership", if is_created { "created" } else { "found" }.to_owned().into()),
        ("Warnings", Attribute::Sentences { sentences: warnings, left_out: 0 }),
    ]
    .into()
}

/// What a Delete reports. It makes no call.
pub fn is_kept(id: &str) -> String {
    format!(
        "The organization {id} was kept, with all its accounts. To delete it, remove or close its member accounts, then open \
         AWS Organizations in the console, Settings, Delete organization."
    )
}
