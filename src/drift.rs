//! What a schedule sends for a drift check, between the updates of its stack.

use serde::Deserialize;
use serde_json::Value;

/// What the schedule sends as `DriftCheck`: its stack and resource, and the resource's properties.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Check {
    /// `Report` or `Repair`.
    pub mode: String,
    pub stack_id: String,
    pub logical_resource_id: String,
    pub resource_properties: Value,
}
