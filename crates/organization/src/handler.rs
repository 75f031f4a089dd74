//! The custom resources of the management account: which event goes where, and the response that comes of it.

use crate::account::{self, attributes::attributes};
use crate::contact;
use crate::environment::Environment;
use crate::identity_center;
use crate::management_account::ManagementAccount;
use crate::management_account::aws::AwsManagementAccount;
use crate::organization;
use crate::wait::Clock;
use custom_resource::function::Clients;
use custom_resource::function_arn::{is_account_id, partition_and_account};
use custom_resource::properties::scalar;
use custom_resource::response::is_of_failed_create;
use custom_resource::{Attributes, Context, CustomResource, Error, Outcome, Request, Result, Unfinished};
use serde_json::Value;
use std::time::SystemTime;
use tokio::sync::OnceCell;

/// The type of the organization's resource.
pub const ORGANIZATION: &str = "Custom::OrchesteraOrganization";
/// The type of a member account's resource.
pub const ACCOUNT: &str = "Custom::OrchesteraAccount";
/// The type of an alternate contact's resource.
pub const CONTACT: &str = "Custom::OrchesteraContact";
/// The type of what is found of Identity Center.
pub const IDENTITY_CENTER: &str = "Custom::OrchesteraIdentityCenter";

/// The organization function.
#[derive(Debug, Default)]
pub struct OrganizationFunction {
    environment: Environment,
    account: OnceCell<AwsManagementAccount>,
}

impl OrganizationFunction {
    pub fn new(environment: Environment) -> Self {
        Self { environment, account: OnceCell::new() }
    }

    async fn account(&self, clients: &Clients) -> Result<&AwsManagementAccount> {
        self.account.get_or_try_init(async || Ok(AwsManagementAccount::new(clients.configuration().await?))).await
    }
}

impl CustomResource for OrganizationFunction {
    async fn prepare(&self, clients: &Clients) -> Result<()> {
        self.account(clients).await.map(drop)
    }

    async fn handle(&self, request: &Request, context: &Context<'_>) -> std::result::Result<Outcome, Unfinished> {
        match self.account(context.clients).await {
            Ok(account) => decide(request, context, account, &self.environment, SystemTime::now()).await,
            Err(error) => Ok(Outcome::failed(context.address, error)),
        }
    }
}

/// Works on one event. `now` is the time of day.
///
/// # Errors
/// [`Unfinished`] if an account is still being created, and Lambda repeats the event.
pub async fn decide<M: ManagementAccount>(
    request: &Request,
    context: &Context<'_>,
    account: &M,
    environment: &Environment,
    now: SystemTime,
) -> std::result::Result<Outcome, Unfinished> {
    let address = context.address;
    let own = partition_and_account(&context.invocation.function_arn, address.service_token.as_deref());
    let own = match own {
        Ok((_, own)) => own,
        Err(error) => return Ok(Outcome::failed(address, error)),
    };
    let clock = Clock { budget: context.budget, start: now };
    match address.resource_type.as_str() {
        ORGANIZATION => {
            let event = organization::Event { account, address, environment, own: &own, clock };
            let outcome = Box::pin(organization(request, &event)).await;
            Ok(outcome.unwrap_or_else(|error| Outcome::failed(address, error)))
        }
        ACCOUNT => {
            let event = account::Event { account, address, environment, own: &own, clock };
            let outcome = Box::pin(member_account(request, &event)).await?;
            Ok(outcome.unwrap_or_else(|error| Outcome::failed(address, error)))
        }
        IDENTITY_CENTER => {
            let event = identity_center::Event { account, address, own: &own, clock };
            let outcome = Box::pin(identity_center(request, &event)).await;
            Ok(outcome.unwrap_or_else(|error| Outcome::failed(address, error)))
        }
        CONTACT => {
            let event = contact::Event { account, address, environment, own: &own, clock };
            let outcome = Box::pin(alternate_contact(request, &event)).await;
            Ok(outcome.unwrap_or_else(|error| Outcome::failed(address, error)))
        }
        // A Delete must not fail, or its stack could never be deleted.
        _ if matches!(request, Request::Delete { .. }) => Ok(deleted(request, String::new())),
        other => Ok(Outcome::failed(
            address,
            Error::refused(format!(
                "This function serves {ORGANIZATION}, {ACCOUNT}, {IDENTITY_CENTER} and {CONTACT}, not '{other}'. Correct the \
                 resource's type in the template."
            )),
        )),
    }
}

async fn organization<M: ManagementAccount>(request: &Request, event: &organization::Event<'_, M>) -> Result<Outcome> {
    use organization::properties::Properties;
    let done = match request {
        Request::Create { properties } => event.create(&Properties::parse(properties)?).await?,
        // The id of a failed Create: nothing is owned yet, so that the rules of Create hold.
        Request::Update { physical_id, properties, .. } if !is_organization_id(physical_id) => {
            event.create(&Properties::parse(properties)?).await?
        }
        Request::Update { physical_id, properties, old_properties } => {
            let old = Properties::parse(old_properties).ok();
            let done = event.update(physical_id, &Properties::parse(properties)?, old.as_ref()).await?;
            return Ok(success(physical_id.clone(), organization::attributes(done)));
        }
        Request::Delete { physical_id, .. } => {
            let note = if is_organization_id(physical_id) { organization::is_kept(physical_id) } else { String::new() };
            return Ok(deleted(request, note));
        }
    };
    Ok(success(done.organization.id.clone(), organization::attributes(done)))
}

