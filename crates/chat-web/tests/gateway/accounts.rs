//! Registering, logging in and out.

use chat_client::testing::Room;
use serde_json::{Value, json};

use crate::support::{Rig, cookie};

#[tokio::test(start_paused = true)]
async fn login_sets_a_cookie_that_no_script_reads() {
    let rig = Rig::new(Room::new());
    let token = rig.room.token();
    let body = json!({"token": token.expose()}).to_string();
    let answer = rig.post("/api/login", &body).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"nickname": "Keen Bob"})));
    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && !set.contains("Secure"), "{set}");
    assert!(!answer.body.contains(token.expose()));
    let cookie = set.split(';').next().unwrap();
    let host = crate::support::HOST;
    let me = format!("GET /api/me HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
    assert_eq!(rig.send(&me).await.json()["nickname"], "Keen Bob");
    assert_eq!(rig.get("/api/me").await.json()["nickname"], Value::Null);
}

/// A server that is not ours may have accepted any name, and another program of this machine may have set the cookie.
#[tokio::test(start_paused = true)]
async fn own_name_is_made_visible() {
    let rig = Rig::new(Room::new());
    let cookie = cookie(rig.room.token().expose(), "E\u{202e}ve");
    let me = format!(
        "GET /api/me HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n",
        crate::support::HOST
    );
    let mut page = rig.page_with("", Some(&cookie)).await;
    for named in [rig.send(&me).await.json(), page.until("hello").await] {
        let name = named["nickname"].as_str().unwrap();
        assert!(name.starts_with('E') && !name.contains('\u{202e}'), "{name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_token_is_refused() {
    let rig = Rig::new(Room::new());
    let answer = rig.post("/api/login", r#"{"token":"nope"}"#).await;
    assert_eq!(answer.code(), (403, "unknown_token".to_owned()));
    assert_eq!(answer.header("set-cookie"), None);
}

#[tokio::test(start_paused = true)]
async fn room_that_is_away_is_unreachable() {
    let rig = Rig::new(Room::new());
    rig.room.refuse(true);
    let body = json!({"token": rig.room.token().expose()}).to_string();
    assert_eq!(rig.post("/api/login", &body).await.code(), (503, "unreachable".to_owned()));
    assert_eq!(rig.post("/api/register", r#"{"nickname":"Bob"}"#).await.code(), (503, "unreachable".to_owned()));
    assert_eq!(rig.post("/api/register", r#"{"nickname":" "}"#).await.code(), (409, "nickname".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn lost_answer_to_a_registration_is_unknown() {
    let rig = Rig::new(Room::new());
    // The greeting and the prompt pass; the record of the account does not.
    rig.room.break_after(|| 150);
    let answer = rig.post("/api/register", r#"{"nickname":"Bob"}"#).await;
    assert_eq!(answer.code(), (502, "unknown_outcome".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn one_address_registers_at_a_rate() {
    let rig = Rig::with(Room::new(), |config| {
        config.register_rate = Some(chat_web::VisitorRate { per_second: 0.5, burst: 1 });
    });
    rig.room.refuse(true);
    assert_eq!(rig.post("/api/register", r#"{"nickname":"Bob"}"#).await.status, 503);
    let second = rig.post("/api/register", r#"{"nickname":"Bob"}"#).await;
    assert_eq!(second.code(), (429, "rate".to_owned()));
    assert!(second.json()["retry_after_ms"].as_u64().unwrap() > 0);
}

#[tokio::test(start_paused = true)]
async fn logout_ends_the_pages_of_the_account() {
    let rig = Rig::new(Room::new());
    let (mut page, mut reader) = (rig.page("").await, rig.page_with("", None).await);
    page.until("caught_up").await;
    reader.until("caught_up").await;
    let answer = rig.post_with("/api/logout", "{}", &format!("Cookie: {}\r\n", rig.cookie())).await;
    assert_eq!(answer.json(), json!({"nickname": null}));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(page.until("bye").await, json!({"type": "bye", "reason": "logout"}));
    assert_eq!(page.next_of_any().await, None);
    rig.room.say("Jolly Ann", "still here");
    assert_eq!(reader.next().await["text"], "still here");
}

#[tokio::test(start_paused = true)]
async fn page_with_an_unknown_token_is_told() {
    let rig = Rig::new(Room::new());
    let mut page = rig.page_with("", Some(&cookie("nope", "Keen Bob"))).await;
    assert_eq!(page.until("account").await, json!({"type": "account", "nickname": null, "code": "unknown_token"}));
    page.post("p1", "hello", false).await;
    assert_eq!(page.receipt("p1").await["code"], "no_account");
}

#[tokio::test(start_paused = true)]
async fn page_is_told_the_name_that_the_room_knows() {
    let rig = Rig::new(Room::new());
    let mut page = rig.page_with("", Some(&cookie(rig.room.token().expose(), "Old Name"))).await;
    assert_eq!(page.next().await["nickname"], "Old Name");
    assert_eq!(page.until("account").await, json!({"type": "account", "nickname": "Keen Bob"}));
}
