//! Keeps the latest of many values in a file, one write at a time and on a blocking thread.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A task that writes the latest value.
#[derive(Debug)]
pub(super) struct FileKeeper<T> {
    latest: watch::Sender<Option<T>>,
    task: JoinHandle<()>,
}

impl<T: Clone + Send + Sync + 'static> FileKeeper<T> {
    /// Starts the task. It writes a value `delay` after the first change, so that a value that changes with each key
    /// costs few writes. Must be called within a runtime.
    pub(super) fn start(delay: Duration, write: impl Fn(T) + Send + Sync + 'static) -> Self {
        let (latest, values) = watch::channel(None);
        Self { latest, task: tokio::spawn(run(values, delay, Arc::new(write))) }
    }

    /// Sets the value to keep.
    pub(super) fn keep(&self, value: T) {
        self.latest.send_replace(Some(value));
    }

    /// Writes what is not written yet, and ends. A write in progress is completed: a program that exits in the middle
    /// of one would leave a temporary file.
    pub(super) async fn close(self) {
        drop(self.latest);
        // An error means that a write has panicked, and there is nothing left to wait for.
        let _ = self.task.await;
    }
}

async fn run<T: Clone + Send + Sync + 'static>(
    mut values: watch::Receiver<Option<T>>,
    delay: Duration,
    write: Arc<dyn Fn(T) + Send + Sync>,
) {
    // After the end of the channel `changed` still returns a value that was not seen.
    while values.changed().await.is_ok() {
        let mut closing = values.clone();
        // Both branches only wait; the value stays in the channel.
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = async { while closing.changed().await.is_ok() {} } => {}
        }
        let Some(value) = values.borrow_and_update().clone() else { continue };
        let write = write.clone();
        if tokio::task::spawn_blocking(move || write(value)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn writes_the_latest_value_once() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let to = written.clone();
        let keeper = FileKeeper::start(Duration::from_millis(300), move |value: u32| to.lock().unwrap().push(value));
        for value in 1..=5 {
            keeper.keep(value);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        keeper.keep(6);
        keeper.keep(7);
        keeper.close().await;
        assert_eq!(*written.lock().unwrap(), [5, 7]);
    }
}
