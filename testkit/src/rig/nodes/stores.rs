//! The check of the stores of all nodes at the end of a run: they are equal, and have what was confirmed.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use chat_server::replication::Projection as _;
use chat_server::{OperatorAction, ReadLimit, SqliteProjection};

use crate::checker::ListenerLog;
use crate::rig::final_check::attributed_text;

/// What is read of one store.
pub(super) struct NodeStore {
    pub(super) log: ListenerLog,
    pub(super) hash: String,
    pub(super) violations: Vec<String>,
}

/// Reads a store whose node has ended.
pub(super) fn read(name: String, dir: &Path, nicks: &[Vec<String>]) -> Result<NodeStore> {
    let mut store = SqliteProjection::open(dir).with_context(|| format!("{name} cannot be opened"))?;
    let (reader, head) = (store.reader(), store.head());
    let mut log = ListenerLog { name: name.clone(), ..ListenerLog::default() };
    let (mut violations, mut last_at) = (Vec::new(), 0);
    let mut by_nick: HashMap<String, Vec<u64>> = HashMap::new();
    while log.seqs.last().copied().unwrap_or(0) < head {
        let page = reader.read(log.seqs.last().map_or(1, |seq| seq + 1), ReadLimit::new(4_096, 1 << 22))?;
        ensure!(!page.is_empty(), "{name} ends at {:?} and not at {head}", log.seqs.last());
        for entry in page {
            let message = entry.message().context("a message was removed")?;
            if message.at < last_at {
                violations.push(format!("{name}: message {} is older than the one before", message.seq));
            }
            last_at = message.at;
            if message.seq != log.seqs.last().map_or(1, |seq| seq + 1) {
                violations.push(format!("{name}: there is no message before {}", message.seq));
            }
            let nick = message.nickname.as_str();
            by_nick.entry(nick.to_owned()).or_default().push(message.seq);
            log.texts.push(attributed_text(Some(nick), message.text.to_string(), nicks));
            log.seqs.push(message.seq);
        }
    }
    violations.extend(after_revocations(&name, &store, &by_nick)?);
    let mut names: Vec<_> = store.accounts()?.into_iter().map(|account| account.nickname.to_string()).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    if names.len() != count {
        violations.push(format!("{name}: two accounts have the same nickname"));
    }
    let hash = format!("{:?}", store.content_hash()?);
    Ok(NodeStore { log, hash, violations })
}

/// Returns each message that was stored while its account was revoked.
fn after_revocations(name: &str, store: &SqliteProjection, by_nick: &HashMap<String, Vec<u64>>) -> Result<Vec<String>> {
    let (mut revoked, mut found): (HashMap<String, u64>, Vec<String>) = (HashMap::new(), Vec::new());
    let mut check = |nickname: &str, from: u64, to: u64| {
        let seqs = by_nick.get(nickname).into_iter().flatten();
        let late = seqs.filter(|seq| (from + 1..=to).contains(*seq));
        found.extend(late.map(|seq| format!("{name}: message {seq} of {nickname} follows its revocation")));
    };
    for action in store.reader().actions()? {
        match &action.draft.action {
            OperatorAction::Revoke { nickname, .. } => drop(revoked.insert(nickname.clone(), action.head)),
            OperatorAction::Restore { nickname, .. } => {
                if let Some(from) = revoked.remove(nickname) {
                    check(nickname, from, action.head);
                }
            }
            _ => {}
        }
    }
    for (nickname, from) in revoked {
        check(&nickname, from, u64::MAX);
    }
    Ok(found)
}
