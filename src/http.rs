//! The one HTTP client, and the one TLS configuration, for the SDK and for the callback.
//!
//! A second stack would load its own roots and hold its own connections. Roots are compiled in (`webpki-roots`): reading a
//! directory of certificates costs milliseconds at each cold start and brings nothing here, where only AWS is called.

use crate::error::{Error, Kind, Result};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use std::sync::Arc;
use std::time::Duration;

/// Builds the client. No redirects and no proxy from the environment, because what it sends is either signed or secret.
///
/// # Errors
/// [`Bug`](Kind::Bug) if the TLS library refuses its own defaults.
pub fn client() -> Result<reqwest::Client> {
    let failed =
        |error: &dyn std::fmt::Display| Error::new(Kind::Bug, format!("The HTTP client cannot be built: {error}."));
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(Duration::from_secs(3))
        .build()
        .map_err(|error| failed(&error))
}

/// The client in the form that the SDK takes.
#[derive(Clone, Debug)]
pub struct SdkHttpClient(pub reqwest::Client);

impl HttpClient for SdkHttpClient {
    /// The settings hold timeouts only; those of the SDK enclose the connector anyway.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SdkHttpClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            // IAM and STS take form-encoded bodies, which are always in memory.
            let request = request.map(|body| body.bytes().map(<[u8]>::to_vec).unwrap_or_default());
            let request = request.try_into().map_err(|error: reqwest::Error| ConnectorError::user(error.into()))?;
            let response = client.execute(request).await.map_err(connector_error)?;
            let mut answer = http::Response::builder().status(response.status());
            if let Some(headers) = answer.headers_mut() {
                *headers = response.headers().clone();
            }
            let body = response.bytes().await.map_err(connector_error)?;
            let answer = answer.body(SdkBody::from(body)).map_err(|error| ConnectorError::other(error.into(), None))?;
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Connecting, sending or receiving failed: the SDK may try again.
fn connector_error(error: reqwest::Error) -> ConnectorError {
    let error = error.without_url();
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}
