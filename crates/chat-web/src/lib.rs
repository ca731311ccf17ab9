//! The room in a browser: a gateway between a room and pages. docs/web.md is its manual and the specification of its wire.
//!
//! ```text
//!   page ── HTTP, WebSocket ──> http ──> account: one Writer an account ──> write port
//!     ^                           │
//!     └──── cursor of the page <── room: one Listener, the newest messages in a ring <── listen port
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod account;
mod command_line;
mod dialler;
mod gateway;
mod http;
mod manual;
mod net;
mod ops;
mod program;
mod rates;
mod room;
mod wire;

pub use command_line::arguments::command;
pub use dialler::Dialler;
pub use gateway::{Gateway, GatewayConfig};
pub use http::visitor::{ProxyHeaderName, PublicUrl, PublicUrlError};
pub use manual::MANUAL;
pub use net::connection::ConnectionInfo;
pub use program::main;
pub use rates::VisitorRate;
