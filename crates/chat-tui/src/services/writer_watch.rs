//! Reports what a writer learns to the application.

use std::sync::Arc;

use chat_client::Writer;

use super::context::ServiceContext;
use super::translate;
use crate::event::AppEvent;
use crate::link::LinkSide;

/// Reports the state, the account and the round trip of a writer, until it ends.
pub(super) async fn run(shared: Arc<ServiceContext>, writer: Writer) {
    let (mut state, mut hold) = (writer.state(), writer.hold());
    let (mut account, mut pace) = (writer.account(), writer.round_trip());
    // A handle here would keep the writer alive after its session.
    drop(writer);
    let mut shown = translate::link_state(&state.borrow_and_update());
    shared.send(AppEvent::Link(LinkSide::Writing, shown.clone())).await;
    loop {
        // All branches watch a value: a change that is not handled now is handled in the next turn.
        let message = tokio::select! {
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                shown = translate::writer_state(&state.borrow_and_update(), hold.borrow_and_update().as_ref());
                AppEvent::Link(LinkSide::Writing, shown.clone())
            }
            Ok(()) = hold.changed() => {
                let now = translate::writer_state(&state.borrow(), hold.borrow_and_update().as_ref());
                // Most holds are not shown, and change with each post.
                if now == shown || !state.borrow().is_online() {
                    continue;
                }
                shown = now;
                AppEvent::Link(LinkSide::Writing, shown.clone())
            }
            Ok(()) = account.changed() => {
                let Some(account) = account.borrow_and_update().clone() else { continue };
                AppEvent::Entered(account)
            }
            Ok(()) = pace.changed() => {
                let Some(time) = *pace.borrow_and_update() else { continue };
                AppEvent::RoundTrip(time)
            }
        };
        shared.send(message).await;
    }
}
