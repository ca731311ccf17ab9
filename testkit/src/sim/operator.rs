//! The operator of a simulation: draws actions, which the running server stores, or the disk while no server runs.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chat_client::{Nickname, PostId, Text, Token, Writer};
use chat_server::{AccountId, ActionDraft, Appended, Author, Draft, OperatorAction, TokenHash};
use fastrand::Rng;
use tokio::time::Instant;

use super::journal::Disk;
use super::network::{SimDialer, SimNetwork};
use crate::checker::DeliveryReport;
use crate::rig::ledger::{Ledger, Reporter};
use crate::rig::post_text;
use crate::rig::standing::{ProbePost, Standing};
use crate::rig::timeouts::{LOOK_FOR, client_config};

/// How long a confirmed message is kept at least: no copy of its post is on its way then. The id of an expired post is
/// forgotten, so a copy would be stored again.
const IN_FLIGHT_FOR: Duration = Duration::from_secs(1);

/// The token of the guest.
const GUEST_TOKEN: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";

/// The operator, and a guest: an account without a client of its own, whose messages may be erased.
pub(super) struct Operator {
    network: Arc<SimNetwork>,
    disk: Disk,
    ledger: Arc<Ledger>,
    seed: u64,
    rng: Rng,
    actor: Nickname,
    guest: Arc<Author>,
    /// The index of the guest among the writers of the ledger.
    guest_writer: usize,
    guest_posts: u64,
    guest_seqs: Vec<u64>,
    guest_token: Token,
    standing: Standing,
    erased: bool,
    /// All nicknames that each writer has had, the guest's last.
    names: Vec<Vec<String>>,
    /// The messages that were confirmed at earlier times.
    settled: VecDeque<(Instant, HashSet<u64>)>,
}

impl Operator {
    /// Creates the operator and the guest, before the server starts.
    pub(super) fn start(
        network: &Arc<SimNetwork>,
        disk: &Disk,
        ledger: &Arc<Ledger>,
        (seed, rng): (u64, Rng),
        guest_writer: usize,
    ) -> anyhow::Result<Self> {
        let nickname = Nickname::new("Quiet Guest")?;
        let guest_token = Token::new(GUEST_TOKEN)?;
        let (token, name) = (TokenHash::of(&guest_token), nickname.clone());
        let appended = disk.append(&[Draft::Account { token, nickname: name }])?;
        let id = if let Some(Appended::Account(id)) = appended.first() { *id } else { 0 };
        let mut operator = Self {
            network: Arc::clone(network),
            disk: disk.clone(),
            ledger: Arc::clone(ledger),
            seed,
            rng,
            actor: Nickname::new("operator")?,
            guest: Arc::new(Author { id, nickname }),
            guest_writer,
            guest_posts: 0,
            guest_seqs: Vec::new(),
            guest_token,
            standing: Standing::clear(),
            erased: false,
            names: Vec::new(),
            settled: VecDeque::new(),
        };
        for _ in 0..operator.rng.u8(1..4) {
            operator.post_as_guest()?;
        }
        Ok(operator)
    }

    /// Sets the names of the writers, in the order in which they registered.
    pub(super) fn know_writers(&mut self, nicks: Vec<String>) {
        self.names = nicks.into_iter().map(|nick| vec![nick]).collect();
        self.names.push(vec![self.guest.nickname.to_string()]);
    }

    /// Returns all nicknames that each writer has had.
    pub(super) fn names(&self) -> &[Vec<String>] {
        &self.names
    }

    /// Does something while no server runs. The messages of the guest have then reached no listener, and some expire.
    pub(super) async fn act_offline(&mut self) -> anyhow::Result<()> {
        for _ in 0..self.rng.u8(..4) {
            self.post_as_guest()?;
        }
        if self.rng.bool() {
            self.note_settled();
            return self.expire();
        }
        self.act_once().await
    }

