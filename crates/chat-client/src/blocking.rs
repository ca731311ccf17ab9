//! Runs work that blocks, such as file operations, outside of the threads that run the services.

/// Runs `work` on a thread for blocking work and waits for its result. A panic in `work` continues in the caller.
///
/// # Cancel safety
/// Dropping the future does not stop work that has begun.
pub(crate) async fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, and drops this future too.
            Err(_) => std::future::pending().await,
        },
    }
}
