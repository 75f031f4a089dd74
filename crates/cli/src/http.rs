//! The HTTP client of a person's computer: the system's root certificates, and the proxies of the environment.
//!
//! The functions' own client has neither. Lambda gives it a network without proxies, and reading certificates would
//! slow each start.

use crate::output::note;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use custom_resource::{Error, Result};
use reqwest::redirect::Policy;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::env;
use std::sync::Arc;
use std::time::Duration;

/// A file with the root certificates to trust, instead of the system's.
/// <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html>
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// The longest that opening a connection may take. Through a proxy it can take longer than in Lambda.
const CONNECT: Duration = Duration::from_secs(10);

/// The client for every call. `is_logged` prints each on standard error. `HTTPS_PROXY` and `NO_PROXY` count, as in the AWS CLI.
/// `of_profile` is `ca_bundle` of the profile.
///
/// # Errors
/// If the file of `AWS_CA_BUNDLE` or of the profile cannot be read, or has no certificate.
pub fn client(is_logged: bool, of_profile: Option<&str>) -> Result<Client> {
    let cannot = |error: &dyn std::error::Error| {
        Error::refused(format!(
            "The HTTP client cannot be built: {error}. Check the variables HTTPS_PROXY and NO_PROXY."
        ))
    };
    let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| cannot(&error))?
        .with_root_certificates(roots(of_profile)?)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT)
        // A busy command uses each connection again at once. A server may close one that idles.
        .pool_idle_timeout(Duration::from_secs(15))
        .redirect(Policy::none());
    let client = client.build().map_err(|error| cannot(&error))?;
    Ok(Client { client: custom_resource::http::Client::of(client), is_logged })
}

/// The framework's client, and a line on standard error for each call if `--debug` asks for it.
#[derive(Clone, Debug)]
pub struct Client {
    client: custom_resource::http::Client,
    is_logged: bool,
}

impl HttpClient for Client {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Client {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !self.is_logged {
            return self.client.call(request);
        }
        let (client, line) = (self.client.clone(), described(&request));
        HttpConnectorFuture::new(async move {
            let answer = client.call(request).await;
            match &answer {
                Ok(answer) => {
                    let id = REQUEST_IDS.iter().find_map(|name| answer.headers().get(*name)).unwrap_or("-");
                    note(&format!("{line}: {}, request {id}", answer.status()));
                }
                Err(error) => note(&format!("{line}: {error}")),
            }
            answer
        })
    }
}

/// Where AWS puts the id of a request.
const REQUEST_IDS: [&str; 2] = ["x-amzn-requestid", "x-amz-request-id"];

/// The host and the operation. No header and nothing else of the body: both can have credentials.
fn described(request: &HttpRequest) -> String {
    let uri = request.uri().split('?').next().unwrap_or_default();
    let target = request.headers().get("x-amz-target").map(str::to_owned);
    let body = request.body().bytes().unwrap_or_default();
    let action = body.strip_prefix(b"Action=").map(|rest| rest.split(|byte| *byte == b'&').next().unwrap_or_default());
    let action = action.map(|action| String::from_utf8_lossy(action).into_owned());
    format!("{} {uri} {}", request.method(), target.or(action).unwrap_or_default())
}

fn roots(of_profile: Option<&str>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    // In the order of the AWS CLI.
    let of_environment = env::var_os(CA_BUNDLE).filter(|path| !path.is_empty()).map(|path| (CA_BUNDLE, path));
    if let Some((setting, path)) = of_environment.or_else(|| of_profile.map(|path| ("ca_bundle", path.into()))) {
        let cannot = |cause: String| {
            Error::refused(format!(
                "{setting} is {}, and {cause}. Give the path of a file with certificates in PEM, or remove the setting.",
                path.display()
            ))
        };
        let pem = std::fs::read(&path).map_err(|error| cannot(format!("that file cannot be read: {error}")))?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(std::result::Result::ok).collect();
        let (added, _) = roots.add_parsable_certificates(certificates);
        return if added == 0 { Err(cannot("it has no certificate".to_owned())) } else { Ok(roots) };
    }
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        // A small image may have no certificates. Those of Mozilla are compiled in.
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Ok(roots)
}
