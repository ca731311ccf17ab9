//! The gateway in front of a real server.

use std::time::Duration;

use chat_client::{ClientConfig, Listener, Resume};
use chat_server::{Invitation, MemoryJournal, RegistrationPolicy, Server, ServerConfig, ServerHandle};
use chat_web::{Gateway, GatewayConfig};
use serde_json::json;
use tokio::time::timeout;

use crate::support::{Answer, HOST, PageSocket, connect, cookie, page};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const DEADLINE: Duration = Duration::from_secs(30);

fn config(server: &ServerHandle) -> ClientConfig {
    let mut config = ClientConfig::new("127.0.0.1");
    (config.listen_port, config.write_port) = (server.listen_addr().port(), server.write_addr().port());
    config
}

async fn post(gateway: &Gateway, path: &str, body: &str) -> Answer {
    let mut stream = connect(gateway, false);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nOrigin: http://{HOST}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

async fn register(gateway: &Gateway, nickname: &str) -> (String, String) {
    let answer = post(gateway, "/api/register", &json!({"nickname": nickname}).to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let object = answer.json();
    (object["nickname"].as_str().unwrap().to_owned(), object["token"].as_str().unwrap().to_owned())
}

async fn open(gateway: &Gateway, query: &str, account: &(String, String)) -> PageSocket {
    page(Box::new(connect(gateway, false)), HOST, query, Some(&cookie(&account.1, &account.0))).await
}

#[tokio::test]
async fn registers_says_and_hears() {
    let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await.unwrap();
    let gateway = Gateway::start(GatewayConfig::new(config(&server)));
    let (bob, ann) = (register(&gateway, "Bob").await, register(&gateway, "Ann").await);
    assert!(bob.0.ends_with("Bob"));
    let (mut says, mut hears) = (open(&gateway, "", &bob).await, open(&gateway, "", &ann).await);
    says.until("caught_up").await;
    hears.until("caught_up").await;
    says.post("p1", "hello", false).await;
    let heard = hears.until("message").await;
    assert_eq!((&heard["text"], heard["nick"].as_str()), (&json!("hello"), Some(bob.0.as_str())));
    let receipt = says.receipt("p1").await;
    assert_eq!((&receipt["stream"], &receipt["seq"]), (&heard["stream"], &heard["seq"]));
    let login = post(&gateway, "/api/login", &json!({"token": bob.1}).to_string()).await;
    assert_eq!(login.json(), json!({"nickname": bob.0}));
    gateway.drain().await;
    server.drain().await.unwrap();
}

#[tokio::test]
async fn each_post_of_killed_gateways_is_stored_once() {
    let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await.unwrap();
    let config = config(&server);
    let mut gateway = Gateway::start(GatewayConfig::new(config.clone()));
    let bob = register(&gateway, "Bob").await;
    let mut outbox: Vec<String> = Vec::new();
    for round in 0..12_u32 {
        let mut page = open(&gateway, "", &bob).await;
        page.until("hello").await;
        for id in &outbox {
            page.post(id, id, true).await;
        }
        for number in 0..4 {
            let id = format!("r{round}-{number}");
            page.post(&id, &id, false).await;
            outbox.push(id);
        }
        // As much as the page happens to hear before the gateway is lost, with all of its tasks.
        for _ in 0..round % 5 {
            let object = page.next().await;
            if object["type"] == "receipt" && object["state"] == "confirmed" {
                outbox.retain(|id| object["id"] != id.as_str());
            }
        }
        drop(page);
        gateway = Gateway::start(GatewayConfig::new(config.clone()));
    }
    let mut page = open(&gateway, "", &bob).await;
    for id in outbox {
        page.post(&id, &id, true).await;
        assert_eq!(page.receipt(&id).await["state"], "confirmed");
    }
    let mut all = config.clone();
    all.resume = Resume::Last(1_000);
    let mut listener = Listener::builder(all).start();
    let mut texts = Vec::new();
    while texts.len() < 48 {
        let message = timeout(DEADLINE, listener.messages().next()).await.unwrap().unwrap();
        texts.push(message.text.to_string());
    }
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), 48);
    gateway.drain().await;
    server.drain().await.unwrap();
}

#[tokio::test]
async fn server_counts_the_address_of_the_browser() {
    let mut server = ServerConfig::on_free_ports();
    server.proxy_from = vec!["127.0.0.1/32".parse().unwrap()];
    let server = Server::start(server, MemoryJournal::new()).await.unwrap();
    let mut config = GatewayConfig::new(config(&server));
    config.announce_browsers = true;
    let gateway = Gateway::start(config);
    let bob = register(&gateway, "Bob").await;
    let mut page = open(&gateway, "", &bob).await;
    page.post("p1", "hello", false).await;
    assert_eq!(page.receipt("p1").await["state"], "confirmed");
    gateway.drain().await;
    server.drain().await.unwrap();
}

#[tokio::test]
async fn invitation_code_precedes_the_nickname() {
    let mut settings = ServerConfig::on_free_ports();
    settings.limits.registration = RegistrationPolicy::Invite(Invitation::new("k3f9-Wq").unwrap());
    let server = Server::start(settings, MemoryJournal::new()).await.unwrap();
    let gateway = Gateway::start(GatewayConfig::new(config(&server)));
    for wrong in ["Bob", "k3f9-WQ Bob", "Bob k3f9-Wq"] {
        let answer = post(&gateway, "/api/register", &json!({"nickname": wrong}).to_string()).await;
        assert_eq!(answer.code(), (409, "nickname".to_owned()), "{wrong}");
    }
    let bob = register(&gateway, "k3f9-Wq Bob").await;
    assert!(bob.0.ends_with("Bob") && !bob.0.contains("k3f9"), "{}", bob.0);
    server.drain().await.unwrap();
}
