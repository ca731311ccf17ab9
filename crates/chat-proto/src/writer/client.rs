//! The client's side of the write port.

mod interface;
mod machine;
mod pending;
#[cfg(test)]
mod tests;

pub use interface::{Intent, WriterClientCommand, WriterClientConfig, WriterClientEvent};
pub use machine::WriterClient;
