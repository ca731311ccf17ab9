//! Requests of operators while no server runs.

use std::path::Path;
use std::sync::Arc;

use super::execute::AdminHandle;
use super::request::{AdminCall, AdminError, AdminReply};
use crate::committer::Committer;
use crate::config::ServerConfig;
use crate::error::{JournalError, StartError};
use crate::journal::SqliteJournal;
use crate::session::SessionContext;

/// Carries out a request on the store in `dir`, whose lock it takes meanwhile. The inner result is the answer.
///
/// # Errors
/// [`StartError`] if the store cannot be used, for example because a server has its lock.
pub async fn call_store(dir: &Path, call: AdminCall) -> Result<Result<Vec<AdminReply>, AdminError>, StartError> {
    let dir = dir.to_owned();
    let open = move || -> Result<_, JournalError> {
        if !dir.join("room.db").exists() {
            return Err(JournalError::Missing { dir });
        }
        let mut journal = SqliteJournal::open(dir)?;
        let context = SessionContext::load(ServerConfig::default(), &mut journal)?;
        Ok((journal, context))
    };
    let opened = tokio::task::spawn_blocking(open).await;
    let (journal, context) = opened.map_err(|failed| StartError::Thread(failed.into()))??;
    let context = Arc::new(context);
    let (committer, end) =
        Committer::start(journal, context.committer_parts()).map_err(|error| StartError::Thread(error.into()))?;
    let answer = AdminHandle::new(context, committer).execute(call).await;
    // The last handle is gone with the one above, so the journal is closed cleanly.
    end.await.unwrap_or(Ok(()))?;
    Ok(answer)
}
