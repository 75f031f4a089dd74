//! `Custom::OrchesteraAccess`: in which account an event is worked on, and with which clients.

use crate::account::Account;
use crate::cloudformation::aws::AwsStacks;
use crate::drift::{self, Check};
use crate::error::{Kind, Result};
use crate::iam::Iam;
use crate::iam::aws::{AwsIam, endpoint};
use crate::member::{Place, place};
use crate::ownership::Resource;
use crate::physical_id::PhysicalId;
use crate::reconcile::Reconciler;
use crate::sts::aws::AwsSts;
use custom_resource::event::Envelope;
use custom_resource::function::{Clients, Invocation, OtherContext};
use custom_resource::{Address, Attributes, Budget, Context, CustomResource, Outcome, Request, log};
use std::ops::Deref;
use tokio::sync::OnceCell;

/// The connections to IAM that are opened before the first event: as many as there are reads in the widest round of a Create
/// or an Update.
pub const CONNECTIONS: usize = 6;

/// The access function.
#[derive(Debug, Default)]
pub struct Access {
    iam: OnceCell<AwsIam>,
}

impl CustomResource for Access {
    async fn prepare(&self, clients: &Clients) -> Result<()> {
        self.iam(clients).await?;
        if let Some(endpoint) = endpoint(clients.configuration().await?).await {
            clients.http().await?.open_connections(&endpoint, CONNECTIONS).await;
        }
        Ok(())
    }

    async fn handle(&self, request: &Request, context: &Context<'_>) -> Outcome {
        let Context { address, invocation, budget, clients } = context;
        let connect = async |place: &Place| self.connect(place, clients, budget).await;
        decide(request, address, invocation, *budget, connect).await
    }

    /// A drift check. The outcome goes to the log, and a failure too, which Lambda counts and repeats once.
    async fn handle_other(&self, envelope: &Envelope<'_>, context: &OtherContext<'_>) -> Result<()> {
        let Some(check) = Check::read(envelope)? else { return envelope.address().map(drop) };
        let OtherContext { invocation, budget, clients } = context;
        let own = Account::of_function(&invocation.function_arn, None)?;
        let stacks = AwsStacks::new(clients.configuration().await?);
        let connect = async |place: &Place| self.connect(place, clients, budget).await;
        let checked = Box::pin(check.run(&own, *budget, &stacks, connect)).await;
        match checked {
            Ok(drift::Outcome::Skipped(status)) => {
                tracing::info!(status, "no drift check while the stack is worked on")
            }
            Ok(drift::Outcome::Checked(line)) => log::line(&line),
            Err(error) => {
                tracing::error!(reason = error.reason(), cause = error.cause(), "the drift check failed");
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Access {
    async fn iam(&self, clients: &Clients) -> Result<&AwsIam> {
        self.iam.get_or_try_init(async || Ok(AwsIam::new(clients.configuration().await?))).await
    }

    /// IAM of the place: with the function's own rights, or as the role of the member account.
    async fn connect(&self, place: &Place, clients: &Clients, budget: &Budget) -> Result<Box<AwsIam>> {
        let iam = match place {
            // Boxed for the same reason as in `decide`.
            Place::Member(entrance) => {
                let sts = AwsSts::new(clients.configuration().await?);
                Box::pin(entrance.enter(&sts, budget)).await?
            }
            Place::Own(_) | Place::Nowhere => self.iam(clients).await?.clone(),
        };
        Ok(Box::new(iam))
    }
}

/// Works on one event of CloudFormation. `connect` yields the IAM of an account.
pub async fn decide<I: Iam, D: Deref<Target = I>>(
    request: &Request,
    address: &Address,
    invocation: &Invocation,
    budget: Budget,
    connect: impl AsyncFnOnce(&Place) -> Result<D>,
) -> Outcome {
    let own = Account::of_function(&invocation.function_arn, address.service_token.as_deref());
    let place = match own.and_then(|own| place(&own, request)) {
        Ok(place) => place,
        Err(error) => return Outcome::failed(address, error),
    };
    let Some(account) = place.account().cloned() else { return nothing_to_delete(address, String::new()) };
    match connect(&place).await {
        Ok(iam) => {
            let reconciler = Reconciler { iam: &*iam, account, resource: Resource::from(address), budget };
            // Boxed: the types of what is inside are nested deeper than the compiler likes to look.
            Box::pin(reconciler.handle(address, request)).await
        }
        // A Create that could not assume the member role made nothing, and its Delete must not fail for the same reason.
        Err(error) if matches!(error.kind(), Kind::Denied | Kind::Refused) && is_delete_of_no_resource(request) => {
            nothing_to_delete(address, error.reason())
        }
        Err(error) => Outcome::failed(address, error),
    }
}

/// Whether it is the Delete of a failed Create, or of an id that CloudFormation made up.
fn is_delete_of_no_resource(request: &Request) -> bool {
    matches!(request, Request::Delete { physical_id, .. } if PhysicalId::parse(physical_id).is_none())
}

fn nothing_to_delete(address: &Address, note: String) -> Outcome {
    let physical_id = address.physical_id.clone().unwrap_or_default();
    Outcome::Success { physical_id, attributes: Attributes::new(), note }
}
