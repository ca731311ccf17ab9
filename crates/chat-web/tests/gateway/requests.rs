//! What a request must have, and what every response carries.

use chat_client::testing::Room;

use crate::support::{HOST, Rig, connect, page};

fn request(method: &str, path: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n")
}

#[tokio::test(start_paused = true)]
async fn every_response_is_protected() {
    let rig = Rig::new(Room::new());
    let host = format!("Host: {HOST}");
    for (request, status) in [
        (request("GET", "/robots.txt", &[&host]), 200),
        (request("GET", "/api/me", &[&host]), 200),
        (request("GET", "/api/nope", &[&host]), 404),
        (request("GET", "/../Cargo.toml", &[&host]), 404),
        (request("GET", "/%2e%2e/Cargo.toml", &[&host]), 404),
        (request("GET", "/api/me", &["Host: evil.example"]), 421),
        (request("DELETE", "/api/me", &[&host]), 403),
        (request("GET", "http://evil.example/", &[&host]), 421),
    ] {
        let answer = rig.send(&request).await;
        assert_eq!(answer.status, status, "{request}");
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("  "), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        if request.contains("/api/") {
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_hosts_are_misdirected() {
    let rig = Rig::new(Room::new());
    for lines in [
        &["Host: evil.example"][..],
        &["Host: evil.example:8080"],
        &["Host: 127.0.0.1"],
        &["Host: 127.0.0.1:8081"],
        &["Host: 127.0.0.1:8080.evil.example"],
        &["Host: 127.0.0.1:8080", "Host: evil.example"],
        &["Host: "],
    ] {
        let answer = rig.send(&request("GET", "/", lines)).await;
        assert!([421, 400].contains(&answer.status), "{lines:?}: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn forged_posts_change_nothing() {
    let rig = Rig::new(Room::new());
    let body = r#"{"token":"x"}"#;
    let json = "Content-Type: application/json";
    let own = format!("Origin: http://{HOST}");
    let post = |lines: &[&str]| {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        format!(
            "POST /api/logout HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n{lines}Connection: close\r\n\r\n{body}"
        )
    };
    for (lines, status, code) in [
        (&[json][..], 403, "origin"),
        (&[json, "Origin: null"], 403, "origin"),
        (&[json, "Origin: http://evil.example"], 403, "origin"),
        (&[json, "Origin: https://127.0.0.1:8080"], 403, "origin"),
        (&[json, "Origin: http://127.0.0.1"], 403, "origin"),
        (&[json, "Origin: http://localhost:8080"], 403, "origin"),
        (&[json, &own, "Origin: http://evil.example"], 403, "origin"),
        (&[json, &own, "Sec-Fetch-Site: cross-site"], 403, "origin"),
        (&[json, &own, "Sec-Fetch-Site: same-site"], 403, "origin"),
        (&[json, &own, "Sec-Fetch-Site: none"], 403, "origin"),
        (&[&own, "Content-Type: text/plain"], 415, "not_json"),
        (&[&own, "Content-Type: application/x-www-form-urlencoded"], 415, "not_json"),
        (&[&own], 415, "not_json"),
    ] {
        assert_eq!(rig.send(&post(lines)).await.code(), (status, code.to_owned()), "{lines:?}");
    }
    let answer = rig.send(&post(&[json, &own, "Sec-Fetch-Site: same-origin"])).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn bodies_are_bounded_objects() {
    let rig = Rig::new(Room::new());
    let long = format!(r#"{{"token":"{}"}}"#, "x".repeat(40 * 1024));
    assert_eq!(rig.post("/api/login", &long).await.code(), (413, "too_large".to_owned()));
    for bad in ["", "[]", r#"["x"]"#, "{", r#"{"token":7}"#, r#"{"tokn":"x"}"#, "null"] {
        assert_eq!(rig.post("/api/login", bad).await.code(), (400, "malformed".to_owned()), "{bad}");
    }
    // A body that never comes is not waited for.
    let slow = format!(
        "POST /api/login HTTP/1.1\r\nHost: {HOST}\r\nOrigin: http://{HOST}\r\nContent-Type: application/json\r\n\
         Content-Length: 9\r\nConnection: close\r\n\r\n{{"
    );
    assert_eq!(rig.send(&slow).await.code(), (408, "slow".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn headers_are_bounded() {
    let rig = Rig::new(Room::new());
    let host = format!("Host: {HOST}");
    let long = format!("X: {}", "x".repeat(17 * 1024));
    assert_eq!(rig.send(&request("GET", "/", &[&host, &long])).await.status, 431);
    let many: Vec<String> = (0..100).map(|number| format!("X-{number}: 1")).collect();
    let lines: Vec<&str> = many.iter().map(String::as_str).chain([host.as_str()]).collect();
    assert_eq!(rig.send(&request("GET", "/", &lines)).await.status, 431);
    // Half a header is not waited for: the connection ends without an answer, or with one about the time.
    let half = rig.send(&format!("GET / HTTP/1.1\r\n{host}\r\n")).await;
    assert!([0, 408].contains(&half.status), "{half:?}");
}

#[tokio::test(start_paused = true)]
async fn files_have_tags() {
    let rig = Rig::new(Room::new());
    let first = rig.get("/robots.txt").await;
    assert_eq!((first.status, first.header("cache-control")), (200, Some("no-cache")));
    let tag = first.header("etag").unwrap().to_owned();
    let host = format!("Host: {HOST}");
    let known = format!("If-None-Match: \"x\", {tag}");
    let second = rig.send(&request("GET", "/robots.txt", &[&host, &known])).await;
    assert_eq!((second.status, second.body.as_str()), (304, ""));
    let packed = rig.send(&request("HEAD", "/robots.txt", &[&host, "Accept-Encoding: gzip"])).await;
    assert_eq!(packed.status, 200);
}

#[tokio::test(start_paused = true)]
async fn sockets_are_opened_by_the_page_only() {
    let rig = Rig::new(Room::new());
    let host = format!("Host: {HOST}");
    let upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    for (lines, status) in [
        (vec![host.as_str()], 403),
        (vec![&host, "Origin: http://evil.example"], 403),
        (vec!["Host: evil.example", "Origin: http://evil.example"], 421),
    ] {
        let lines: Vec<&str> = lines.into_iter().chain(upgrade).collect();
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let answer = rig.send(&format!("GET /api/ws HTTP/1.1\r\n{text}\r\n")).await;
        assert_eq!(answer.status, status, "{lines:?}");
    }
    let mut page = page(Box::new(connect(&rig.gateway, false)), HOST, "", None).await;
    assert_eq!(page.next().await["nickname"], serde_json::Value::Null);
}
