//! A model of a listener: reads what a node shows, and continues after its position at another node.

use std::collections::VecDeque;

use chat_server::replication::Projection as _;
use chat_server::{LogEntry, ReadLimit};
use fastrand::Rng;

use super::node::{ConnectionId, Reply, Request, SimNode};

/// How long a listener waits for an answer before it connects again, in milliseconds.
const ANSWER_TIMEOUT: u64 = 2_500;

/// A listener.
pub(super) struct SimListener {
    /// Its number among all clients.
    number: usize,
    connections: u64,
    connection: Option<(usize, u64)>,
    deadline: u64,
    resumed: bool,
    /// The position after which it continues.
    pub(super) after: u64,
    /// What it has received: the number, and the text unless it was removed.
    pub(super) received: Vec<(u64, Option<String>)>,
    replies: VecDeque<(u64, Reply)>,
}

impl SimListener {
    pub(super) fn new(number: usize) -> Self {
        let (replies, received) = (VecDeque::new(), Vec::new());
        Self { number, connections: 0, connection: None, deadline: 0, resumed: false, after: 0, received, replies }
    }

    /// Delivers what a node has answered.
    pub(super) fn deliver(&mut self, connection: ConnectionId, reply: Reply) {
        self.replies.push_back((connection.1, reply));
    }

    /// Does what is due.
    pub(super) fn tick(
        &mut self,
        now: u64,
        nodes: &mut [SimNode],
        rng: &mut Rng,
        violations: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        while let Some((connection, reply)) = self.replies.pop_front() {
            let Reply::Resumed { head } = reply else { continue };
            if connection == self.connections && self.connection.is_some() {
                self.resumed = true;
                if self.after > head {
                    violations.push(format!("a listener that has {} was told that the log ends at {head}", self.after));
                }
            }
        }
        let broken = |(node, run): (usize, u64)| nodes[node].running.is_none() || nodes[node].run != run;
        let waits = !self.resumed && now > self.deadline;
        if self.connection.is_none_or(broken) || waits || rng.u16(..200) == 0 {
            self.connections += 1;
            (self.connection, self.resumed, self.deadline) = (None, false, now + ANSWER_TIMEOUT);
            let node = rng.usize(..nodes.len());
            if nodes[node].running.is_some() {
                let run = nodes[node].run;
                self.connection = Some((node, run));
                nodes[node].send(run, (self.number, self.connections), Request::Resume { after: self.after });
            }
        }
        let Some((node, _)) = self.connection.filter(|_| self.resumed) else { return Ok(()) };
        let Some(running) = &nodes[node].running else { return Ok(()) };
        let reader = running.node.projection().reader();
        // What has expired is skipped, and the listener is told so.
        self.after = self.after.max(reader.oldest().saturating_sub(1));
        for entry in reader.read(self.after + 1, ReadLimit::new(20, usize::MAX))? {
            if entry.seq() != self.after + 1 {
                violations.push(format!("a listener got {} after {}", entry.seq(), self.after));
            }
            self.after = entry.seq();
            let text = match &entry {
                LogEntry::Message(message) => Some(message.text.to_string()),
                _ => None,
            };
            self.received.push((entry.seq(), text));
        }
        Ok(())
    }
}
