//! The one HTTP client: for the response, and for the SDK's calls to AWS.
//!
//! Two clients would load certificates twice and could not share connections. It is reqwest on rustls and ring. The
//! root certificates are compiled in. No proxy is taken from the environment and no redirect is followed, because
//! everything that it sends is either signed or secret.

use crate::error::{Error, Kind, Result};
use crate::resolver::Resolver;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use futures_util::future::join_all;
use reqwest::redirect::Policy;
use reqwest::{Body, Url};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The longest that opening a connection may take: name, TCP and TLS.
const CONNECT: Duration = Duration::from_secs(3);

/// For how long a connection that nobody uses is kept. Servers close those that idle, some after a few seconds. A
/// function that was frozen meanwhile has not noticed, and would wait for an answer in vain.
const IDLE: Duration = Duration::from_secs(4);

/// Sends requests. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client(reqwest::Client);

impl Client {
    /// Trusts the certificate authorities that Mozilla trusts.
    ///
    /// # Errors
    /// [`Bug`](Kind::Bug) if the TLS library refuses its own defaults.
    pub fn new() -> Result<Self> {
        Self::trusting(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Trusts these certificate authorities.
    ///
    /// # Errors
    /// As for [`Client::new`].
    pub fn trusting(roots: RootCertStore) -> Result<Self> {
        let cannot = |error: &dyn std::error::Error| {
            Error::new(Kind::Bug, format!("The HTTP client cannot be built: {error}. Retry the stack operation."))
        };
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| cannot(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Resolver)
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .redirect(Policy::none())
            .no_proxy();
        client.build().map(Self).map_err(|error| cannot(&error))
    }

    /// Sends by a client that is configured elsewhere: that of the command line has the system's certificates and proxies.
    pub fn of(client: reqwest::Client) -> Self {
        Self(client)
    }

    /// Opens `count` connections to where `origin` is, for the requests that follow. Returns when they are open, or
    /// after three seconds. Whether they could be opened, the requests will tell.
    ///
    /// A connection is opened by a request: an unsigned `HEAD /`, whose answer does not matter.
    pub async fn open_connections(&self, origin: &Url, count: usize) {
        let heads = (0..count).map(|_| self.0.head(origin.clone()).send());
        drop(timeout(CONNECT, join_all(heads)).await);
    }

    /// Begins a `PUT` without a Content-Type.
    pub(crate) fn put(&self, url: Url, body: impl Into<Body>) -> reqwest::RequestBuilder {
        self.0.put(url).body(body)
    }
}

impl HttpClient for Client {
    /// The settings have timeouts for connecting and reading. This client has its own for connecting, and the SDK
    /// limits each attempt as a whole.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Client {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        // The SDK may try again after all of these.
        let io = |error: reqwest::Error| ConnectorError::io(error.without_url().into());
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            // The APIs used here take bodies that are in memory. A stream must not be sent as an empty body.
            if request.body().bytes().is_none() {
                return Err(ConnectorError::user("a body that is a stream cannot be sent".into()));
            }
            let request = request.map(|body| body.bytes().unwrap_or_default().to_vec());
            let request = request.try_into().map_err(|error: reqwest::Error| ConnectorError::user(error.into()))?;
            let mut response = client.execute(request).await.map_err(io)?;
            let mut answer = http::Response::new(());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = std::mem::take(response.headers_mut());
            let body = response.bytes().await.map_err(io)?;
            HttpResponse::try_from(answer.map(|()| SdkBody::from(body)))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
