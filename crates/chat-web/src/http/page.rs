//! One open page: its WebSocket from `hello` to `bye`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use chat_client::{ConnectionState, MAX_TEXT_BYTES, Nickname, PostId};
use futures_util::stream::SplitStream;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::cookie::CookieAccount;
use super::page_account::{AccountNews, PageAccount, becomes_true};
use super::page_echo::PageEchoes;
use super::page_sink::{Gone, Sink, in_time, malformed, refuse, send, send_all, tick};
use super::state::{PagePlace, WebState, count};
use crate::account::post_state::PostState;
use crate::account::write_state::listen_object;
use crate::room::catch_up::{PageCursor, PageStep};
use crate::wire::{ByeReason, MAX_POSTS, PageEvent, PageObject, ReceiptObject, VERSION, nickname_text};

/// How often a page gets a sign of life.
const TICK: Duration = Duration::from_secs(15);

/// How many of them a page may leave unanswered: 60 s, as the listeners of the server. They are counted rather than
/// timed, because a page that takes a minute to read something answers after it.
const SILENT_TICKS: u32 = 4;

/// How long the farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// When a page may come back after the gateway has ended.
const RETRY_AFTER_SHUTDOWN: u64 = 1_000;

/// One open page.
#[derive(Debug)]
pub(crate) struct OpenPage {
    state: Arc<WebState>,
    address: IpAddr,
    account: Option<PageAccount>,
    nickname: Option<Nickname>,
    cursor: PageCursor,
    echoes: PageEchoes,
    listen: watch::Receiver<ConnectionState>,
    /// In boxes, because a channel has room for 32 of them from its start.
    receipts: mpsc::UnboundedReceiver<Box<ReceiptObject>>,
    receipt_sender: mpsc::UnboundedSender<Box<ReceiptObject>>,
    unanswered: usize,
    _place: PagePlace,
}

/// What has happened for a page.
enum Happened {
    Received(Option<Result<Message, axum::Error>>),
    Step(PageStep),
    Receipt(Box<ReceiptObject>),
    Listen,
    Account(AccountNews),
    Tick,
    End(ByeReason),
}

impl OpenPage {
    pub(crate) fn new(
        state: Arc<WebState>,
        address: IpAddr,
        account: Option<CookieAccount>,
        cursor: PageCursor,
        place: PagePlace,
    ) -> Self {
        let (receipt_sender, receipts) = mpsc::unbounded_channel();
        let nickname = account.as_ref().map(|account| account.nickname.clone());
        let session = account.and_then(|account| state.accounts.session(&account.token).ok());
        if let Some(session) = &session
            && state.lookups.take(address).is_ok()
        {
            session.start(address);
        }
        let account = session.map(PageAccount::new);
        let listen = state.feed.state();
        let mut echoes = PageEchoes::default();
        echoes.set_nickname(nickname.as_ref());
        Self {
            state,
            address,
            account,
            nickname,
            cursor,
            echoes,
            listen,
            receipts,
            receipt_sender,
            unanswered: 0,
            _place: place,
        }
    }

