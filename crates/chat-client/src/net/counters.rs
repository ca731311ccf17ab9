//! Counters of a service, for a program that exports metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a listener has done since its start; see [`Listener::counters`](crate::Listener::counters).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerCounters {
    /// Attempts to connect.
    pub attempts: u64,
    /// Connections that were online.
    pub connections: u64,
    /// Messages that were received.
    pub messages: u64,
    /// Gaps.
    pub gaps: u64,
}

/// What a writer has done since its start; see [`Writer::counters`](crate::Writer::counters).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriterCounters {
    /// Attempts to connect.
    pub attempts: u64,
    /// Connections that were online.
    pub connections: u64,
    /// Messages that the server confirmed.
    pub confirmed: u64,
    /// Messages that the server refused.
    pub refused: u64,
    /// Messages that may or may not have been delivered.
    pub unconfirmed: u64,
    /// Messages that were not sent, or discarded.
    pub never_sent: u64,
}

/// The counters of one service. Each is exact; together they are not of one instant.
#[derive(Debug, Default)]
pub(crate) struct ServiceCounters {
    attempts: AtomicU64,
    connections: AtomicU64,
    messages: AtomicU64,
    gaps: AtomicU64,
    refused: AtomicU64,
    unconfirmed: AtomicU64,
    never_sent: AtomicU64,
}

/// One counter of a service.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ServiceCount {
    Attempt,
    Connection,
    /// Received by a listener, or confirmed to a writer.
    Message,
    Gap,
    Refused,
    Unconfirmed,
    NeverSent,
}

impl ServiceCounters {
    pub(crate) fn add(&self, count: ServiceCount, number: u64) {
        let counter = match count {
            ServiceCount::Attempt => &self.attempts,
            ServiceCount::Connection => &self.connections,
            ServiceCount::Message => &self.messages,
            ServiceCount::Gap => &self.gaps,
            ServiceCount::Refused => &self.refused,
            ServiceCount::Unconfirmed => &self.unconfirmed,
            ServiceCount::NeverSent => &self.never_sent,
        };
        // Nothing else is published with a counter, so no ordering is needed.
        counter.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn of_listener(&self) -> ListenerCounters {
        ListenerCounters {
            attempts: read(&self.attempts),
            connections: read(&self.connections),
            messages: read(&self.messages),
            gaps: read(&self.gaps),
        }
    }

    pub(crate) fn of_writer(&self) -> WriterCounters {
        WriterCounters {
            attempts: read(&self.attempts),
            connections: read(&self.connections),
            confirmed: read(&self.messages),
            refused: read(&self.refused),
            unconfirmed: read(&self.unconfirmed),
            never_sent: read(&self.never_sent),
        }
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
