//! The room as all pages share it: one listener, the newest messages, and older ones on request.

pub(crate) mod catch_up;
pub(crate) mod encode;
pub(crate) mod feed;
pub(crate) mod history;
pub(crate) mod ring;
