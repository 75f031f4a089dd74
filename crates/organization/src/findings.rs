//! What checks find: whole sentences, some of which stand in the way.

use custom_resource::Error;
use std::fmt;

/// The result of checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub refusals: Vec<String>,
    pub warnings: Vec<String>,
}

impl fmt::Display for Findings {
    /// A line for each finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusals.iter().try_for_each(|sentence| writeln!(f, "refused: {sentence}"))?;
        self.warnings.iter().try_for_each(|sentence| writeln!(f, "warning: {sentence}"))
    }
}

impl Findings {
    pub fn refuse(&mut self, sentence: impl Into<String>) {
        self.refusals.push(sentence.into());
    }

    pub fn warn(&mut self, sentence: impl Into<String>) {
        self.warnings.push(sentence.into());
    }

    /// The one Reason with every refusal; `None` if there is none.
    pub fn refusal(&self) -> Option<Error> {
        match &self.refusals[..] {
            [] => None,
            [one] => Some(Error::refused(one.clone())),
            several => {
                let list: Vec<_> = several.iter().enumerate().map(|(i, text)| format!("({}) {text}", i + 1)).collect();
                let list = list.join(" ");
                Some(Error::refused(format!("Nothing was created. There are {} problems. {list}", several.len())))
            }
        }
    }
}
