//! Connections that are opened before there is a request for them.

mod common;

use common::http_server::{HttpServer, Reply};
use custom_resource::delivery::deliver;
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
