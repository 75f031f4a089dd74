//! The options of the command line.

use std::str::FromStr;
use std::time::Duration;

/// How many calls may come: a token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    pub burst: f64,
}

/// AWS publishes one of these limits, that of STS: 600 requests a second for each calling account and region.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
/// The sizes of the others, and each burst, are chosen here: an account that is read once is not throttled, and a
/// client that repeats its calls at once is.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub port: u16,
    pub accounts: u32,
    pub round_trip: Duration,
    /// For the calling account: AssumeRole and GetCallerIdentity together.
    pub sts: Rate,
    /// In each account: all calls to IAM together.
    pub iam: Rate,
    /// In an account where somebody else uses most of what IAM allows.
    pub iam_busy: Rate,
    /// In each account.
    pub cloudformation: Rate,
    /// For the organization.
    pub organizations: Rate,
}

const USAGE: &str = "fleet-stub [--accounts N] [--round-trip-ms N] [--port N] [--sts-rate PER_SECOND,BURST]
  [--iam-rate PER_SECOND,BURST] [--iam-busy-rate PER_SECOND,BURST] [--cloudformation-rate PER_SECOND,BURST]
  [--organizations-rate PER_SECOND,BURST]

Prints its URL and serves until standard input ends. It also serves GET /_counts, GET /_expected, POST /_reset.";

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            accounts: 100,
            round_trip: Duration::from_millis(20),
            sts: Rate { per_second: 600.0, burst: 100.0 },
            iam: Rate { per_second: 10.0, burst: 10.0 },
            iam_busy: Rate { per_second: 5.0, burst: 3.0 },
            cloudformation: Rate { per_second: 5.0, burst: 5.0 },
            organizations: Rate { per_second: 60.0, burst: 60.0 },
        }
    }
}

impl Options {
    /// # Errors
    /// What was not understood, and the usage.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value.\n{USAGE}"))?;
            let understood = match name.as_str() {
                "--port" => set(&mut options.port, &value),
                "--accounts" => set(&mut options.accounts, &value),
                "--round-trip-ms" => value.parse().map(|ms| options.round_trip = Duration::from_millis(ms)).ok(),
                "--sts-rate" => set(&mut options.sts, &value),
                "--iam-rate" => set(&mut options.iam, &value),
                "--iam-busy-rate" => set(&mut options.iam_busy, &value),
                "--cloudformation-rate" => set(&mut options.cloudformation, &value),
                "--organizations-rate" => set(&mut options.organizations, &value),
                _ => None,
            };
            understood.ok_or_else(|| format!("{name} {value} is not understood.\n{USAGE}"))?;
        }
        Ok(options)
    }
}

fn set<T: FromStr>(option: &mut T, value: &str) -> Option<()> {
    *option = value.parse().ok()?;
    Some(())
}

impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (per_second, burst) = text.split_once(',').ok_or(())?;
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| *number > 0.0).ok_or(());
        Ok(Self { per_second: number(per_second)?, burst: number(burst)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options, String> {
        Options::read(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn every_option_is_read_and_what_is_left_out_keeps_its_default() {
        let options = read(&["--accounts", "7", "--round-trip-ms", "5", "--iam-rate", "2,3.5"]).unwrap();
        assert_eq!((options.accounts, options.round_trip.as_millis()), (7, 5));
        assert_eq!(options.iam, Rate { per_second: 2.0, burst: 3.5 });
        assert_eq!(options.sts, Options::default().sts);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for wrong in [&["--acounts", "7"][..], &["--accounts", "x"], &["--iam-rate", "5"], &["--iam-rate", "0,1"]] {
            assert!(read(wrong).unwrap_err().contains(wrong[0]), "{wrong:?}");
        }
        assert!(read(&["--accounts"]).unwrap_err().contains("needs a value"));
    }
}
