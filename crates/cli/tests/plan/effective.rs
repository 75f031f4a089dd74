//! An IAM that notes the writes that took effect. A write that IAM refuses is no part of a plan.

use crate::fake_iam::FakeIam;
use custom_resource::Result;
use orchestera_access::iam::{
    AttachedPolicy, Iam, PolicyDescription, PolicyUser, PolicyVersion, RoleDescription, Write,
};
use serde_json::Value;
use std::cell::RefCell;

pub struct Effective<'a> {
    iam: &'a FakeIam,
    pub writes: RefCell<Vec<String>>,
}

impl<'a> Effective<'a> {
    pub fn new(iam: &'a FakeIam) -> Self {
        Self { iam, writes: RefCell::default() }
    }
}

impl Iam for Effective<'_> {
    async fn role(&self, role_name: &str) -> Result<Option<RoleDescription>> {
        self.iam.role(role_name).await
    }

    async fn attached_policies(&self, role_name: &str) -> Result<Vec<AttachedPolicy>> {
        self.iam.attached_policies(role_name).await
    }

    async fn inline_policies(&self, role_name: &str) -> Result<Vec<String>> {
        self.iam.inline_policies(role_name).await
    }

    async fn inline_policy(&self, role_name: &str, policy_name: &str) -> Result<Value> {
        self.iam.inline_policy(role_name, policy_name).await
    }

    async fn instance_profiles(&self, role_name: &str) -> Result<Vec<String>> {
        self.iam.instance_profiles(role_name).await
    }

    async fn policy(&self, policy_arn: &str) -> Result<Option<PolicyDescription>> {
        self.iam.policy(policy_arn).await
    }

    async fn policy_versions(&self, policy_arn: &str) -> Result<Vec<PolicyVersion>> {
        self.iam.policy_versions(policy_arn).await
    }

    async fn policy_document(&self, policy_arn: &str, version_id: &str) -> Result<Value> {
        self.iam.policy_document(policy_arn, version_id).await
    }

    async fn policy_users(&self, policy_arn: &str) -> Result<Vec<PolicyUser>> {
        self.iam.policy_users(policy_arn).await
    }

    async fn write(&self, write: &Write) -> Result<()> {
        self.iam.write(write).await?;
        self.writes.borrow_mut().push(write.to_string());
        Ok(())
    }
}