    /// Does one thing at random, and checks before and after it what the running server does with a post of the guest.
    pub(super) async fn act(&mut self) -> anyhow::Result<()> {
        self.check_guest().await?;
        self.act_once().await?;
        self.check_guest().await
    }

    async fn act_once(&mut self) -> anyhow::Result<()> {
        self.note_settled();
        match self.rng.u8(..13) {
            0..3 => {
                let seq = self.rng.u64(1..20);
                self.remove(vec![seq]).await;
            }
            3 => self.mute().await,
            4 => self.ban_guest().await,
            11 => self.mute_guest().await,
            12 => self.revoke_guest().await,
            5 => {
                let (account, nickname) = self.draw_writer()?;
                self.store(OperatorAction::Kick { account, nickname }).await;
            }
            6 => self.rename().await?,
            7 => self.forget_guest().await,
            _ => self.expire()?,
        }
        Ok(())
    }

    /// Has an action stored. Returns false if it could not be.
    async fn store(&self, action: OperatorAction) -> bool {
        let draft = ActionDraft { actor: self.actor.clone(), reason: None, action };
        match self.network.act(draft.clone()) {
            Some(stored) => stored.await.is_ok(),
            None => self.disk.append(&[Draft::Action(draft)]).is_ok(),
        }
    }

    /// Removes messages, apart from the newest: listeners that have it are known to have everything.
    async fn remove(&self, mut seqs: Vec<u64>) -> bool {
        let stored = self.disk.oldest()..self.disk.head();
        let asked = seqs.len();
        seqs.retain(|seq| stored.contains(seq));
        let all = seqs.len() == asked;
        !seqs.is_empty() && self.store(OperatorAction::Remove { seqs }).await && all
    }

    async fn mute(&mut self) {
        let writer = self.rng.usize(..self.guest_writer);
        let Ok((account, nickname)) = self.account_of(writer) else { return };
        self.ledger.lock().muted.insert(writer);
        let mute = OperatorAction::Mute { account, nickname: nickname.clone(), until: None };
        if self.store(mute).await {
            tokio::time::sleep(Duration::from_millis(self.rng.u64(0..60))).await;
        }
        self.store(OperatorAction::Unmute { account, nickname }).await;
    }

    async fn ban_guest(&mut self) {
        let (account, nickname) = (self.guest.id, self.guest.nickname.to_string());
        let on = self.rng.bool();
        let end = OperatorAction::Unban { account, nickname: nickname.clone() };
        let action = if on { OperatorAction::Ban { account, nickname, until: None } } else { end };
        self.standing.banned = self.store(action).await.then_some(on);
    }

    async fn mute_guest(&mut self) {
        let (account, nickname) = (self.guest.id, self.guest.nickname.to_string());
        let on = self.rng.bool();
        let end = OperatorAction::Unmute { account, nickname: nickname.clone() };
        let action = if on { OperatorAction::Mute { account, nickname, until: None } } else { end };
        self.ledger.lock().muted.insert(self.guest_writer);
        self.standing.muted = self.store(action).await.then_some(on);
    }

    async fn revoke_guest(&mut self) {
        let (account, nickname) = (self.guest.id, self.guest.nickname.to_string());
        let on = self.rng.bool();
        let end = OperatorAction::Restore { account, nickname: nickname.clone() };
        let action = if on { OperatorAction::Revoke { account, nickname } } else { end };
        self.standing.revoked = self.store(action).await.then_some(on);
    }

    async fn rename(&mut self) -> anyhow::Result<()> {
        let writer = self.rng.usize(..self.guest_writer);
        let (account, nickname) = self.account_of(writer)?;
        let to = format!("Writer {writer} Named {}", self.names[writer].len());
        // Known before it is stored, because the next message may come before the answer.
        self.names[writer].push(to.clone());
        self.store(OperatorAction::Rename { account, nickname, to }).await;
        Ok(())
    }

