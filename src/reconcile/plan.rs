//! A plan: the writes that lead from the observed state to the desired one, as a value that can be printed, compared
//! and tested before a write is made.

use crate::iam::Write;
use std::fmt;

/// Steps in stages. The steps of one stage do not depend on each other and are sent at once. A stage begins when the
/// stage before it has succeeded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub stages: Vec<Vec<Write>>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    pub fn steps(&self) -> impl Iterator<Item = &Write> {
        self.stages.iter().flatten()
    }

    /// Each step becomes a stage of its own.
    pub fn push_one_by_one(&mut self, steps: Vec<Write>) {
        self.stages.extend(steps.into_iter().map(|step| vec![step]));
    }

    /// The steps become one stage.
    pub fn push(&mut self, stage: Vec<Write>) {
        if !stage.is_empty() {
            self.stages.push(stage);
        }
    }

    /// Two sequences about different objects, side by side.
    pub fn push_side_by_side(&mut self, left: Vec<Write>, right: Vec<Write>) {
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        loop {
            let stage: Vec<_> = left.next().into_iter().chain(right.next()).collect();
            if stage.is_empty() {
                return;
            }
            self.push(stage);
        }
    }
}

impl fmt::Display for Plan {
    /// Stages are separated by `; `, the steps of one by ` | `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to do");
        }
        let stage = |steps: &Vec<Write>| steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
        f.write_str(&self.stages.iter().map(stage).collect::<Vec<_>>().join("; "))
    }
}
