//! A claim of the role.

use serde::Serialize;

/// Something that is or is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    pub holds: bool,
    /// What was found, right or wrong.
    pub sentence: String,
}

impl Claim {
    /// The sentence is `right` if the claim holds, and `wrong` otherwise.
    pub fn new(holds: bool, right: impl Into<String>, wrong: impl Into<String>) -> Self {
        Self { holds, sentence: if holds { right.into() } else { wrong.into() } }
    }
}