async fn member_account<M: ManagementAccount>(
    request: &Request,
    event: &account::Event<'_, M>,
) -> std::result::Result<Result<Outcome>, Unfinished> {
    use account::properties::{ACCOUNT_NAME, Properties};
    let parse = |properties: &Value| Properties::parse(properties);
    match request {
        Request::Update { physical_id, properties, old_properties } if is_account_id(physical_id) => {
            let updated = async {
                let (properties, old) = (parse(properties)?, parse(old_properties).ok());
                let (done, warnings) = event.update(physical_id, &properties, old.as_ref()).await?;
                Ok(success(physical_id.clone(), attributes(&done, &properties.role_name, warnings)))
            };
            Ok(updated.await)
        }
        // A Create, and the Update of a Create that failed. That one's old id is given up: a Delete of it does nothing.
        Request::Create { properties } | Request::Update { properties, .. } => {
            let properties = match parse(properties) {
                Ok(properties) => properties,
                Err(error) => return Ok(Err(error)),
            };
            let created = event.create(&properties).await?;
            Ok(created
                .map(|done| success(done.account.id.clone(), attributes(&done, &properties.role_name, Vec::new()))))
        }
        Request::Delete { physical_id, properties } => {
            let note = match is_account_id(physical_id) {
                true => event.delete(physical_id).await,
                // A Create that answered has created nothing since.
                false if is_of_failed_create(physical_id) => String::new(),
                false => {
                    let name = scalar(&properties["AccountName"]).filter(|name| !name.is_empty());
                    event.delete_after_failed_create(name.as_deref().unwrap_or(ACCOUNT_NAME)).await
                }
            };
            Ok(Ok(deleted(request, note)))
        }
    }
}

async fn identity_center<M: ManagementAccount>(
    request: &Request,
    event: &identity_center::Event<'_, M>,
) -> Result<Outcome> {
    use identity_center::properties::Properties;
    use identity_center::{attributes, is_instance_arn};
    match request {
        Request::Update { physical_id, properties, old_properties } if is_instance_arn(physical_id) => {
            let (properties, old) = (Properties::parse(properties)?, Properties::parse(old_properties).ok());
            let done = event.update(physical_id, &properties, old.as_ref()).await?;
            Ok(success(physical_id.clone(), attributes(done, properties.principal.principal_type)))
        }
        // A Create, and the Update of a Create that failed.
        Request::Create { properties } | Request::Update { properties, .. } => {
            let properties = Properties::parse(properties)?;
            let done = event.create(&properties).await?;
            Ok(success(done.instance_arn.clone(), attributes(done, properties.principal.principal_type)))
        }
        Request::Delete { .. } => Ok(deleted(request, String::new())),
    }
}

async fn alternate_contact<M: ManagementAccount>(request: &Request, event: &contact::Event<'_, M>) -> Result<Outcome> {
    use contact::{physical_id::PhysicalId, properties::Properties};
    let parse = |properties: &Value| Properties::parse(properties, event.own);
    match request {
        Request::Update { physical_id, properties, old_properties }
            if let Some(id) = PhysicalId::parse(physical_id) =>
        {
            let (properties, old) = (parse(properties)?, parse(old_properties).ok());
            let done = event.update(&id, &properties, old.as_ref()).await?;
            Ok(success(physical_id.clone(), contact::attributes(done)))
        }
        // A Create, and the Update of a Create that failed.
        Request::Create { properties } | Request::Update { properties, .. } => {
            let (id, done) = event.create(&parse(properties)?).await?;
            Ok(success(id.to_string(), contact::attributes(done)))
        }
        Request::Delete { physical_id, properties } => {
            let note = match (PhysicalId::parse(physical_id), parse(properties)) {
                (Some(id), Ok(properties)) => event.delete(&id, &properties).await,
                (Some(id), Err(error)) => contact::reason::was_not_deleted(id.place(), &error),
                (None, _) if is_of_failed_create(physical_id) => String::new(),
                (None, _) => contact::reason::may_have_been_set(),
            };
            Ok(deleted(request, note))
        }
    }
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html>
fn is_organization_id(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

fn success(physical_id: String, attributes: Attributes) -> Outcome {
    Outcome::Success { physical_id, attributes, note: String::new() }
}

fn deleted(request: &Request, note: String) -> Outcome {
    let physical_id = match request {
        Request::Update { physical_id, .. } | Request::Delete { physical_id, .. } => physical_id.clone(),
        Request::Create { .. } => String::new(),
    };
    Outcome::Success { physical_id, attributes: Attributes::new(), note }
}
