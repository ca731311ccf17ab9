//! A model of a writer: registers, posts in order, and repeats at another node what was not confirmed.

use std::collections::VecDeque;
use std::sync::Arc;

use chat_client::{PostId, Text};
use chat_server::{Author, TokenHash};
use fastrand::Rng;

use super::node::{ConnectionId, Reply, Request, SimNode};

/// How long a writer waits for an answer before it connects again, in milliseconds.
const ANSWER_TIMEOUT: u64 = 2_500;

/// Names of which some look alike.
const NAMES: [&str; 4] = ["Bob", "ВОВ", "B0b", "Eve"];

/// What was reported to the writer of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostState {
    /// Nothing yet.
    Pending,
    /// It is stored there.
    Stored { seq: u64 },
    /// It was declined at its only attempt, and the writer gave it up.
    GivenUp,
    /// The account is revoked.
    Revoked,
}

/// One post.
#[derive(Debug, Clone)]
pub(super) struct SimPost {
    pub(super) id: PostId,
    pub(super) text: Text,
    pub(super) state: PostState,
    attempts: u32,
}

/// A connection to one run of a node.
#[derive(Debug, Clone, Copy)]
struct Connection {
    node: usize,
    run: u64,
}

/// A writer.
pub(super) struct SimWriter {
    number: usize,
    connections: u64,
    connection: Option<Connection>,
    /// When it connects again at the latest, unless something is answered.
    deadline: u64,
    /// Tokens that were sent, the last one for the present attempt.
    token: Option<TokenHash>,
    pub(super) account: Option<Arc<Author>>,
    logged_in: bool,
    pub(super) posts: Vec<SimPost>,
    /// The posts that were sent over the connection and not answered.
    sent: Vec<usize>,
    /// An operator may revoke or erase its account.
    pub(super) is_victim: bool,
    replies: VecDeque<(u64, Reply)>,
}

impl SimWriter {
    pub(super) fn new(number: usize, posts: usize, is_victim: bool) -> anyhow::Result<Self> {
        let new = |index: usize| {
            let (id, text) = (PostId::new(&format!("p{index}"))?, Text::new(&format!("w{number}-{index}"))?);
            anyhow::Ok(SimPost { id, text, state: PostState::Pending, attempts: 0 })
        };
        Ok(Self {
            number,
            connections: 0,
            connection: None,
            deadline: 0,
            token: None,
            account: None,
            logged_in: false,
            posts: (0..posts).map(new).collect::<Result<_, _>>()?,
            sent: Vec::new(),
            is_victim,
            replies: VecDeque::new(),
        })
    }

    /// Returns whether the fate of all its posts is known.
    pub(super) fn is_done(&self) -> bool {
        self.posts.iter().all(|post| post.state != PostState::Pending)
    }

    /// Delivers what a node has answered.
    pub(super) fn deliver(&mut self, connection: ConnectionId, reply: Reply) {
        self.replies.push_back((connection.1, reply));
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: u64, nodes: &mut [SimNode], rng: &mut Rng, violations: &mut Vec<String>) {
        while let Some((connection, reply)) = self.replies.pop_front() {
            if connection == self.connections && self.connection.is_some() {
                self.deadline = now + ANSWER_TIMEOUT;
                self.receive(reply, rng, violations);
            }
        }
        if self.is_done() {
            return;
        }
        let broken = |connection: Connection| {
            let node = &nodes[connection.node];
            node.running.is_none() || node.run != connection.run
        };
        // It also moves without a reason.
        let leaves = now > self.deadline || self.connection.is_some_and(broken) || rng.u16(..600) == 0;
        if self.connection.is_none() || leaves {
            self.connect(now, nodes, rng);
        }
        let Some(connection) = self.connection else { return };
        let pending = (0..self.posts.len()).filter(|index| self.posts[*index].state == PostState::Pending);
        let window = rng.usize(1..=3);
        let next: Vec<usize> = pending.take(window).filter(|index| !self.sent.contains(index)).collect();
        if let Some(author) = self.account.clone().filter(|_| self.logged_in) {
            for index in next {
                let post = &mut self.posts[index];
                post.attempts += 1;
                let (id, text) = (post.id.clone(), post.text.clone());
                let request = Request::Post { author: Arc::clone(&author), id, text };
                nodes[connection.node].send(connection.run, (self.number, self.connections), request);
                self.sent.push(index);
            }
        }
    }

    fn connect(&mut self, now: u64, nodes: &mut [SimNode], rng: &mut Rng) {
        (self.connection, self.logged_in) = (None, false);
        self.connections += 1;
        self.sent.clear();
        self.deadline = now + ANSWER_TIMEOUT;
        let node = rng.usize(..nodes.len());
        if nodes[node].running.is_none() {
            return;
        }
        let run = nodes[node].run;
        self.connection = Some(Connection { node, run });
        let request = match (self.token, &self.account) {
            (Some(token), Some(_)) => Request::LogIn { token },
            _ => {
                let mut token = [0; 32];
                token.iter_mut().for_each(|byte| *byte = rng.u8(..));
                let token = TokenHash::from_bytes(token);
                self.token = Some(token);
                Request::Register { token, name: NAMES[rng.usize(..NAMES.len())].to_owned() }
            }
        };
        nodes[node].send(run, (self.number, self.connections), request);
    }

    fn receive(&mut self, reply: Reply, rng: &mut Rng, violations: &mut Vec<String>) {
        match reply {
            Reply::Account(author) => {
                self.account = Some(author);
                self.logged_in = true;
            }
            Reply::Denied => {
                if self.account.is_some() && !self.is_victim {
                    violations.push(format!("the token of writer {} was refused after it was given", self.number));
                }
                if self.is_victim {
                    self.give_up(PostState::Revoked);
                }
                self.connection = None;
            }
            Reply::Stored { id, seq } => {
                self.sent.retain(|index| self.posts[*index].id != id);
                if let Some(post) = self.posts.iter_mut().find(|post| post.id == id) {
                    post.state = PostState::Stored { seq };
                }
            }
            Reply::Revoked => {
                if !self.is_victim {
                    violations.push(format!("a post of writer {} was refused as revoked", self.number));
                }
                self.give_up(PostState::Revoked);
            }
            Reply::Declined { id } => {
                let post = self.posts.iter_mut().find(|post| Some(&post.id) == id.as_ref());
                // An earlier attempt may still be stored.
                if let Some(post) = post.filter(|post| post.attempts == 1)
                    && rng.bool()
                {
                    post.state = PostState::GivenUp;
                }
                self.connection = None;
            }
            Reply::Resumed { .. } => {}
        }
    }

    fn give_up(&mut self, state: PostState) {
        for post in &mut self.posts {
            if post.state == PostState::Pending {
                post.state = state;
            }
        }
    }
}
