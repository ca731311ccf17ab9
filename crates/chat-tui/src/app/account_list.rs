//! The cached accounts and the selected one.

use crate::event::KnownAccount;

/// The cached accounts and the selected one.
#[derive(Debug, Default)]
pub(crate) struct AccountList {
    pub(super) list: Vec<KnownAccount>,
    pub(super) chosen: usize,
    /// Whether the removal of the selected account waits for confirmation.
    pub(crate) removing: bool,
}

impl AccountList {
    pub(crate) fn list(&self) -> &[KnownAccount] {
        &self.list
    }

    pub(crate) fn chosen(&self) -> usize {
        self.chosen
    }

    pub(super) fn replace(&mut self, list: Vec<KnownAccount>) {
        self.list = list;
        self.removing = false;
        self.chosen = self.chosen.min(self.list.len());
    }

    pub(super) fn add(&mut self, known: KnownAccount) {
        self.list.retain(|other| other.account != known.account);
        self.list.push(known);
        self.removing = false;
    }

    /// Returns the accounts of this name: by nickname, or else by the requested name. The matching accounts are moved
    /// to the front of the list.
    pub(super) fn named(&mut self, name: &str) -> &[KnownAccount] {
        let whole = |known: &KnownAccount| known.account.nickname.as_str() == name;
        let asked = |known: &KnownAccount| known.asked.as_deref() == Some(name);
        let by_nickname = self.list.iter().any(whole);
        self.list.sort_by_key(|known| if by_nickname { !whole(known) } else { !asked(known) });
        let count = self.list.iter().filter(|known| if by_nickname { whole(known) } else { asked(known) }).count();
        &self.list[..count]
    }

    /// Moves the selection by `by` among the accounts and the entry "register" after them.
    pub(super) fn go(&mut self, by: isize) {
        self.chosen = self.chosen.saturating_add_signed(by).min(self.list.len());
    }
}
