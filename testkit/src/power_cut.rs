//! The rig behind `power-cut`: a server stores posts on a disk of its own, which is cut off at a random instant and
//! loses everything that was not synced. Killing a process cannot show that: what it wrote stays in the memory of the
//! system.
//!
//! ```text
//!  writers ──> chat-server process ──> file system in an image, on a loop device
//!    │ confirmations                      │ shut down without a flush, mounted again
//!    v                                    v
//!    └──────────── comparison <── the log as the next server reads it
//! ```

mod cut_check;
mod options;
mod room;
mod run;
mod saved_account;
mod table;
mod without_sync;
mod writer;

pub use options::{FileSystem, Options};
pub use run::{in_namespace, run};
