//! Reports what a writer learns to the application.

use std::sync::Arc;

use chat_client::Writer;

use super::context::ServiceContext;
use super::translate;
use crate::event::AppEvent;
use crate::link::LinkSide;

/// Reports the state, the account and the round trip of a writer, until it ends.
pub(super) async fn run(shared: Arc<ServiceContext>, writer: Writer) {
    let (mut state, mut account, mut pace) = (writer.state(), writer.account(), writer.round_trip());
    // A handle here would keep the writer alive after its session.
    drop(writer);
    let now = translate::link_state(&state.borrow_and_update());
    shared.send(AppEvent::Link(LinkSide::Writing, now)).await;
    loop {
        // All branches watch a value: a change that is not handled now is handled in the next turn.
        let message = tokio::select! {
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                AppEvent::Link(LinkSide::Writing, translate::link_state(&state.borrow_and_update()))
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
