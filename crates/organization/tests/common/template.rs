//! organization.yaml, as far as the tests compare it with the code.

use std::collections::BTreeMap;

const TEMPLATE: &str = include_str!("../../../../organization.yaml");

/// A resource of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub resource_type: String,
    /// Its lines, as they are.
    pub lines: Vec<&'static str>,
}

impl Resource {
    /// Its properties, each with what stands behind it in the same line.
    pub fn properties(&self) -> BTreeMap<&'static str, &'static str> {
        let lines = self.lines.iter().skip_while(|line| **line != "    Properties:").skip(1);
        let properties = lines.take_while(|line| line.trim().is_empty() || line.starts_with("      "));
        properties.filter_map(|line| at(line, 6)).collect()
    }
}

/// The name and the value of a line that is indented by exactly so many blanks.
fn at(line: &'static str, indentation: usize) -> Option<(&'static str, &'static str)> {
    let text = line.trim_start();
    let is_there = line.len() - text.len() == indentation && !text.starts_with(['#', '-']);
    text.split_once(':').filter(|_| is_there).map(|(name, value)| (name, value.trim()))
}

/// The resources by logical id.
///
/// # Panics
/// If the template is not written as it is expected to be.
pub fn resources() -> BTreeMap<&'static str, Resource> {
    let section = TEMPLATE.split("\nResources:\n").nth(1).unwrap().split("\nOutputs:\n").next().unwrap();
    let mut resources = BTreeMap::new();
    let mut logical_id = None;
    for line in section.lines() {
        if let Some((name, "")) = at(line, 2) {
            logical_id = Some(name);
            resources.insert(name, Resource { resource_type: String::new(), lines: Vec::new() });
        } else if let Some(resource) = logical_id.and_then(|id| resources.get_mut(id)) {
            if let Some(("Type", resource_type)) = at(line, 4) {
                resource.resource_type = resource_type.to_owned();
            }
            resource.lines.push(line);
        }
    }
    assert!(resources.values().all(|resource| !resource.resource_type.is_empty()), "{resources:#?}");
    assert!(resources.len() > 30, "{:?}", resources.keys());
    resources
}
