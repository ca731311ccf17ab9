//! The look of text within a row.

use crate::theme::Role;

/// The look of a piece of text, and the target of its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ink<'a> {
    pub(crate) role: Role,
    /// The address that the text belongs to.
    pub(crate) link: Option<&'a str>,
}

impl From<Role> for Ink<'_> {
    fn from(role: Role) -> Self {
        Self { role, link: None }
    }
}
