//! The attributes for `Fn::GetAtt`, from the state that was read last.

use crate::account::PLATFORM_ACCOUNT_ID;
use crate::ownership::{ADOPTED, CREATED};
use crate::reconcile::converge::Converged;
use crate::reconcile::desired::DesiredState;
use custom_resource::{Attributes, Result};

/// Every attribute, in every success; blank where it does not apply.
pub fn of(desired: &DesiredState, converged: &Converged) -> Result<Attributes> {
    let observed = &converged.observed;
    let policy_arn = desired.policy_arn();
    let foreign = observed.role.iter().flat_map(|role| role.foreign_policies(&policy_arn));
    let external_id = match desired.external_id(observed) {
        // Suspended without it: the customer is asked for it when the access is to be restored.
        Err(_) if desired.is_suspended() => None,
        external_id => external_id?,
    };
    let is_adopted = desired.role_origin(observed).is_adopted() || desired.policy_origin(observed).is_adopted();
    let edition = desired.properties.edition;
    let role_arn = || desired.account.role_arn(&desired.id.role_name);
    let texts = [
        ("RoleArn", observed.role.as_ref().map_or_else(role_arn, |role| role.about.arn.clone())),
        ("RoleName", desired.id.role_name.clone()),
        ("PolicyArn", policy_arn.clone()),
        ("PolicyName", desired.id.policy_name.clone()),
        ("PolicyEdition", edition.name.to_owned()),
        ("PolicyVersionId", observed.policy.as_ref().map(|p| p.about.default_version_id.clone()).unwrap_or_default()),
        ("PolicySha256", edition.sha256().to_owned()),
        ("ExternalId", external_id.unwrap_or_default()),
        ("AccountId", desired.account.id.clone()),
        ("PlatformAccountId", PLATFORM_ACCOUNT_ID.to_owned()),
        ("AccessState", desired.properties.access_state.name().to_owned()),
        ("Ownership", if is_adopted { ADOPTED } else { CREATED }.to_owned()),
        ("Verified", converged.verified.to_string()),
    ];
    let mut attributes: Attributes = texts.map(|(name, text)| (name, text.into())).into();
    attributes.insert("ForeignPolicies", foreign.collect::<Vec<_>>().into());
    Ok(attributes)
}