    /// Removes all messages of the guest, and sometimes its account.
    async fn forget_guest(&mut self) {
        let oldest = self.disk.oldest();
        let seqs: Vec<u64> = self.guest_seqs.iter().copied().filter(|&seq| seq >= oldest).collect();
        if self.remove(seqs).await && self.rng.bool() && !self.erased {
            self.erased = self.store(OperatorAction::Erase { account: self.guest.id }).await;
        }
    }

    /// Expires some of the oldest messages. The guest has no client, so its posts are never on their way.
    fn expire(&mut self) -> anyhow::Result<()> {
        let old_enough = Instant::now().checked_sub(IN_FLIGHT_FOR);
        let settled = self.settled.iter().rev().find(|(at, _)| old_enough.is_some_and(|then| *at <= then));
        let is_settled = |seq: &u64| settled.is_some_and(|(_, all)| all.contains(seq)) || self.guest_seqs.contains(seq);
        let oldest = self.disk.oldest();
        let due = (oldest..self.disk.head()).take_while(is_settled).count() as u64;
        if due > 0 {
            self.disk.expire(oldest + self.rng.u64(..due))?;
        }
        Ok(())
    }

    /// Notes which messages are confirmed by now.
    fn note_settled(&mut self) {
        let state = self.ledger.lock();
        let reports = state.writers.iter().flat_map(|record| record.reports.iter().flatten());
        let seqs = reports.filter_map(|report| match report {
            DeliveryReport::Confirmed { seq } => *seq,
            _ => None,
        });
        self.settled.push_back((Instant::now(), seqs.collect()));
    }

    /// Posts a message of the guest. Its report is in the ledger like those of the writers.
    fn post_as_guest(&mut self) -> anyhow::Result<()> {
        if self.erased {
            return Ok(());
        }
        let (writer, number) = (self.guest_writer, self.guest_posts);
        self.guest_posts += 1;
        let text = Text::new(&post_text::text(self.seed, writer, number))?;
        self.ledger.record(Reporter::Writer(writer), &format!("posting {number}"));
        let appended = self.disk.append(&[Draft::Post { author: Arc::clone(&self.guest), id: None, text }])?;
        if let Some(Appended::Fresh { seq, .. }) = appended.first() {
            self.ledger.record(Reporter::Writer(writer), &format!("confirmed {number} {seq}"));
            self.guest_seqs.push(*seq);
        }
        Ok(())
    }

    /// Posts as the guest, and checks what the server does with it.
    async fn check_guest(&mut self) -> anyhow::Result<()> {
        if self.erased {
            return Ok(());
        }
        let (writer, number) = (self.guest_writer, self.guest_posts);
        self.guest_posts += 1;
        let id = PostId::new(&post_text::id(writer, number))?;
        let text = Text::new(&post_text::text(self.seed, writer, number))?;
        let builder = Writer::builder(client_config(0, self.seed ^ number)).token(self.guest_token.clone());
        let client = builder.dial(SimDialer::without_faults(&self.network)).start();
        ProbePost { writer, number, id, text }.check(self.standing, LOOK_FOR, client, &self.ledger).await;
        let report = self.ledger.lock().writers[writer].reports[number as usize];
        if let Some(DeliveryReport::Confirmed { seq: Some(seq) }) = report {
            self.guest_seqs.push(seq);
        }
        Ok(())
    }

    fn draw_writer(&mut self) -> anyhow::Result<(AccountId, String)> {
        let writer = self.rng.usize(..self.guest_writer);
        self.account_of(writer)
    }

    /// Returns the account of a writer and its present name.
    fn account_of(&self, writer: usize) -> anyhow::Result<(AccountId, String)> {
        let accounts = self.disk.accounts()?;
        let found =
            accounts.iter().find(|account| self.names[writer].iter().any(|name| *name == *account.nickname.as_str()));
        found
            .map(|account| (account.id, account.nickname.to_string()))
            .ok_or_else(|| anyhow::anyhow!("no account of writer {writer}"))
    }
}
