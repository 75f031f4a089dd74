//! An STS that lets in or does not, and remembers what it was asked.

use super::fake_iam::error;
use custom_resource::Result;
use orchestera_access::sts::{AssumeRole, Sts};
use std::cell::{Cell, RefCell};

#[derive(Default)]
pub struct FakeSts {
    /// How many times it says AccessDenied before it lets in.
    pub denials: Cell<usize>,
    pub asked: RefCell<Vec<AssumeRole>>,
}

impl FakeSts {
    pub fn denying(times: usize) -> Self {
        Self { denials: Cell::new(times), ..Self::default() }
    }
}

impl Sts for FakeSts {
    type Session = ();

    async fn assume_role(&self, request: &AssumeRole) -> Result<()> {
        self.asked.borrow_mut().push(request.clone());
        let left = self.denials.get();
        self.denials.set(left.saturating_sub(1));
        if left == 0 { Ok(()) } else { Err(error("AssumeRole", ("AccessDenied", "as the test says".to_owned()))) }
    }
}
