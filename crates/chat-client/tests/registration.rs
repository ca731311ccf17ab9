//! Registration over in-memory pipes under paused time.
#![allow(clippy::unwrap_used)]

mod support;

use chat_client::testing::pipes;
use chat_client::{ConnectError, Nickname, Refusal, Side, register_with};

use support::{GREETING, PROMPT, Peer, TOKEN, WELCOME, config};

#[tokio::test(start_paused = true)]
async fn registration_returns_the_nickname() {
    let (dial, mut room) = pipes();
    let bob = Nickname::new("Bob").unwrap();
    let script = async {
        let mut peer = Peer::accept(&mut room, Side::Write).await;
        peer.say(GREETING).await;
        assert_eq!(peer.hear().await, "\n");
        peer.say(PROMPT).await;
        assert_eq!(peer.hear().await, "Bob\n");
        peer.say(&format!("{{\"nickname\": \"Keen Bob\", \"account_hash\": \"{TOKEN}\"}}\n{WELCOME}")).await;
        let mut peer = Peer::accept(&mut room, Side::Write).await;
        peer.say(GREETING).await;
        peer.hear().await;
        peer.say(PROMPT).await;
        peer.hear().await;
        peer.say("null\n").await;
        peer.hear_rest().await
    };
    let asked = async {
        let config = config();
        let account = register_with(&config, bob.clone(), dial.clone()).await.unwrap();
        assert_eq!((account.nickname.as_str(), account.token.expose()), ("Keen Bob", TOKEN));
        let refused = register_with(&config, bob.clone(), dial.clone()).await;
        assert!(matches!(refused, Err(ConnectError::Refused(Refusal::Nickname))), "{refused:?}");
    };
    let ((), rest) = tokio::join!(asked, script);
    assert_eq!(rest, "");
}
