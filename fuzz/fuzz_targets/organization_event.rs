//! Any bytes as the payload of an invocation of the organization function. The promise itself is in
//! `crates/organization/tests/common/promise.rs`.

#![no_main]

mod change;
#[path = "../../crates/organization/tests/common/mod.rs"]
mod common;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|payload: &[u8]| {
    common::promise::keep(payload);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    change::mutated(data, size, max_size, seed, &FIELDS)
});

/// What a map may get, beside what it has.
const FIELDS: [&str; 34] = [
    "PhysicalResourceId",
    "ServiceToken",
    "ResourceProperties",
    "OldResourceProperties",
    "ResourceType",
    "Email",
    "AccountEmail",
    "AccountId",
    "AccountName",
    "RoleName",
    "MemberRoleName",
    "OrganizationalUnitId",
    "HasAccessStack",
    "AdminGroup",
    "AdminUserNames",
    "AccessIn",
    "AcceptPaidPlan",
    "SignIn",
    "IdentityCenterPrincipal",
    "Principal",
    "PermissionSet",
    "PermissionSetName",
    "BreakGlassUser",
    "BootstrapRole",
    "DevelopmentAccountEmail",
    "ProductionAccountEmail",
    "AccountNamePrefix",
    "AccountOwnership",
    "Kind",
    "Contact",
    "BillingContact",
    "OperationsContact",
    "SecurityContact",
    "Unknown",
];
