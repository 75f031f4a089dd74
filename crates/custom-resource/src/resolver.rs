//! Resolving a host's name to its addresses.
//!
//! The C library is asked for all addresses, as usual. musl's answer to that is a failure if the question for IPv6 gets
//! an error or no answer, even if the one for IPv4 gets a good answer. glibc takes the good answer. So the C library is
//! asked once more, for IPv4 alone, if the usual way fails or takes long.
//!
//! If nothing helps, the error is [`Unresolved`]. A customer can act on it, and it is told from others by its type.

use dns_lookup::{AddrFamily, AddrInfoHints, SockType, getaddrinfo};
use futures_util::future::{Either, select};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use std::{fmt, io, iter};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long the usual way may take before IPv4 is asked for beside it. A DNS server of a VPC answers within milliseconds,
/// and mostly within a hundred if it has to ask other servers. Then there is no second question, and no IPv6 address is
/// missed. If a server is silent about IPv6, each new connection takes this much longer. musl itself waits for five
/// seconds, longer than opening a connection may take.
const PATIENCE: Duration = Duration::from_millis(300);

/// The longest that a name may take. If the server stays silent, the error must be [`Unresolved`] and not that of a
/// timeout further out: that of a connection, or that of all the attempts of a call. `sdk::settings` has six attempts
/// and pauses of up to 15 seconds in 20 seconds.
const LONGEST: Duration = Duration::from_secs(1);

/// The name of a host could not be resolved.
#[derive(Debug)]
pub struct Unresolved {
    pub name: String,
    cause: io::Error,
}

impl Unresolved {
    pub fn new(name: impl Into<String>, cause: io::Error) -> Self {
        Self { name: name.into(), cause }
    }

    /// The one among the causes of an error of another library, if there is one.
    pub fn among<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name {} could not be resolved: {}", self.name, self.cause)
    }
}

impl Error for Unresolved {}

/// The resolver of the HTTP client.
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str();
            let addresses = addresses(name, |family| lookup(name.to_owned(), family)).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Any,
    Ipv4,
}

/// The addresses of `name`: the first good answer of `lookup`.
async fn addresses<L>(name: &str, lookup: impl Fn(Family) -> L) -> Result<Vec<SocketAddr>, Unresolved>
where
    L: Future<Output = io::Result<Vec<SocketAddr>>>,
{
    let first_good = async {
        let mut any = pin!(lookup(Family::Any));
        let Ok(answer) = timeout(PATIENCE, &mut any).await else {
            // Both are waited for. The one that fails first leaves it to the other.
            return match select(any, pin!(lookup(Family::Ipv4))).await {
                Either::Left((Err(_), ipv4)) => ipv4.await,
                Either::Right((Err(_), any)) => any.await,
                Either::Left((good, _)) | Either::Right((good, _)) => good,
            };
        };
        match answer {
            Err(_) => lookup(Family::Ipv4).await,
            good => good,
        }
    };
    let answer = timeout(LONGEST, first_good).await;
    let answer = answer.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")));
    answer.map_err(|cause| Unresolved::new(name, cause))
}

/// Asks the C library, on a thread of its own. That thread is not waited for if the answer is not needed any more.
async fn lookup(name: String, family: Family) -> io::Result<Vec<SocketAddr>> {
    let address = match family {
        Family::Any => 0,
        Family::Ipv4 => AddrFamily::Inet.into(),
    };
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), address, ..AddrInfoHints::default() };
    let found = move || getaddrinfo(Some(&name), None, Some(hints))?.map(|info| Ok(info?.sockaddr)).collect();
    spawn_blocking(found).await?
}

#[cfg(test)]
mod tests;
