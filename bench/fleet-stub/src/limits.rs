//! Rates, as token buckets: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/throttling.html> describes them.

use crate::options::Rate;
use std::time::Instant;

/// What is left of a rate.
#[derive(Clone, Debug)]
pub struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self { tokens: rate.burst, filled: now }
    }

    /// Takes a token. `false` means that the call is one too many.
    pub fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let since = now.duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + since * rate.per_second).min(rate.burst);
        self.filled = now;
        let has_one = self.tokens >= 1.0;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_then_one_call_for_each_token_that_came_back() {
        let (rate, start) = (Rate { per_second: 10.0, burst: 3.0 }, Instant::now());
        let mut bucket = Bucket::full(rate, start);
        let mut taken = |ms: u64| bucket.take(rate, start + Duration::from_millis(ms));
        assert_eq!([0, 0, 0, 0].map(&mut taken), [true, true, true, false]);
        assert_eq!([99, 101, 102, 190, 202].map(&mut taken), [false, true, false, false, true]);
        assert_eq!([10_000; 4].map(taken), [true, true, true, false]);
    }
}
