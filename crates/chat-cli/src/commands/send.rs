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

impl Input {
    /// The numbers of the lines that are here and were not handed in.
    fn unsent(&mut self) -> Vec<u64> {
        let Self::Lines(lines) = self else { return Vec::new() };
        lines.close();
        std::iter::from_fn(|| lines.try_recv().ok())
            .filter_map(Result::ok)
            .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
            .map(|(number, _)| number)
            .collect()
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

/// A message that has come to its end.
struct Sent {
    line: u64,
    id: PostId,
    end: Result<Confirmed, DeliveryError>,
}

/// How far a confirmed message has come.
struct Confirmed {
    position: Option<Position>,
    /// As far as was asked for; `false` where it was to come back and has not.
    enough: bool,
}

impl Run {
    async fn send_all(mut self, input: &mut Input, interrupt: &Interrupt) -> Result<Exit, Failure> {
        let states = self.writer.state();
        let mut talk = StateTalk::new(Side::Write, states.clone(), self.style.json);
        let mut under_way = FuturesOrdered::new();
        let mut stop = None;
        let mut more = true;
        while stop.is_none() && (more || !under_way.is_empty()) {
            let told = tokio::select! {
                biased;
                () = interrupt.wait() => Err(Failure::Interrupted),
                () = at(self.deadline) => Err(Failure::OutOfTime),
                () = talk.next() => Ok(()),
                Some(sent) = under_way.next() => self.ended(sent),
                next = input.next(), if more && under_way.len() < UNDER_WAY => match next {
                    Some(Ok((line, Ok(text)))) => match self.writer.send(text.clone()).await {
                        Ok(delivery) => {
                            under_way.push_back(self.delivered(delivery, line, text));
                            Ok(())
                        }
                        Err(_) => {
                            // The service has closed: nothing that follows can be sent either.
                            more = false;
                            self.ledger.cut();
                            self.tell(line, Outcome::NeverSent, None, None, None)
                        }
                    },
                    Some(Ok((line, Err(_)))) => self.tell(line, Outcome::Refused, None, None, Some("too_long")),
                    Some(Err(error)) => Err(Failure::Input(error)),
                    None => {
                        more = false;
                        Ok(())
                    }
                },
            };
            stop = told.err();
        }
        let moment = match stop {
            None => Duration::from_secs(1),
            Some(Failure::OutOfTime) => Duration::ZERO,
            Some(_) => LAST_MOMENT,
        };
        let closing = self.writer.clone().close(moment);
        tokio::pin!(closing);
        let mut closed = false;
        while !under_way.is_empty() {
            tokio::select! {
                Some(sent) = under_way.next() => stop = self.ended(sent).err().or(stop),
                _ = &mut closing, if !closed => {
                    closed = true;
                    // What has not come back by now is not waited for.
                    self.echo = None;
                }
            }
        }
        if !closed {
            closing.await;
        }
        for line in input.unsent() {
            self.ledger.cut();
            self.ledger.note(line, Outcome::NeverSent);
        }
        let closed = sides::closed(&states, self.what.clone());
        self.finish(stop, closed)
    }

    /// Waits for one message's end, as far as `--confirm` wants to know it.
    fn delivered(&self, delivery: Delivery, line: u64, text: Text) -> impl Future<Output = Sent> + use<> {
        let (confirm, account) = (self.confirm, self.writer.account());
        let echo = self.echo.as_ref().map(Echo::ask);
        async move {
            let id = delivery.id().clone();
            let written = delivery.written();
            tokio::pin!(written, delivery);
            let end = tokio::select! {
                biased;
                end = &mut delivery => end.map(|receipt| receipt.position),
                true = &mut written, if confirm == Confirm::Written => Ok(None),
            };
            let end = match end {
                Ok(position) => {
                    let nickname = account.borrow().as_ref().map(|account| account.nickname.clone());
                    let enough = match echo {
                        Some(echo) => echo.of(position.clone(), nickname, &text).await,
                        None => true,
                    };
                    Ok(Confirmed { position, enough })
                }
                Err(error) => Err(error),
            };
            Sent { line, id, end }
        }
    }

    fn ended(&mut self, sent: Sent) -> Result<(), Failure> {
        let Sent { line, id, end } = sent;
        let (outcome, position, code) = match &end {
            Ok(Confirmed { position, enough: true }) => (Outcome::Confirmed, position.as_ref(), None),
            Ok(Confirmed { position, enough: false }) => (Outcome::Unconfirmed, position.as_ref(), None),
            Err(DeliveryError::Refused(code, _)) => (Outcome::Refused, None, Some(code.as_str())),
            Err(DeliveryError::Unconfirmed { .. }) => (Outcome::Unconfirmed, None, None),
            Err(_) => (Outcome::NeverSent, None, None),
        };
        self.tell(line, outcome, Some(&id), position, code)
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

/// Resolves at `instant`, or never.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
