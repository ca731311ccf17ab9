//! Hostile text, and a server that sends it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;

pub(crate) use testkit::hostile::{CORPUS, steers};

/// Starts a server that numbers these messages (sender and text) and sends them to every listener. Returns its port.
pub(crate) fn server(messages: Vec<(String, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            lines.read_line(&mut request).unwrap();
            let request: Value = serde_json::from_str(request.trim_start_matches('\u{1}')).unwrap();
            let nonce = &request["nonce"];
            let head = messages.len();
            let mut all = format!("\u{1}{{\"stream\": \"s\", \"from\": 1, \"head\": {head}, \"nonce\": {nonce}}}\n");
            for (number, (nick, text)) in messages.iter().enumerate() {
                let (nick, text) = (Value::from(nick.as_str()), Value::from(text.as_str()));
                let seq = number + 1;
                all += &format!("\u{1}{{\"seq\": {seq}, \"at\": 1700000000000, \"nick\": {nick}, \"text\": {text}}}\n");
            }
            // An error means that the client has disconnected.
            let _ = stream.write_all(all.as_bytes());
            let _ = lines.read_to_end(&mut Vec::new());
        }
    });
    port
}

/// Returns the corpus as messages: each text once as a name and once as a text.
pub(crate) fn messages() -> Vec<(String, String)> {
    let named = CORPUS.iter().map(|evil| (format!("Eve {evil}"), "hello".to_owned()));
    named.chain(CORPUS.iter().map(|evil| ("Mallory".to_owned(), format!("a{evil}b")))).collect()
}
