//! A model of the operators of all nodes: actions and expiry at random.

use std::collections::HashSet;
use std::sync::Arc;

use chat_client::{Nickname, Text};
use chat_server::replication::{BatchEntry, Projection as _};
use chat_server::{ActionDraft, Author, Draft, LogEntry, OperatorAction, ReadLimit, SERVER_ACCOUNT};
use fastrand::Rng;

use super::node::SimNode;
use super::writer::{PostState, SimWriter};

/// Nicknames that look like those which nodes give to writers.
const NEW_NAMES: [&str; 4] = ["Keen Bob", "Keen ВОВ", "Calm Eve", "Bold B0b"];

/// The author of announcements.
const SERVER: &str = "Server";

/// What the operators have done.
#[derive(Debug, Default)]
pub(super) struct Operator {
    announcements: u64,
}

impl Operator {
    /// Has a random node do one thing at random.
    pub(super) fn tick(
        &mut self,
        now: u64,
        nodes: &mut [SimNode],
        writers: &[SimWriter],
        rng: &mut Rng,
    ) -> anyhow::Result<()> {
        let node = rng.usize(..nodes.len());
        let Some(running) = &mut nodes[node].running else { return Ok(()) };
        let (head, oldest) = (running.node.projection().head(), running.node.projection().reader().oldest());
        let writer = &writers[rng.usize(..writers.len())];
        let Some(author) = &writer.account else { return Ok(()) };
        let (account, nickname) = (author.id, author.nickname.as_str().to_owned());
        let action = match rng.u8(..12) {
            0..3 if head > 0 => OperatorAction::Remove { seqs: vec![rng.u64(1..=head)] },
            3 => OperatorAction::Mute { account, nickname, until: None },
            4 | 5 => OperatorAction::Rename { account, nickname, to: NEW_NAMES[rng.usize(..NEW_NAMES.len())].into() },
            6 if writer.is_victim => OperatorAction::Revoke { account, nickname },
            7 if writer.is_victim => OperatorAction::Erase { account },
            8 | 9 => {
                // What has expired is forgotten with its id, so only what its writers know to be stored may expire.
                let posts = writers.iter().flat_map(|writer| &writer.posts);
                let told: HashSet<u64> = posts
                    .filter_map(|post| if let PostState::Stored { seq } = post.state { Some(seq) } else { None })
                    .collect();
                let entries = running.node.projection().reader().read(oldest, ReadLimit::new(20, usize::MAX))?;
                let is_known = |entry: &&LogEntry| {
                    let by_server = entry.message().is_some_and(|message| message.nickname.as_str() == SERVER);
                    entry.seq() < head && (by_server || told.contains(&entry.seq()))
                };
                if let Some(last) = entries.iter().take_while(is_known).last() {
                    running.act(vec![BatchEntry::Expire { through: last.seq() }], now);
                }
                return Ok(());
            }
            _ => {
                self.announcements += 1;
                let author = Arc::new(Author { id: SERVER_ACCOUNT, nickname: Nickname::new(SERVER)? });
                let text = Text::new(&format!("announcement {}", self.announcements))?;
                running.act(vec![BatchEntry::of(&Draft::Post { author, id: None, text })], now);
                return Ok(());
            }
        };
        let draft = ActionDraft { actor: Nickname::new("operator")?, reason: None, action };
        running.act(vec![BatchEntry::of(&Draft::Action(draft))], now);
        Ok(())
    }
}
