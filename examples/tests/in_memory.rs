//! Runs the tests that the examples contain. Cargo builds an example either as a program or as a test; the programs are
//! needed by the other tests.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "`main` and what only it uses")]

#[path = "../archiver.rs"]
mod archiver;
#[path = "../bridge.rs"]
mod bridge;
#[path = "../echo_bot.rs"]
mod echo_bot;
#[path = "../gui.rs"]
mod gui;
#[path = "../poller.rs"]
mod poller;
