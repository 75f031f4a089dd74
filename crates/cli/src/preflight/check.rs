//! A line of the answer.

/// One line: what was checked, how it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub severity: Severity,
    /// What was checked, in a few words.
    pub subject: &'static str,
    /// What was found, and what to do.
    pub sentence: String,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// ✓
    Fine,
    /// ! It works, and a person should know.
    Warning,
    /// ✗ The stack would fail.
    Failure,
}

impl Severity {
    /// As people see it.
    pub fn mark(self) -> char {
        match self {
            Self::Fine => '✓',
            Self::Warning => '!',
            Self::Failure => '✗',
        }
    }

    /// As programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

impl Check {
    pub fn fine(subject: &'static str, sentence: impl Into<String>) -> Self {
        Self { severity: Severity::Fine, subject, sentence: sentence.into() }
    }

    pub fn warning(subject: &'static str, sentence: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, subject, sentence: sentence.into() }
    }

    pub fn failure(subject: &'static str, sentence: impl Into<String>) -> Self {
        Self { severity: Severity::Failure, subject, sentence: sentence.into() }
    }
}
