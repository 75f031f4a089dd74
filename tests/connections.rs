//! Connections that are opened before there is a request for them.

mod common;

use bytes::Bytes;
use common::fake_iam::FakeIam;
use common::http_server::{HttpServer, Reply};
use common::iam_endpoint::serve;
use common::runtime_api::{Ended, Lambda};
use common::stack::Stack;
use http::{Request, StatusCode, Uri};
use orchestera_access::handler::CONNECTIONS;
use orchestera_access::http::Client;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

fn uri(server: &HttpServer) -> Uri {
    server.url("/").parse().unwrap()
}

async fn get(client: &Client, uri: &Uri) -> StatusCode {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri.clone();
    client.send(request).await.unwrap().status()
}

#[tokio::test]
async fn a_request_waits_for_the_connection_that_is_being_opened_to_its_origin() {
    let (server, other) = (HttpServer::answering(&[200]), HttpServer::answering(&[200]));
    let client = Client::new().unwrap();
    drop(client.open_ahead(&uri(&server), 1));
    assert_eq!(get(&client, &uri(&server)).await, 200);
    assert_eq!(server.connections(), 1);
    // To another origin it is of no use.
    assert_eq!(get(&client, &uri(&other)).await, 200);
    assert_eq!((server.connections(), other.connections()), (1, 1));
}

#[tokio::test]
async fn as_many_requests_at_once_as_were_opened_ahead_open_no_more() {
    let server = HttpServer::start(|_| Reply::After(Duration::from_millis(50), Box::new(Reply::status(200))));
    let (client, uri) = (Client::new().unwrap(), uri(&server));
    client.open_ahead(&uri, 3).await;
    tokio::join!(get(&client, &uri), get(&client, &uri), get(&client, &uri));
    assert_eq!(server.connections(), 3);
    tokio::join!(get(&client, &uri), get(&client, &uri), get(&client, &uri), get(&client, &uri));
    assert_eq!(server.connections(), 4);
}

#[tokio::test]
async fn one_that_could_not_be_opened_ahead_is_opened_when_it_is_needed() {
    let client = Client::new().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri: Uri = format!("http://127.0.0.1:{}/", nobody.local_addr().unwrap().port()).parse().unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    client.open_ahead(&uri, 1).await;
    let late = TcpListener::bind(address).unwrap();
    thread::spawn(move || {
        let (mut socket, _) = late.accept().unwrap();
        let _ = socket.read(&mut [0; 1024]);
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    assert_eq!(get(&client, &uri).await, 200);
}

#[tokio::test]
async fn one_that_nobody_has_used_for_seconds_is_not_taken_for_open() {
    let server = HttpServer::answering(&[200]);
    let (client, uri) = (Client::new().unwrap(), uri(&server));
    client.open_ahead(&uri, 1).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    assert_eq!(get(&client, &uri).await, 200);
    assert_eq!(server.connections(), 2);
}

/// A socket that was accepted, which reads the end once the client has closed its own.
fn accepted(listener: &TcpListener) -> TcpStream {
    let (socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

#[tokio::test]
async fn those_that_nobody_has_used_are_closed_when_the_next_is_opened() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri: Uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let client = Client::new().unwrap();
    client.open_ahead(&uri, 1).await;
    let mut unused = accepted(&listener);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    client.open_ahead(&uri, 1).await;
    drop(accepted(&listener));
    assert_eq!(unused.read(&mut [0; 1]).unwrap(), 0, "a warm function would keep one for every event");
}

#[test]
fn the_function_connects_to_iam_before_its_first_event_and_to_the_bucket_while_it_works() {
    let fake = Arc::new(FakeIam::default());
    let iam = serve(fake.clone(), 100);
    let bucket = HttpServer::answering(&[200]);
    let lambda = Lambda::with_iam(&iam.url(""));
    let start = Instant::now();
    while iam.connections() < CONNECTIONS && start.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(iam.connections(), CONNECTIONS);
    let event = json!({"RequestType": "Create", "ResourceProperties": {}});
    let event = Stack::new(&*fake).event(event, &bucket.url("/answer?X-Amz-Signature=dummy"));
    assert!(matches!(lambda.invoke(&event.to_string()), Ended::Response), "{}", lambda.log());
    assert_eq!((iam.connections(), bucket.connections()), (CONNECTIONS, 1), "and to nobody once more");
}
