//! The servers that are compared: how each is started, and its protocol as far as the load generator needs it.

mod asyncio;
mod broadcast;
mod confirms;
mod irc;
mod mosquitto;
mod nats;
mod ours;
mod over_tls;
mod peer;
mod raw;
mod redis;
mod running;
mod selection;

pub(crate) use self::{
    broadcast::serve as serve_broadcast,
    confirms::{Confirms, Counter},
    ours::Plain,
    peer::Peer,
    raw::serve as serve_raw,
    running::{Running, free_address},
    selection::select,
};
