//! `chat send`: one message, or each line of standard input, and what became of each.

use std::time::Duration;

use chat_client::{Delivery, DeliveryError, Position, PostId, Settings, Text, TextError, Writer};
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::account_choice;
use crate::args::{Common, Confirm, Send};
use crate::echo::Echo;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::objects::{Kind, Object};
use crate::outcome::{Ledger, Outcome};
use crate::output::{self, Style};
use crate::sides::{self, Side, StateTalk};
use crate::signals::Interrupt;

/// How long to look for the server when nothing else is said.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long what is under way may still be confirmed after a signal.
const LAST_MOMENT: Duration = Duration::from_secs(3);

/// How many messages may be under way, and how many input lines wait for that: enough to keep a
/// connection busy, and little to be unsure about when it breaks.
const UNDER_WAY: usize = 512;

pub(super) async fn run(mut args: Send, common: &Common) -> Result<Exit, Failure> {
    let interrupt = Interrupt::watch().map_err(Failure::Runtime)?;
    let mut layer = sides::layer(&args.connect, Side::Write);
    sides::add_identity(&mut layer, &args.identity)?;
    let settings = sides::settings(layer, common)?;
    let mut input = Input::from(args.message.take(), &settings)?;
    let deadline = args.timeout.map(|limit| Instant::now() + limit);
    let config = sides::client_config(&settings, &args.connect, Some(PATIENCE));
    sides::warn_of_exposure(&config);
    let start = async {
        let token = account_choice::known_or_new(&settings, &config).await?;
        let echo = match args.confirm {
            Confirm::Echo => Some(Echo::start(config.clone()).await?),
            Confirm::Written | Confirm::Ack => None,
        };
        Ok::<_, Failure>((Writer::start(config.clone(), token), echo))
    };
    let (writer, echo) = tokio::select! {
        started = start => started?,
        () = interrupt.wait() => return Err(Failure::Interrupted),
        () = at(deadline) => return Err(Failure::OutOfTime),
    };
    let run = Run {
        style: Style::new(common.json, false),
        confirm: args.confirm,
        what: config.write_addr_text(),
        writer,
        echo,
        ledger: Ledger::default(),
        deadline,
    };
    run.send_all(&mut input, &interrupt).await
}

/// Where the messages come from: one text, or the lines of standard input, with their numbers.
enum Input {
    One(Option<Text>),
    Lines(Lines),
}

/// The lines of standard input with their numbers, from 1.
type Lines = mpsc::Receiver<std::io::Result<(u64, Vec<u8>)>>;

impl Input {
    fn from(message: Option<String>, settings: &Settings) -> Result<Self, Failure> {
        match message.as_deref() {
            Some("-") | None => {
                if settings.token_file.as_deref().is_some_and(|path| path.as_os_str() == "-") {
                    return Err(Failure::Usage(
                        "standard input cannot be both the token (--token-file -) and the messages: give -m TEXT"
                            .into(),
                    ));
                }
                Ok(Self::Lines(lines()?))
            }
            Some(text) => Ok(Self::One(Some(Text::new(text)?))),
        }
    }

    /// The next message with its number. Cancel-safe.
    async fn next(&mut self) -> Option<std::io::Result<(u64, Result<Text, TextError>)>> {
        match self {
            Self::One(text) => text.take().map(|text| Ok((1, Ok(text)))),
            Self::Lines(lines) => loop {
                match lines.recv().await? {
                    Ok((number, line)) => match Text::new(&String::from_utf8_lossy(&line)) {
                        Err(TextError::Blank) => {}
                        text => return Some(Ok((number, text))),
                    },
                    Err(error) => return Some(Err(error)),
                }
            },
        }
    }
}

