//! The lives of one simulated writer: it types, dies at any instant, and goes on with what its outbox and its ledger
//! say.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chat_client::{Outbox, Token, Writer};
use fastrand::Rng;

use super::net::{Net, Way};
use crate::rig::ledger::{Ledger, Who};
use crate::rig::patience::{WRITER_ANSWER, impatient};
use crate::rig::typist::Typist;

/// How many messages may be typed and not told of.
const IN_FLIGHT: usize = 12;

/// What a writer is.
pub(super) struct Person {
    pub(super) seed: u64,
    pub(super) number: usize,
    pub(super) token: Token,
    pub(super) posts: u64,
    pub(super) dir: PathBuf,
    pub(super) rng: Rng,
}

/// Lives until everything was typed and told; deaths end when `deaths` says so.
pub(super) async fn live(mut person: Person, net: Arc<Net>, ledger: Arc<Ledger>, deaths: usize) -> anyhow::Result<()> {
    for life in 0.. {
        let path = path(&person, life);
        let (way, end) = Way::new(&net, person.rng.u64(..));
        let outbox = Outbox::open(&path, "sim")?;
        let mut config = impatient(0, person.rng.u64(..));
        config.answer_timeout = WRITER_ANSWER;
        let writer = Writer::start_kept_with(config, person.token.clone(), outbox.clone(), way);
        let said = {
            let (ledger, number) = (Arc::clone(&ledger), person.number);
            move |line: &str| line.lines().for_each(|line| ledger.take(Who::Writer(number), line))
        };
        let typist = Typist::new(person.seed, person.number, writer, outbox, said);
        let span = if life < deaths { Duration::from_millis(person.rng.u64(1..900)) } else { Duration::MAX };
        let mut pace = person.rng.fork();
        let orders = ledger.orders(person.number);
        let typing = type_all(typist, &orders, person.posts, &mut pace);
        match tokio::time::timeout(span, typing).await {
            Ok(ended) => return ended,
            Err(_) => {
                // What lies on the disk at this instant is all that is left of it.
                end.send_replace(false);
                copy(&path, &self::path(&person, life + 1))?;
            }
        }
    }
    Ok(())
}

async fn type_all<R: Fn(&str)>(mut typist: Typist<R>, orders: &str, posts: u64, pace: &mut Rng) -> anyhow::Result<()> {
    let mut orders = orders.split(' ').map(str::parse);
    let from: u64 = orders.next().context("no first number")??;
    let open: Vec<u64> = orders.collect::<Result<_, _>>()?;
    let mut next = typist.take_up(from, &open).await?;
    while next < posts || typist.open() > 0 {
        let pause = Duration::from_millis(pace.u64(0..30));
        tokio::select! {
            biased;
            Some(ended) = typist.next_ended() => typist.tell(ended)?,
            () = tokio::time::sleep(pause), if next < posts && typist.open() < IN_FLIGHT => {
                typist.type_one(next, false).await?;
                next += 1;
            }
        }
    }
    Ok(())
}

fn path(person: &Person, life: usize) -> PathBuf {
    person.dir.join(format!("outbox-{}-{life}", person.number))
}

/// Copies a file, if it is there.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::copy(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
