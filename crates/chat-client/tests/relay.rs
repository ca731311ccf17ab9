//! A relay between two rooms whose connections break, while its program is killed repeatedly; in virtual time and from a
//! seed.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use chat_client::testing::Room;
use chat_client::{ClientConfig, Listener, OriginMark, Position, Relay, RelayEvent, Resume, Writer};

use support::config;

const MESSAGES: u64 = 60;

fn hasty(seed: u64) -> ClientConfig {
    let mut config = config();
    config.seed = Some(seed);
    config.retry.cap = Duration::from_millis(400);
    config
}

fn listener(room: &Room, seed: u64, saved: Option<&Position>) -> Listener {
    let mut config = hasty(seed);
    config.resume = saved.cloned().map_or(Resume::Last(1_000_000), Resume::after);
    Listener::builder(config).dial(room.dial()).start()
}

fn writer(room: &Room, seed: u64) -> Writer {
    Writer::builder(hasty(seed)).token(room.token()).dial(room.dial()).start()
}

/// Forwards for `life`, then is killed. Returns the newest progress.
async fn run(from: &Room, to: &Room, seed: u64, life: Duration, saved: Option<Position>) -> Option<Position> {
    let mark = OriginMark::between("from", "to").unwrap();
    let (listener, writer) = (listener(from, seed, saved.as_ref()), writer(to, seed));
    let mut relay = Relay::new(listener, writer, |message| mark.forward(message)).window(8);
    let mut saved = saved;
    let _ = tokio::time::timeout(life, async {
        while saved.as_ref().is_none_or(|saved| saved.seq < MESSAGES) {
            match relay.next().await.unwrap() {
                RelayEvent::Progress(position) => saved = Some(position),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    // A killed program sends nothing more.
    let (listener, writer) = relay.into_parts();
    drop(listener);
    writer.end_now();
    saved
}

#[tokio::test(start_paused = true)]
async fn forwards_exactly_once_in_order() {
    for seed in 0..100 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let (from, to) = (Room::new(), Room::new());
        for room in [&from, &to] {
            let mut cuts = chance.fork();
            room.break_after(move || cuts.usize(250..5000));
        }
        let expected: Vec<String> = (1..=MESSAGES).map(|number| format!("[from] Ann: {number}")).collect();
        for number in 1..=MESSAGES {
            from.say("Ann", &number.to_string());
        }
        let mut saved = None;
        while saved.as_ref().is_none_or(|saved: &Position| saved.seq < MESSAGES) {
            let life = Duration::from_millis(chance.u64(1..2000));
            saved = run(&from, &to, chance.u64(..), life, saved).await;
        }
        let there: Vec<String> = to.log().iter().map(|message| message.text.to_string()).collect();
        assert_eq!(there, expected, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_can_be_dropped_at_any_poll() {
    let (from, to) = (Room::new(), Room::new());
    let mut relay =
        Relay::new(listener(&from, 1, None), writer(&to, 1), |message| Some(message.text.clone())).window(2);
    for number in 1..=20 {
        from.say("Ann", &number.to_string());
    }
    let mut polls = 0;
    while to.log().len() < 20 {
        polls += 1;
        assert!(polls < 100_000, "{:?}", to.log());
        let next = relay.next();
        tokio::select! {
            biased;
            event = next => assert!(matches!(event, Some(RelayEvent::Progress(_))), "{event:?}"),
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
    }
    let texts: Vec<String> = to.log().iter().map(|message| message.text.to_string()).collect();
    assert_eq!(texts, (1..=20).map(|number| number.to_string()).collect::<Vec<_>>());
}

/// What `convert` leaves out counts as progress: the next run does not see it again.
#[tokio::test(start_paused = true)]
async fn what_is_left_out_is_passed() {
    let (from, to) = (Room::new(), Room::new());
    for text in ["one", "secret", "secret"] {
        from.say("Ann", text);
    }
    let convert = |message: &chat_client::Message| (message.text.as_str() != "secret").then(|| message.text.clone());
    let mut relay = Relay::new(listener(&from, 1, None), writer(&to, 1), convert);
    loop {
        match relay.next().await.unwrap() {
            RelayEvent::Progress(position) if position.seq == 3 => break,
            RelayEvent::Progress(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(to.log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_either_side_is_the_last_event() {
    let (from, to) = (Room::new(), Room::new());
    let mut hopeless = hasty(1);
    hopeless.retry = chat_client::RetryPolicy::never();
    to.refuse(true);
    let writer = Writer::builder(hopeless.clone()).token(to.token()).dial(to.dial()).start();
    from.say("Ann", "hello");
    let mut relay = Relay::new(listener(&from, 1, None), writer, |message| Some(message.text.clone()));
    let mut last = None;
    while let Some(event) = relay.next().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(RelayEvent::Closed(_))), "{last:?}");
}
