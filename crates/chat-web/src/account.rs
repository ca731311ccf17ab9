//! The accounts of the people whose pages are open: one writer for each, shared by all pages of the account.

pub(crate) mod pool;
pub(crate) mod post_state;
pub(crate) mod post_table;
pub(crate) mod session;
pub(crate) mod write_state;
