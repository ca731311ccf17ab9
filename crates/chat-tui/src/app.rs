//! The application as a value: `update` takes an event and the time, and returns the effects to carry out, without I/O.

mod account_list;
mod accounts;
mod bare_view;
mod chat;
mod commands;
mod dialog;
mod entering;
mod incoming;
mod paste;
mod registration;
mod registration_form;
mod search;
mod selection;
mod share;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod update;

pub(crate) use commands::COMMANDS;
pub(crate) use dialog::{Dialog, PastePreview, SEARCH_ROWS, Search};
pub(crate) use registration_form::{Focus, Registration, RegistrationStep};
#[cfg(test)]
pub(crate) use state::PostIds;
pub(crate) use state::{App, Screen, Start};
