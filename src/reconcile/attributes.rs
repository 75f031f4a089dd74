//! The attributes for `Fn::GetAtt`, read off the state in which it came to rest.

use crate::account::PLATFORM_ACCOUNT_ID;
use crate::error::Result;
use crate::ownership::{ADOPTED, CREATED};
use crate::reconcile::settle::Settled;
use crate::reconcile::wanted::Wanted;
use crate::response::{Attributes, FOREIGN_POLICIES};

/// Every attribute, in every success; blank where it does not apply.
pub fn of(wanted: &Wanted, settled: &Settled) -> Result<Attributes> {
    let there = &settled.there;
    let policy_arn = wanted.policy_arn();
    let foreign = there.role.iter().flat_map(|role| role.foreign_policies(&policy_arn));
    let external_id = match wanted.external_id(there) {
        // Suspended without it: it is asked for when the platform is to come in again.
        Err(_) if wanted.is_suspended() => None,
        external_id => external_id?,
    };
    let is_adopted = wanted.role_origin(there).is_adopted() || wanted.policy_origin(there).is_adopted();
    let edition = wanted.properties.edition;
    let role_arn = || wanted.account.role_arn(&wanted.id.role_name);
    Ok([
        ("RoleArn", there.role.as_ref().map_or_else(role_arn, |role| role.about.arn.clone())),
        ("RoleName", wanted.id.role_name.clone()),
        ("PolicyArn", policy_arn.clone()),
        ("PolicyName", wanted.id.policy_name.clone()),
        ("PolicyEdition", edition.name.to_owned()),
        ("PolicyVersionId", there.policy.as_ref().map(|p| p.about.default_version_id.clone()).unwrap_or_default()),
        ("PolicySha256", edition.sha256().to_owned()),
        ("ExternalId", external_id.unwrap_or_default()),
        ("AccountId", wanted.account.id.clone()),
        ("PlatformAccountId", PLATFORM_ACCOUNT_ID.to_owned()),
        ("AccessState", wanted.properties.access_state.name().to_owned()),
        ("Ownership", if is_adopted { ADOPTED } else { CREATED }.to_owned()),
        ("Verified", settled.verified.to_string()),
        (FOREIGN_POLICIES, foreign.collect::<Vec<_>>().join(",")),
    ]
    .into())
}
