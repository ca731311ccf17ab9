//! The operator's interface to a room, for the binary: requests, their execution, and the socket over which they reach a
//! running server.

mod execute;
mod identity;
mod request;
mod show;
mod socket;
mod store;

pub(crate) use self::{execute::AdminHandle, socket::AdminSocket};
pub use self::{
    request::{AdminCall, AdminError, AdminReply, AdminRequest},
    socket::{SOCKET, call, is_served},
    store::call_store,
};
