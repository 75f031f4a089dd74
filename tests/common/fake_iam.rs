//! A stateful IAM in memory that obeys IAM's rules.
//!
//! What it refuses, real IAM refuses, with the same code. Reads can be made to lag behind writes. `tests/conformance.rs` plays
//! the same calls to it and to an emulator that we did not write, so that it does not drift towards what our code hopes for.

// Written out because the command line's tests load this file by a path of their own.
#[path = "fake_iam/world.rs"]
mod world;

pub use world::*;

use custom_resource::error::{Error, FailedCall, Result};
use orchestera_access::iam::{
    AttachedPolicy, Iam, PolicyDescription, PolicyUser, PolicyVersion, RoleDescription, Write, kind_of,
};
use serde_json::Value;
use std::sync::Mutex;

/// The world behind the seam: what the function sees.
#[derive(Default)]
pub struct FakeIam {
    world: Mutex<World>,
    lagging: Mutex<Lagging>,
    calls: Mutex<Vec<String>>,
}

/// Reads that are older than writes.
#[derive(Default)]
struct Lagging {
    /// How many reads after a write are old.
    by: u32,
    left: u32,
    world: World,
}

impl FakeIam {
    /// With what is there already.
    pub fn of(world: World) -> Self {
        Self { world: Mutex::new(world), ..Self::default() }
    }

    /// After each write, the next `reads` reads see the world from before it.
    pub fn lagging_by(reads: u32) -> Self {
        Self { lagging: Mutex::new(Lagging { by: reads, ..Lagging::default() }), ..Self::default() }
    }

    /// The same from now on; 0 shows everything at once.
    pub fn lag_by(&self, reads: u32) {
        *self.lagging.lock().unwrap() = Lagging { by: reads, ..Lagging::default() };
    }

    /// What somebody does in the console. Not delayed, not logged.
    pub fn by_hand<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.world.lock().unwrap())
    }

    /// The world as it is.
    pub fn world(&self) -> World {
        self.world.lock().unwrap().clone()
    }

    /// Every write that was asked for since the last call of this, in order, as its one-line text.
    pub fn writes(&self) -> Vec<String> {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.into_iter().filter_map(|call| call.strip_prefix("write ").map(str::to_owned)).collect()
    }

    /// How many reads were asked for since the last call of this or of [`FakeIam::writes`].
    pub fn reads(&self) -> usize {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.iter().filter(|call| call.starts_with("read ")).count()
    }

    fn read<T>(
        &self,
        operation: &'static str,
        look: impl FnOnce(&World) -> std::result::Result<T, Refusal>,
    ) -> Result<T> {
        self.calls.lock().unwrap().push(format!("read {operation}"));
        let mut lagging = self.lagging.lock().unwrap();
        let outcome = if lagging.left > 0 {
            lagging.left -= 1;
            look(&lagging.world)
        } else {
            look(&self.world.lock().unwrap())
        };
        outcome.map_err(|refusal| error(operation, refusal))
    }
}

/// A refusal as the adapter would report it.
pub fn error(operation: &'static str, (code, message): Refusal) -> Error {
    let call = FailedCall { operation, code: code.to_owned(), message, request_id: "fake-request".to_owned() };
    Error::call(kind_of(code, false), call)
}

impl Iam for FakeIam {
    async fn role(&self, role_name: &str) -> Result<Option<RoleDescription>> {
        self.read("GetRole", |world| {
            Ok(world.role(role_name).map(|role| RoleDescription {
                arn: format!("arn:aws:iam::{ACCOUNT}:role{}{}", role.path, role.name),
                description: role.description.clone(),
                trust: role.trust.clone(),
                max_session_duration: role.max_session_duration,
                permissions_boundary: role.permissions_boundary.clone(),
                tags: role.tags.clone(),
            }))
        })
    }

    async fn attached_policies(&self, role_name: &str) -> Result<Vec<AttachedPolicy>> {
        self.read("ListAttachedRolePolicies", |world| {
            let role = world.role(role_name).ok_or_else(|| gone("role", role_name))?;
            Ok(role.attached.iter().map(|arn| AttachedPolicy { arn: arn.clone() }).collect())
        })
    }

    async fn inline_policies(&self, role_name: &str) -> Result<Vec<String>> {
        self.read("ListRolePolicies", |world| {
            let role = world.role(role_name).ok_or_else(|| gone("role", role_name))?;
            Ok(role.inline.keys().cloned().collect())
        })
    }

    async fn inline_policy(&self, role_name: &str, policy_name: &str) -> Result<Value> {
        self.read("GetRolePolicy", |world| {
            let role = world.role(role_name).ok_or_else(|| gone("role", role_name))?;
            role.inline.get(policy_name).cloned().ok_or_else(|| gone("inline policy", policy_name))
        })
    }

    async fn instance_profiles(&self, role_name: &str) -> Result<Vec<String>> {
        self.read("ListInstanceProfilesForRole", |world| {
            let role = world.role(role_name).ok_or_else(|| gone("role", role_name))?;
            Ok(role.instance_profiles.iter().cloned().collect())
        })
    }

    async fn policy(&self, policy_arn: &str) -> Result<Option<PolicyDescription>> {
        self.read("GetPolicy", |world| {
            Ok(world.policy(policy_arn).map(|policy| PolicyDescription {
                arn: policy_arn.to_owned(),
                default_version_id: format!("v{}", policy.default),
                description: policy.description.clone(),
                tags: policy.tags.clone(),
            }))
        })
    }

    async fn policy_versions(&self, policy_arn: &str) -> Result<Vec<PolicyVersion>> {
        self.read("ListPolicyVersions", |world| {
            let policy = world.policy(policy_arn).ok_or_else(|| gone("policy", policy_arn))?;
            let version = |(number, _): &(u32, Value)| PolicyVersion {
                id: format!("v{number}"),
                is_default: *number == policy.default,
            };
            // IAM lists the newest first.
            Ok(policy.versions.iter().rev().map(version).collect())
        })
    }

    async fn policy_document(&self, policy_arn: &str, version_id: &str) -> Result<Value> {
        self.read("GetPolicyVersion", |world| {
            let policy = world.policy(policy_arn).ok_or_else(|| gone("policy", policy_arn))?;
            let version = policy.versions.iter().find(|(number, _)| Some(*number) == version_number(version_id));
            version.map(|(_, document)| document.clone()).ok_or_else(|| gone("version", version_id))
        })
    }

    async fn policy_users(&self, policy_arn: &str) -> Result<Vec<PolicyUser>> {
        self.read("ListEntitiesForPolicy", |world| {
            world.policy(policy_arn).ok_or_else(|| gone("policy", policy_arn))?;
            Ok(world.users_of(policy_arn))
        })
    }

    async fn write(&self, write: &Write) -> Result<()> {
        self.calls.lock().unwrap().push(format!("write {write}"));
        let before = self.world();
        self.by_hand(|world| world.write(write)).map_err(|refusal| error(write.operation().name(), refusal))?;
        let mut lagging = self.lagging.lock().unwrap();
        if lagging.by > 0 {
            if lagging.left == 0 {
                lagging.world = before;
            }
            lagging.left = lagging.by;
        }
        Ok(())
    }
}