    /// Serves the page until one side ends.
    pub(crate) async fn run(mut self, socket: WebSocket) {
        let (mut sink, mut stream) = socket.split();
        let Ok(reason) = self.serve(&mut sink, &mut stream).await else { return };
        if reason == ByeReason::Slow {
            count(&self.state.counters.slow_pages);
            return;
        }
        let retry_in_ms = (reason == ByeReason::Shutdown).then_some(RETRY_AFTER_SHUTDOWN);
        let farewell = async {
            self.last_receipts(&mut sink).await?;
            send(&mut sink, &PageEvent::Bye { reason, retry_in_ms }).await?;
            let code = if reason == ByeReason::Shutdown { close_code::RESTART } else { close_code::NORMAL };
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static("") };
            sink.send(Message::Close(Some(frame))).await.map_err(|_| Gone)
        };
        // A page that does not take it has gone.
        let _ = timeout(FAREWELL, farewell).await;
    }

    /// Returns why the gateway ends the page; [`Gone`] if the page has ended.
    async fn serve(&mut self, sink: &mut Sink, stream: &mut SplitStream<WebSocket>) -> Result<ByeReason, Gone> {
        send(sink, &self.hello()).await?;
        let listen = listen_object(&self.listen.borrow_and_update().clone());
        send(sink, &PageEvent::State(listen)).await?;
        if let Some(account) = &mut self.account {
            let object = account.state.borrow_and_update().object();
            send(sink, &PageEvent::State(object)).await?;
        }
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ending = self.state.ending.subscribe();
        let mut silent_ticks = 0;
        loop {
            // All of these futures can be dropped without loss.
            let happened = tokio::select! {
                received = stream.next() => Happened::Received(received),
                Some(receipt) = self.receipts.recv() => Happened::Receipt(receipt),
                step = self.cursor.next() => Happened::Step(step),
                Ok(()) = self.listen.changed() => Happened::Listen,
                news = PageAccount::changed(&mut self.account) => Happened::Account(news),
                _ = ticks.tick() => Happened::Tick,
                () = becomes_true(&mut ending) => Happened::End(ByeReason::Shutdown),
            };
            let written = match happened {
                Happened::End(reason) => return Ok(reason),
                Happened::Account(AccountNews::LoggedOut) => return Ok(ByeReason::Logout),
                Happened::Received(None | Some(Err(_) | Ok(Message::Close(_)))) => return Err(Gone),
                Happened::Received(Some(Ok(message))) => {
                    silent_ticks = 0;
                    match message {
                        Message::Text(text) => in_time(self.request(sink, &text)).await,
                        Message::Binary(_) => in_time(malformed(sink)).await,
                        _ => Ok(Ok(())),
                    }
                }
                Happened::Step(PageStep::Items(items)) => {
                    let receipts = if self.cursor.is_numbered() { Vec::new() } else { self.echoes.heard(&items) };
                    let receipts = receipts.into_iter().map(|receipt| PageEvent::Receipt(receipt).json().into());
                    in_time(send_all(sink, items.into_iter().map(|item| item.json).chain(receipts))).await
                }
                Happened::Step(PageStep::Event(event)) => in_time(send(sink, &event)).await,
                Happened::Receipt(mut receipt) => {
                    self.answered(&mut receipt);
                    in_time(send(sink, &PageEvent::Receipt(*receipt))).await
                }
                Happened::Listen => {
                    let object = listen_object(&self.listen.borrow_and_update().clone());
                    in_time(send(sink, &PageEvent::State(object))).await
                }
                Happened::Account(AccountNews::State) => {
                    let object = self.account.as_mut().map(|account| account.state.borrow_and_update().object());
                    match object {
                        Some(object) => in_time(send(sink, &PageEvent::State(object))).await,
                        None => Ok(Ok(())),
                    }
                }
                Happened::Account(AccountNews::Nickname) => in_time(self.nickname(sink)).await,
                Happened::Account(AccountNews::Refused) => {
                    (self.account, self.nickname) = (None, None);
                    let event = PageEvent::Account { nickname: None, code: Some("unknown_token") };
                    in_time(send(sink, &event)).await
                }
                Happened::Tick if silent_ticks >= SILENT_TICKS => return Ok(ByeReason::Slow),
                Happened::Tick => {
                    silent_ticks += 1;
                    in_time(tick(sink)).await
                }
            };
            match written {
                Ok(Ok(())) => {}
                Ok(Err(Gone)) => return Err(Gone),
                Err(_) => return Ok(ByeReason::Slow),
            }
        }
    }

    fn hello(&self) -> PageEvent {
        PageEvent::Hello {
            version: VERSION,
            gateway: self.state.gateway.clone(),
            nickname: self.nickname.as_ref().map(nickname_text),
            room: self.state.room.clone(),
            max_text_bytes: MAX_TEXT_BYTES,
            max_posts: MAX_POSTS,
        }
    }

    /// Reports the name by which the room knows the account, unless the page has it.
    async fn nickname(&mut self, sink: &mut Sink) -> Result<(), Gone> {
        let Some(account) = &mut self.account else { return Ok(()) };
        let Some(nickname) = account.nickname.borrow_and_update().clone() else { return Ok(()) };
        if self.nickname.as_ref() == Some(&nickname) {
            return Ok(());
        }
        let event = PageEvent::Account { nickname: Some(nickname_text(&nickname)), code: None };
        self.echoes.set_nickname(Some(&nickname));
        self.nickname = Some(nickname);
        send(sink, &event).await
    }

    async fn request(&mut self, sink: &mut Sink, raw: &str) -> Result<(), Gone> {
        match PageObject::parse(raw) {
            Ok(PageObject::Post { id, text, resend }) => {
                let Some(account) = &self.account else {
                    // With an account in the cookie, there was no place for one more.
                    let code = if self.nickname.is_some() { "busy" } else { "no_account" };
                    return refuse(sink, &id, code).await;
                };
                if self.unanswered >= MAX_POSTS {
                    return refuse(sink, &id, "busy").await;
                }
                if let Err(wait) = self.state.posts.take(self.address) {
                    let state = PostState::Refused { code: "rate".to_owned(), retry_after: Some(wait) };
                    return send(sink, &PageEvent::Receipt(state.receipt(&id))).await;
                }
                count(&self.state.counters.posts);
                self.unanswered += 1;
                if !self.cursor.is_numbered() {
                    self.echoes.add(&id, &text);
                }
                let state = account.session.post(id.clone(), text, resend, self.address);
                tokio::spawn(report(id, state, self.receipt_sender.clone()));
                Ok(())
            }
            Ok(PageObject::BadPost { id, code }) => refuse(sink, &id, code).await,
            Ok(PageObject::RetryNow) => {
                self.state.feed.retry_now();
                if let Some(account) = &self.account {
                    account.session.retry_now();
                }
                Ok(())
            }
            Ok(PageObject::Nothing) => Ok(()),
            Err(_) => malformed(sink).await,
        }
    }

    fn answered(&mut self, receipt: &mut ReceiptObject) {
        self.echoes.complete(receipt);
        if receipt.state != "accepted" {
            self.unanswered -= 1;
        }
    }

    /// Sends the receipts of posts that end with the gateway.
    async fn last_receipts(&mut self, sink: &mut Sink) -> Result<(), Gone> {
        while self.unanswered > 0
            && let Some(mut receipt) = self.receipts.recv().await
        {
            self.answered(&mut receipt);
            send(sink, &PageEvent::Receipt(*receipt)).await?;
        }
        Ok(())
    }
}

/// Passes on the states of one post until the last one.
async fn report(
    id: PostId,
    mut state: watch::Receiver<PostState>,
    receipts: mpsc::UnboundedSender<Box<ReceiptObject>>,
) {
    loop {
        let now = state.borrow_and_update().clone();
        if receipts.send(Box::new(now.receipt(&id))).is_err() || now.is_final() {
            return;
        }
        if state.changed().await.is_err() {
            // The session ended before the post was passed to the writer.
            let _ = receipts.send(Box::new(PostState::NeverSent.receipt(&id)));
            return;
        }
    }
}