/// Reads standard input on a thread of its own: a read from a terminal or a pipe can be neither
/// waited for nor given up otherwise.
fn lines() -> Result<Lines, Failure> {
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    let read = move || {
        let mut input = std::io::stdin().lock();
        let mut number = 0;
        loop {
            let mut line = Vec::new();
            match read_line(&mut input, &mut line) {
                Ok(false) => return,
                Ok(true) => {
                    number += 1;
                    if sender.blocking_send(Ok((number, line))).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
            }
        }
    };
    std::thread::Builder::new().name("input".into()).spawn(read).map_err(Failure::Runtime)?;
    Ok(receiver)
}

/// Reads one line. Of a line without end only so much is kept as shows that it is too long.
fn read_line(input: &mut impl std::io::BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    const KEEP: usize = 8 * chat_client::MAX_TEXT_BYTES;
    let mut any = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let piece = &buffer[..end.unwrap_or(buffer.len())];
        line.extend_from_slice(&piece[..piece.len().min(KEEP.saturating_sub(line.len()))]);
        let used = piece.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// One run, from the first message to the report.
struct Run {
    style: Style,
    confirm: Confirm,
    what: String,
    writer: Writer,
    echo: Option<Echo>,
    ledger: Ledger,
    deadline: Option<Instant>,
}

/// A message that is under way.
struct Sent {
    line: u64,
    id: PostId,
    text: Text,
    /// Confirmed, with its place from a server that numbers.
    end: Result<Option<Position>, DeliveryError>,
}

impl Run {
    async fn send_all(mut self, input: &mut Input, interrupt: &Interrupt) -> Result<Exit, Failure> {
        let states = self.writer.state();
        let mut talk = StateTalk::new(Side::Write, states.clone(), self.style.json);
        let mut under_way = FuturesOrdered::new();
        let mut stop = None;
        let mut more = true;
        while more || !under_way.is_empty() {
            tokio::select! {
                biased;
                () = interrupt.wait() => stop = Some(Failure::Interrupted),
                () = at(self.deadline) => stop = Some(Failure::OutOfTime),
                () = talk.next() => {}
                Some(sent) = under_way.next() => self.ended(sent).await?,
                next = input.next(), if more && under_way.len() < UNDER_WAY => match next {
                    Some(Ok((line, Ok(text)))) => {
                        if let Some(delivery) = self.hand_in(line, text.clone()).await? {
                            under_way.push_back(delivered(delivery, line, text, self.confirm));
                        } else {
                            // The service has closed: nothing that follows can be sent either.
                            more = false;
                        }
                    }
                    Some(Ok((line, Err(_)))) => self.tell(line, Outcome::Refused, None, None, Some("too_long"))?,
                    Some(Err(error)) => return Err(Failure::Input(error)),
                    None => more = false,
                },
            }
            if stop.is_some() {
                break;
            }
        }
        let moment = if stop.is_some() { LAST_MOMENT } else { Duration::from_secs(1) };
        let moment = if matches!(stop, Some(Failure::OutOfTime)) { Duration::ZERO } else { moment };
        let closing = self.writer.clone().close(moment);
        tokio::pin!(closing);
        let mut closed = false;
        while !under_way.is_empty() || !closed {
            tokio::select! {
                Some(sent) = under_way.next() => self.ended(sent).await?,
                _ = &mut closing, if !closed => closed = true,
            }
        }
        let closed = sides::closed(&states, self.what.clone());
        self.finish(stop, closed)
    }

    /// Queues a message; `None` when the service has closed, and the message was told as never sent.
    async fn hand_in(&mut self, line: u64, text: Text) -> Result<Option<Delivery>, Failure> {
        match self.writer.send(text).await {
            Ok(delivery) => Ok(Some(delivery)),
            Err(_) => {
                self.tell(line, Outcome::NeverSent, None, None, None)?;
                Ok(None)
            }
        }
    }

    async fn ended(&mut self, sent: Sent) -> Result<(), Failure> {
        let Sent { line, id, text, end } = sent;
        match end {
            Ok(position) => {
                if let Some(echo) = &mut self.echo {
                    let nickname = self.writer.account().borrow().as_ref().map(|account| account.nickname.clone());
                    let back = echo.of(position.as_ref(), nickname.as_ref(), &text);
                    let in_time = tokio::select! {
                        back = back => back.is_ok(),
                        () = at(self.deadline) => false,
                    };
                    if !in_time {
                        return self.tell(line, Outcome::Unconfirmed, Some(&id), position.as_ref(), None);
                    }
                }
                self.tell(line, Outcome::Confirmed, Some(&id), position.as_ref(), None)
            }
            Err(DeliveryError::Refused(code, _)) => {
                self.tell(line, Outcome::Refused, Some(&id), None, Some(code.as_str()))
            }
            Err(DeliveryError::Unconfirmed { .. }) => self.tell(line, Outcome::Unconfirmed, Some(&id), None, None),
            Err(_) => self.tell(line, Outcome::NeverSent, Some(&id), None, None),
        }
    }

    fn tell(
        &mut self,
        line: u64,
        outcome: Outcome,
        id: Option<&PostId>,
        position: Option<&Position>,
        code: Option<&str>,
    ) -> Result<(), Failure> {
        self.ledger.note(line, outcome);
        if !self.style.json {
            return Ok(());
        }
        let mut out = Vec::new();
        Object::new(Kind::Receipt {
            line,
            state: outcome.name(),
            id: id.map(PostId::as_str),
            seq: position.map(|position| position.seq),
            stream: position.map(|position| position.stream.as_str()),
            code,
        })
        .write_to(&mut out);
        // A reader of receipts that has gone away does not unsend a message: go on.
        output::print(&out).map(|_| ())
    }

    fn finish(self, stop: Option<Failure>, closed: Option<Failure>) -> Result<Exit, Failure> {
        // Why the service has closed says more than that time ran out meanwhile.
        match (closed.or(stop), self.ledger.shortfall()) {
            (None, None) => Ok(Exit::Done),
            (None | Some(Failure::OutOfTime), Some(shortfall)) => Err(shortfall.into()),
            (Some(why), Some(shortfall)) => Err(Failure::Cut { why: Box::new(why), shortfall }),
            (Some(why), None) => Err(why),
        }
    }
}

/// Waits for one message's end, as far as `--confirm` wants to know it.
async fn delivered(delivery: Delivery, line: u64, text: Text, confirm: Confirm) -> Sent {
    let id = delivery.id().clone();
    let end = if confirm == Confirm::Written {
        let written = delivery.written();
        tokio::pin!(written, delivery);
        tokio::select! {
            biased;
            end = &mut delivery => end.map(|receipt| receipt.position),
            true = &mut written => Ok(None),
        }
    } else {
        delivery.await.map(|receipt| receipt.position)
    };
    Sent { line, id, text, end }
}

/// Resolves at `instant`, or never.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
