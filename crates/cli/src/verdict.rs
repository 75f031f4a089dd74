//! How a command ended.

/// How a command ended, if it could answer at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is as it should be.
    Good,
    /// Something is not as it should be.
    Bad,
    /// Ctrl-C. What was known is printed.
    Interrupted,
}

impl Verdict {
    /// [`Verdict::Good`] if it is.
    pub fn of(is_good: bool) -> Self {
        if is_good { Self::Good } else { Self::Bad }
    }

    /// The exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Bad => 1,
            Self::Interrupted => 130,
        }
    }
}
