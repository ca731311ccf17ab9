//! The client's side of the listen port.

mod interface;
mod machine;
#[cfg(test)]
mod tests;

pub use interface::{ListenerClientConfig, ListenerClientEvent};
pub use machine::ListenerClient;
