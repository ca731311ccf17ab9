//! Tests of the queue: servers that decline, and links that break. The time is an argument.

use super::*;

fn post(n: u32) -> Post<u32> {
    Post {
        id: PostId::new(&n.to_string()).unwrap(),
        text: Text::new("x").unwrap(),
        written_before: false,
        echoed: false,
        put_off: None,
        ticket: n,
    }
}

fn tickets(posts: &[Post<u32>]) -> Vec<u32> {
    posts.iter().map(|post| post.ticket).collect()
}

fn write_all(queue: &mut Queue<u32>, now: Instant) -> Vec<(u64, u32)> {
    std::iter::from_fn(|| queue.write_next(now).map(|(key, post)| (key, post.ticket))).collect()
}

fn declined(code: &DeclineCode, retry_after: Option<Duration>) -> DeclineAnswer {
    DeclineAnswer { code: code.clone(), retry_after, reason: None }
}

#[tokio::test(start_paused = true)]
async fn with_ids_repeats_written_posts_in_order() {
    let now = Instant::now();
    let mut queue = Queue::new();
    (1..=4).for_each(|n| queue.push(post(n)));
    let keys = write_all(&mut queue, now);
    assert_eq!(queue.confirmed(keys[1].0).unwrap().ticket, 2);
    queue.push(post(5));
    assert!(queue.disconnected(true).is_empty());
    assert_eq!(write_all(&mut queue, now).iter().map(|(_, n)| *n).collect::<Vec<_>>(), [1, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn without_ids_written_is_unconfirmed() {
    let now = Instant::now();
    let mut queue = Queue::new();
    (1..=2).for_each(|n| queue.push(post(n)));
    write_all(&mut queue, now);
    queue.push(post(3));
    assert_eq!(tickets(&queue.disconnected(false)), [1, 2]);
    assert_eq!(write_all(&mut queue, now).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn repeats_nothing_without_ids() {
    let now = Instant::now();
    let mut queue = Queue::new();
    queue.push(post(1));
    write_all(&mut queue, now);
    queue.push(post(2));
    queue.disconnected(true);
    assert_eq!(tickets(&queue.take_written_before()), [1]);
    assert_eq!(tickets(&queue.drain()), [2]);
}

#[tokio::test(start_paused = true)]
async fn rate_decline_shrinks_the_window() {
    let now = Instant::now();
    let mut queue = Queue::new();
    (1..=4).for_each(|n| queue.push(post(n)));
    let keys = write_all(&mut queue, now);
    let wait = Duration::from_millis(700);
    for &(key, n) in &keys[1..] {
        assert!(queue.declined(key, declined(&DeclineCode::Rate, Some(wait)), now).is_none(), "{n}");
    }
    assert_eq!((queue.confirmed(keys[0].0).unwrap().ticket, queue.wait_until()), (1, Some(now + wait)));
    assert!(queue.write_next(now).is_none());
    let later = now + wait;
    let mut order = Vec::new();
    let mut at = later;
    while let Some((key, ticket)) = queue.write_next(at).map(|(key, post)| (key, post.ticket)) {
        order.push(ticket);
        queue.confirmed(key);
        at = queue.wait_until().unwrap_or(at);
    }
    assert_eq!(order, [2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn waits_only_for_a_future_change() {
    let now = Instant::now();
    let mut queue = Queue::new();
    (1..=3).for_each(|n| queue.push(post(n)));
    let keys = write_all(&mut queue, now);
    assert!(queue.declined(keys[0].0, declined(&DeclineCode::Rate, Some(LATER)), now).is_none());
    assert_eq!(queue.wait_until(), None, "two are in flight, and one may be");
    let later = now + LATER;
    assert!(queue.write_next(later).is_none());
    queue.confirmed(keys[1].0);
    queue.confirmed(keys[2].0);
    assert_eq!(queue.wait_until(), None, "the time has passed");
    assert_eq!(queue.write_next(later).unwrap().1.ticket, 1);
}

#[tokio::test(start_paused = true)]
async fn repeated_declines_end_as_refused() {
    let now = Instant::now();
    let mut queue = Queue::new();
    queue.push(post(1));
    let (key, _) = queue.write_next(now).unwrap();
    let (post_1, fate) = queue.declined(key, declined(&DeclineCode::TooLong, None), now).unwrap();
    assert_eq!(
        (post_1.ticket, fate),
        (1, DeliveryState::Refused { code: DeclineCode::TooLong, retry_after: None, reason: None })
    );
    queue.push(post(2));
    for tries in 1.. {
        let at = queue.wait_until().unwrap_or(now);
        let (key, _) = queue.write_next(at).unwrap();
        if let Some((_, fate)) = queue.declined(key, declined(&DeclineCode::Storage, None), at) {
            assert_eq!(
                (tries, fate),
                (MAX_TRIES, DeliveryState::Refused { code: DeclineCode::Storage, retry_after: None, reason: None })
            );
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_uses_up_no_tries() {
    let mut now = Instant::now();
    let mut queue = Queue::new();
    queue.push(post(1));
    for _ in 0..10 * MAX_TRIES {
        let (key, _) = queue.write_next(now).unwrap();
        assert!(queue.declined(key, declined(&DeclineCode::Unavailable, Some(LATER)), now).is_none());
        let (code, until) = queue.held().unwrap();
        assert_eq!((code, until), (&DeclineCode::Unavailable, now + LATER));
        now = until;
    }
    let (key, _) = queue.write_next(now).unwrap();
    assert!(queue.held().is_some() && queue.away_since().is_some(), "until the server answers otherwise");
    assert_eq!(queue.confirmed(key).unwrap().ticket, 1);
    assert!(queue.held().is_none() && queue.away_since().is_none());
}

#[tokio::test(start_paused = true)]
async fn posts_in_doubt_end_unconfirmed() {
    for code in [DeclineCode::Storage, DeclineCode::Draining] {
        let mut now = Instant::now();
        let mut queue = Queue::new();
        queue.push(post(1));
        write_all(&mut queue, now);
        queue.disconnected(true);
        for tries in 1.. {
            now += LATER;
            let (key, _) = queue.write_next(now).unwrap();
            if let Some((post, fate)) = queue.declined(key, declined(&code, None), now) {
                assert_eq!((tries, post.ticket, fate), (MAX_TRIES, 1, DeliveryState::Unconfirmed));
                break;
            }
            assert!(queue.discard(&PostId::new("1").unwrap()).is_none());
            assert!(queue.queued.iter().all(|entry| entry.post.abandoned() == DeliveryState::Unconfirmed));
        }
        // The same for a post that an earlier run wrote, and a server without ids.
        queue.push(Post { written_before: true, ..post(2) });
        let (key, _) = queue.write_next(now + LATER).unwrap();
        assert!(queue.declined(key, declined(&code, None), now).is_none());
        assert_eq!(tickets(&queue.take_written_before()), [2]);
    }
}

#[tokio::test(start_paused = true)]
async fn put_off_post_keeps_its_place() {
    let now = Instant::now();
    let mut queue = Queue::new();
    (1..=4).for_each(|n| queue.push(post(n)));
    let keys = write_all(&mut queue, now);
    assert!(queue.declined(keys[0].0, declined(&DeclineCode::Rate, None), now).is_none());
    assert!(queue.declined(keys[2].0, declined(&DeclineCode::Rate, None), now).is_none());
    queue.disconnected(true);
    assert_eq!(tickets(&queue.drain()), [1, 2, 3, 4]);
}

#[test]
fn discards_only_unwritten_posts() {
    let mut queue = Queue::new();
    queue.push(Post { written_before: true, ..post(1) });
    queue.push(post(2));
    assert!(queue.discard(&PostId::new("1").unwrap()).is_none());
    assert_eq!(queue.discard(&PostId::new("2").unwrap()).unwrap().ticket, 2);
    assert_eq!(queue.drain()[0].abandoned(), DeliveryState::Unconfirmed);
}

/// A server with a rate limit that keeps the order as the protocol requires: posts behind a declined one are declined
/// too, until that one is repeated.
struct Limited {
    interval: Duration,
    burst: u32,
    empty_at: Instant,
    held: Vec<u32>,
    stored: Vec<u32>,
    declines: usize,
}

impl Limited {
    fn post(&mut self, n: u32, now: Instant) -> Result<(), Duration> {
        if self.held.contains(&n) {
            self.held.clear();
        }
        let level = self.empty_at.saturating_duration_since(now) + self.interval;
        let wait = level.saturating_sub(self.interval * self.burst);
        if self.held.is_empty() && wait.is_zero() {
            self.empty_at = self.empty_at.max(now) + self.interval;
            self.stored.push(n);
            return Ok(());
        }
        self.declines += 1;
        self.held.push(n);
        Err(Duration::from_millis(u64::try_from(wait.as_millis()).unwrap()))
    }

    /// Sends all posts of the queue, with answers after `lag`, until each has ended. Returns the refused ones.
    fn serve(&mut self, queue: &mut Queue<u32>, lag: Duration, mut now: Instant) -> (Vec<u32>, Instant) {
        let (mut refused, mut answers) = (Vec::new(), VecDeque::new());
        while !queue.is_empty() {
            // As many as the writer's state machine allows to be unanswered.
            while answers.len() < 256 {
                let Some((key, n)) = queue.write_next(now).map(|(key, post)| (key, post.ticket)) else { break };
                answers.push_back((now + lag, key, self.post(n, now + lag / 2)));
            }
            let answered = answers.front().map(|(at, ..)| *at);
            now = answered.into_iter().chain(queue.wait_until()).min().expect("something to wait for").max(now);
            while answers.front().is_some_and(|(at, ..)| *at <= now) {
                let (_, key, answer) = answers.pop_front().unwrap();
                match answer {
                    Ok(()) => drop(queue.confirmed(key)),
                    Err(wait) => refused.extend(
                        queue.declined(key, declined(&DeclineCode::Rate, Some(wait)), now).map(|(post, _)| post.ticket),
                    ),
                }
            }
        }
        (refused, now)
    }
}

#[tokio::test(start_paused = true)]
async fn rate_limit_refuses_no_post() {
    for (lag, burst, posts) in [(0, 20, 280), (0, 1, 280), (3, 20, 280), (120, 20, 280), (0, 200, 5_000)] {
        let start = Instant::now();
        let interval = Duration::from_millis(50);
        let mut room = Limited { interval, burst, empty_at: start, held: Vec::new(), stored: Vec::new(), declines: 0 };
        let mut queue = Queue::new();
        (1..=posts).for_each(|n| queue.push(post(n)));
        let (refused, end) = room.serve(&mut queue, Duration::from_millis(lag), start);
        assert!(refused.is_empty(), "{refused:?}, lag {lag}, burst {burst}");
        assert_eq!(room.stored, (1..=posts).collect::<Vec<_>>(), "lag {lag}, burst {burst}");
        // The posts in flight when the limit was reached are declined once; after that, fewer than one in eight.
        let first = 256.min(posts as usize);
        let wasted = room.declines.saturating_sub(first);
        assert!(wasted * 8 <= posts as usize, "{wasted} declined again, lag {lag}, burst {burst}");
        let least = interval * (posts - burst);
        assert!(end - start < least * 5 / 4 + Duration::from_secs(1), "{:?} of {least:?}, lag {lag}", end - start);
    }
}

#[tokio::test(start_paused = true)]
async fn posts_behind_a_decline_keep_their_tries() {
    let mut now = Instant::now();
    let mut queue = Queue::new();
    (1..=3).for_each(|n| queue.push(post(n)));
    let mut ended = Vec::new();
    while ended.is_empty() {
        for (key, _) in write_all(&mut queue, now) {
            ended.extend(queue.declined(key, declined(&DeclineCode::Storage, None), now).map(|(post, _)| post.ticket));
        }
        queue.window = usize::MAX;
        now += LATER;
    }
    assert_eq!(ended, [1]);
    for (key, _) in write_all(&mut queue, now) {
        queue.confirmed(key);
    }
    assert!(queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn abandoned_post_has_the_decline_reason() {
    let now = Instant::now();
    let mut queue = Queue::new();
    (1..=2).for_each(|n| queue.push(post(n)));
    let (key, _) = queue.write_next(now).unwrap();
    assert!(queue.declined(key, declined(&DeclineCode::Rate, None), now).is_none());
    let ended: Vec<_> = queue.drain().into_iter().map(|post| (post.abandoned(), post.put_off)).collect();
    assert_eq!(ended, [(DeliveryState::NeverSent, Some(DeclineCode::Rate)), (DeliveryState::NeverSent, None)]);
}
