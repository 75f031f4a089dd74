//! Any bytes as the payload of an invocation. The promise itself is in `tests/common/promise.rs`.

#![no_main]

#[path = "../../tests/common"]
#[allow(dead_code, reason = "the tests of the function use the rest")]
mod common {
    pub mod fake_iam;
    pub mod fake_sts;
    pub mod promise;
}

mod change;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|payload: &[u8]| {
    common::promise::keep(payload);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    change::mutated(data, size, max_size, seed, &FIELDS)
});

/// What a map may get, beside what it has.
const FIELDS: [&str; 22] = [
    "PhysicalResourceId",
    "ServiceToken",
    "DriftCheck",
    "ResourceProperties",
    "OldResourceProperties",
    "RoleName",
    "PolicyName",
    "PlatformAccountId",
    "RequireExternalId",
    "ExternalId",
    "PolicyEdition",
    "PermissionsBoundaryArn",
    "MaxSessionDuration",
    "AccessState",
    "OnExisting",
    "OnDelete",
    "MemberAccountId",
    "MemberRoleName",
    "Tags",
    "Key",
    "Value",
    "Unknown",
];
