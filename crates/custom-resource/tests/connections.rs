//! Connections that are opened before there is a request for them.

mod common;

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use common::http_server::{HttpServer, Reply};
use custom_resource::delivery::deliver;
use custom_resource::error::{Error, FailedCall, Kind};
use custom_resource::event::ResponseUrl;
use custom_resource::http::Client;
use std::net::TcpListener;
use std::time::{Duration, Instant};

async fn put(client: &Client, server: &HttpServer) {
    let url = ResponseUrl::new(&server.url("/response?X-Amz-Signature=dummy")).unwrap();
    deliver(client, &url, b"{}", tokio::time::Instant::now() + Duration::from_secs(2)).await.unwrap();
}

#[tokio::test]
async fn requests_use_the_connections_that_were_opened_for_them() {
    let server = HttpServer::start(|_| Reply::After(Duration::from_millis(50), Box::new(Reply::status(200))));
    let client = Client::new().unwrap();
    client.open_connections(&server.url("").parse().unwrap(), 3).await;
    assert_eq!((server.connections(), server.heads()), (3, 3));
    tokio::join!(put(&client, &server), put(&client, &server), put(&client, &server));
    assert_eq!(server.connections(), 3);
    tokio::join!(put(&client, &server), put(&client, &server), put(&client, &server), put(&client, &server));
    assert_eq!((server.connections(), server.requests().len()), (4, 7));
}

#[tokio::test]
async fn a_connection_that_could_not_be_opened_is_opened_when_it_is_needed() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let client = Client::new().unwrap();
    client.open_connections(&format!("http://127.0.0.1:{port}").parse().unwrap(), 1).await;
    let server = HttpServer::answering(&[200]);
    put(&client, &server).await;
    assert_eq!((server.connections(), server.heads()), (1, 0));
}

#[tokio::test]
async fn opening_ends_after_three_seconds_although_nobody_answers() {
    // The kernel connects; nobody is there.
    let half_open = TcpListener::bind("127.0.0.1:0").unwrap();
    let (start, port) = (Instant::now(), half_open.local_addr().unwrap().port());
    Client::new().unwrap().open_connections(&format!("http://127.0.0.1:{port}").parse().unwrap(), 2).await;
    assert!((3000..4000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_connection_that_nobody_has_used_for_seconds_is_not_used_any_more() {
    let server = HttpServer::answering(&[200]);
    let client = Client::new().unwrap();
    client.open_connections(&server.url("").parse().unwrap(), 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    put(&client, &server).await;
    assert_eq!(server.connections(), 2);
}

/// What the SDK is told of a request that could not be sent, as our error.
async fn failed(url: &str) -> Error {
    let cause = Client::new().unwrap().call(HttpRequest::get(url).unwrap()).await.unwrap_err();
    let (code, message, request_id) = Default::default();
    Error::call(Kind::Unavailable, FailedCall { operation: "GetRole", code, message, request_id }).caused_by(&cause)
}

#[tokio::test]
async fn a_name_that_is_not_resolved_is_told_by_its_type() {
    // No name of that domain is there. https://www.rfc-editor.org/rfc/rfc6761#section-6.4
    let reason = failed("http://iam.invalid/").await.reason();
    assert!(reason.starts_with("GetRole failed: the name iam.invalid could not be resolved. "), "{reason}");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for named in [nobody.to_string(), format!("localhost:{}", nobody.port())] {
        let reason = failed(&format!("http://{named}/")).await.reason();
        assert_eq!(reason, "GetRole failed (no answer). Retry the stack operation.", "a port where nobody listens");
    }
}
