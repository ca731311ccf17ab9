//! Determines where a listener that requests to resume starts (protocol, section 5).

use chat_proto::{ResumeFrom, Seq};

use crate::entry::LogStream;
use crate::limits::STRANGER_BACKLOG;

/// Returns the sequence number of the first message to send, of those from `oldest` to `head`; one after `head` for
/// none. `None` if only the journal knows it, because a time was requested.
pub(super) fn first_seq(from: &ResumeFrom, streams: &[LogStream], oldest: Seq, head: Seq) -> Option<Seq> {
    let wanted = match from {
        ResumeFrom::After(position) => {
            let known = streams.iter().position(|stream| stream.id == position.stream);
            match known.map(|index| streams.get(index + 1)) {
                // The current stream.
                Some(None) => position.seq.saturating_add(1),
                // An earlier stream: what the listener saw beyond its end is lost, so it continues where the next one
                // starts. The different stream id tells it of the gap.
                Some(Some(next)) => position.seq.saturating_add(1).min(next.first),
                // A log that this store never had: the listener has seen nothing of this one.
                None => {
                    let first = streams.last().map_or(1, |stream| stream.first);
                    first.max((head + 1).saturating_sub(STRANGER_BACKLOG))
                }
            }
        }
        ResumeFrom::Last(count) => (head + 1).saturating_sub(*count),
        ResumeFrom::AfterTime(_) => return None,
        // A request of a later protocol version: start now.
        _ => head + 1,
    };
    Some(within(wanted, oldest, head))
}

/// Returns the number that is sent first if `wanted` is requested.
pub(super) fn within(wanted: Seq, oldest: Seq, head: Seq) -> Seq {
    wanted.max(oldest).min(head + 1)
}

#[cfg(test)]
mod tests {
    use chat_proto::{Position, StreamId};

    use super::*;

    fn stream(id: &str, first: Seq) -> LogStream {
        LogStream { id: StreamId::new(id).unwrap(), first }
    }

    fn after(stream: &str, seq: Seq) -> ResumeFrom {
        ResumeFrom::After(Position { stream: StreamId::new(stream).unwrap(), seq })
    }

    #[test]
    fn starts_where_the_listener_stopped() {
        let streams = [stream("old", 1), stream("now", 51)];
        let seq = |from: &ResumeFrom, oldest| first_seq(from, &streams, oldest, 100).unwrap();
        for (from, oldest, expected) in [
            (after("now", 80), 1, 81),
            (after("now", 0), 1, 1),
            (after("now", 0), 20, 20),
            (after("now", 100), 1, 101),
            (after("now", u64::MAX), 1, 101),
            (after("old", 30), 1, 31),
            (after("old", 70), 1, 51),
            (after("other", 5), 1, 51),
            (ResumeFrom::Last(10), 1, 91),
            (ResumeFrom::Last(0), 1, 101),
            (ResumeFrom::Last(u64::MAX), 7, 7),
        ] {
            assert_eq!(seq(&from, oldest), expected, "{from:?}");
        }
        assert_eq!(first_seq(&ResumeFrom::AfterTime(60), &streams, 1, 100), None);
    }

    #[test]
    fn unknown_stream_gets_a_bounded_backlog() {
        let head = 10 * STRANGER_BACKLOG;
        let from = first_seq(&after("other", 5), &[stream("now", 1)], 1, head).unwrap();
        assert_eq!(from, head + 1 - STRANGER_BACKLOG);
    }
}
