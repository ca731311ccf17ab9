//! Keeps a writer's messages in their order over a refusal that passes: until the refused post has
//! come again, none that was sent behind it is taken. Otherwise what was already on its way would
//! overtake it.

use std::time::Duration;

use chat_proto::PostId;
use tokio::time::Instant;

/// How much later than asked for a refused post may come again before the others no longer wait for
/// it: its writer may have given it up.
const GRACE: Duration = Duration::from_secs(2);

/// What a writer's later posts wait for.
#[derive(Debug, Default)]
pub(super) struct Order {
    awaited: Option<(PostId, Instant)>,
}

impl Order {
    /// For how long a post must wait for one that was sent before it; `None` when it need not.
    pub(super) fn wait(&mut self, id: &PostId, now: Instant) -> Option<Duration> {
        match &self.awaited {
            Some((awaited, until)) if awaited != id && now < *until => Some((*until - now).saturating_sub(GRACE)),
            Some(_) => {
                self.awaited = None;
                None
            }
            None => None,
        }
    }

    /// This post was refused for so long. Those that are refused for its sake change nothing.
    pub(super) fn refused(&mut self, id: &PostId, retry_after: Duration, now: Instant) {
        self.awaited.get_or_insert_with(|| (id.clone(), now + 2 * retry_after + GRACE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_posts_wait_for_the_refused_one_and_not_for_ever() {
        let id = |name: &str| PostId::new(name).unwrap();
        let (mut order, start, wait) = (Order::default(), Instant::now(), Duration::from_secs(1));
        assert_eq!(order.wait(&id("a"), start), None);
        order.refused(&id("a"), wait, start);
        assert_eq!(order.wait(&id("b"), start), Some(2 * wait));
        order.refused(&id("b"), wait, start);
        assert_eq!(order.wait(&id("a"), start + wait), None);
        assert_eq!(order.wait(&id("b"), start + wait), None);
        order.refused(&id("c"), wait, start);
        assert_eq!(order.wait(&id("d"), start + 2 * wait + GRACE), None);
    }
}
