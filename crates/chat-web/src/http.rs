//! What the gateway answers over HTTP: the files of the page, the account, older messages, and the WebSocket.

pub(crate) mod accounts;
pub(crate) mod assets;
pub(crate) mod cookie;
pub(crate) mod fault;
pub(crate) mod guard;
mod joined;
pub(crate) mod json_body;
pub(crate) mod messages;
pub(crate) mod page;
pub(crate) mod page_account;
pub(crate) mod page_echo;
pub(crate) mod page_sink;
pub(crate) mod router;
pub(crate) mod socket;
pub(crate) mod state;
pub(crate) mod visitor;
