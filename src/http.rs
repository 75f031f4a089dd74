//! The one HTTP client, and the one TLS configuration, for the SDK and for the callback.
//!
//! A second stack would load its own roots and hold its own connections. Roots are compiled in (`webpki-roots`): reading a
//! directory of certificates costs milliseconds at each cold start and brings nothing here, where only AWS is called.
//!
//! The pool is hyper's own. What is added to it is a way to open connections ahead of the requests that will need them:
//! while Lambda lends the whole of a core, or while something else is waited for. `docs/performance.md` says what it brings.

use crate::error::{Error, Kind, Result};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector as SdkConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures_util::future::join_all;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, KeyProvider};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tower_service::Service;

/// The longest that opening a connection may take: TCP and TLS.
const CONNECT: Duration = Duration::from_secs(3);
/// For how long a connection that nobody has used is taken for open. Servers close those that idle, some after few seconds.
const FRESH: Duration = Duration::from_secs(4);

/// For how long the addresses of a name are taken as they were found: long enough for those who ask together, and too short for
/// another attempt, which may find others.
const TOGETHER: Duration = Duration::from_millis(500);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Sends requests. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    pool: legacy::Client<Connector, Full<Bytes>>,
    connector: Connector,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// With the roots that Mozilla trusts. No redirects and no proxy from the environment, because what it sends is either
    /// signed or secret.
    ///
    /// # Errors
    /// [`Bug`](Kind::Bug) if the TLS library refuses its own defaults.
    pub fn new() -> Result<Self> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::trusting(roots)
    }

    /// With these roots.
    ///
    /// # Errors
    /// As of [`Client::new`].
    pub fn trusting(roots: rustls::RootCertStore) -> Result<Self> {
        let provider = CryptoProvider { key_provider: &NoKeys, ..rustls::crypto::ring::default_provider() };
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(Kind::Bug, format!("The HTTP client cannot be built: {error}.")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Connections are opened at once, so that there is no earlier one to resume.
        tls.resumption = Resumption::disabled();
        let mut tcp = HttpConnector::new_with_resolver(Names::default());
        // Otherwise it would refuse https before TLS is asked.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Divided among the addresses of a name: one that does not answer must not take the time of the others.
        tcp.set_connect_timeout(Some(CONNECT));
        let connector = Connector { https: HttpsConnector::from((tcp, tls)), ahead: Arc::default() };
        let pool = legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector.clone());
        Ok(Self { pool, connector })
    }

    /// Begins to open so many connections to where `uri` is. Requests that come meanwhile wait for them, instead of opening
    /// more. The future is ready when they are open, or will not be; they are opened whether or not it is awaited.
    pub fn open_ahead(&self, uri: &Uri, connections: usize) -> impl Future<Output = ()> + use<> {
        let opened = (0..connections).filter_map(|_| self.connector.open_ahead(uri)).collect::<Vec<_>>();
        async { drop(join_all(opened).await) }
    }

    /// Sends a request to the absolute URI that is in it.
    ///
    /// # Errors
    /// When there was no answer. The URI is not in the error: of a callback it is secret.
    pub async fn send(&self, request: Request<Bytes>) -> std::result::Result<Response<Incoming>, legacy::Error> {
        self.pool.request(request.map(Full::new)).await
    }
}

/// Asks the system for the addresses of a name, once for all the connections that are opened at the same time.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<HashMap<String, Arc<Lookup>>>>);

/// When a name was looked up last, and what was found. Each name has its own, so that none waits for another.
type Lookup = tokio::sync::Mutex<Option<(Instant, Vec<SocketAddr>)>>;

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let mut lookups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lookup = lookups.entry(name.as_str().to_owned()).or_default().clone();
        Box::pin(async move {
            let mut found = lookup.lock().await;
            if let Some((at, addresses)) = &*found
                && at.elapsed() < TOGETHER
            {
                return Ok(addresses.clone().into_iter());
            }
            let addresses: Vec<_> = GaiResolver::new().call(name).await?.collect();
            *found = Some((Instant::now(), addresses.clone()));
            Ok(addresses.into_iter())
        })
    }
}

/// For certificates of clients, of which there are none: what would sign with their keys is not linked.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> std::result::Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General(String::new()))
    }
}

/// Opens connections for the pool, or hands it those that are being opened already.
#[derive(Clone)]
struct Connector {
    https: HttpsConnector<HttpConnector<Names>>,
    ahead: Arc<Mutex<Vec<Ahead>>>,
}

/// A connection that was begun before there was a request for it.
struct Ahead {
    origin: (Scheme, Authority),
    begun: Instant,
    opening: JoinHandle<std::result::Result<Connection, BoxError>>,
}

impl Ahead {
    fn is_fresh(&self) -> bool {
        self.begun.elapsed() < FRESH
    }
}

impl Connector {
    /// The future is ready when it is open or has failed. What nobody took in time is closed.
    fn open_ahead(&self, uri: &Uri) -> Option<impl Future<Output = ()> + use<>> {
        self.ahead().retain(Ahead::is_fresh);
        let origin = (uri.scheme()?.clone(), uri.authority()?.clone());
        let opening = open(self.https.clone(), uri.clone());
        let (done, opened) = tokio::sync::oneshot::channel::<()>();
        let opening = tokio::spawn(async {
            let connection = opening.await;
            drop(done);
            connection
        });
        self.ahead().push(Ahead { origin, begun: Instant::now(), opening });
        Some(async { drop(opened.await) })
    }

    /// The one to `uri` that was begun first and is fresh.
    fn take(&self, uri: &Uri) -> Option<Ahead> {
        let mut ahead = self.ahead();
        ahead.retain(Ahead::is_fresh);
        let place = ahead.iter().position(|ahead| {
            let (scheme, authority) = &ahead.origin;
            uri.scheme() == Some(scheme) && uri.authority() == Some(authority)
        })?;
        Some(ahead.remove(place))
    }

    fn ahead(&self) -> std::sync::MutexGuard<'_, Vec<Ahead>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens one, within [`CONNECT`].
async fn open(mut https: HttpsConnector<HttpConnector<Names>>, uri: Uri) -> std::result::Result<Connection, BoxError> {
    match timeout(CONNECT, https.call(uri)).await {
        Ok(connection) => connection,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (https, ahead) = (self.https.clone(), self.take(&uri));
        Box::pin(async move {
            if let Some(ahead) = ahead
                && let Ok(Ok(connection)) = ahead.opening.await
            {
                return Ok(connection);
            }
            open(https, uri).await
        })
    }
}

impl HttpClient for Client {
    /// The settings hold timeouts only; those of the SDK enclose the connector anyway.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl SdkConnector for Client {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            // IAM and STS take form-encoded bodies, which are always in memory.
            let request = request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            // Connecting, sending or receiving failed: the SDK may try again.
            let answer = client.send(request).await.map_err(|error| ConnectorError::io(error.into()))?;
            let (head, body) = answer.into_parts();
            let body = body.collect().await.map_err(|error| ConnectorError::io(error.into()))?.to_bytes();
            HttpResponse::try_from(Response::from_parts(head, SdkBody::from(body)))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
