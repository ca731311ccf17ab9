//! What is known about rooms, as values: which addresses and logs belong together, and what a new observation changes.
//!
//! A server can name any log as its own, and the tokens of a room go to all its addresses. So a log that is seen at an
//! address never adds that address to a room: only the user does, by naming it together with an address of the room.

use chat_proto::StreamId;

use super::key::RoomKey;
use crate::accounts::lookup::same_room;

/// How many addresses and logs of a room are kept; a server without a store has a new log with each start.
const MAX_NAMES: usize = 64;

/// One room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownRoom {
    /// The log that names the room in a user's files, then those that were named so by records that became a part of this
    /// one. The first never changes, whatever becomes of the log.
    pub(super) keys: Vec<StreamId>,
    /// The logs that were seen, oldest first.
    pub(super) logs: Vec<StreamId>,
    pub(super) addresses: Vec<String>,
}

impl KnownRoom {
    fn is_at(&self, address: &str) -> bool {
        self.addresses.iter().any(|own| same_room(own, address))
    }
}

/// Returns the key of the room at these addresses, which the user has named together.
pub(super) fn key(rooms: &[KnownRoom], given: &[String]) -> RoomKey {
    let (mut keys, mut addresses) = (Vec::new(), given.to_vec());
    for room in rooms.iter().filter(|room| given.iter().any(|address| room.is_at(address))) {
        keys.extend(room.keys.iter().cloned());
        for address in &room.addresses {
            if !addresses.iter().any(|known| same_room(known, address)) {
                addresses.push(address.clone());
            }
        }
    }
    RoomKey::new(keys, addresses)
}

/// Notes that a log was seen at one of these addresses, which the user has named together. Returns whether that changed
/// anything.
pub(super) fn learn(rooms: &mut Vec<KnownRoom>, given: &[String], log: &StreamId) -> bool {
    let before = rooms.clone();
    let here = |room: &KnownRoom| given.iter().any(|address| room.is_at(address));
    // Records that were separate until the user named an address of each become one, at the place of the first.
    let place = rooms.iter().position(here);
    let mut joined: Option<KnownRoom> = None;
    for room in rooms.extract_if(.., |room| here(room)) {
        match &mut joined {
            None => joined = Some(room),
            Some(first) => {
                first.keys.extend(room.keys);
                first.logs.extend(room.logs);
                first.addresses.extend(room.addresses);
            }
        }
    }
    let mut room = match joined {
        Some(room) => room,
        None => match free_key(rooms, log) {
            Some(key) => KnownRoom { keys: vec![key], logs: Vec::new(), addresses: Vec::new() },
            None => return false,
        },
    };
    if !room.logs.contains(log) {
        room.logs.push(log.clone());
    }
    for address in given {
        if !room.is_at(address) {
            room.addresses.push(address.clone());
        }
    }
    bound(&mut room.keys);
    bound(&mut room.logs);
    bound(&mut room.addresses);
    rooms.insert(place.unwrap_or(rooms.len()), room);
    *rooms != before
}

/// Returns a key for a room that was first seen with this log. Where another room has it, one of the two may only claim the
/// log, or the user has not yet named the addresses of both together; what is typed for one must not go to the other.
fn free_key(rooms: &[KnownRoom], log: &StreamId) -> Option<StreamId> {
    let others = (2..1000).filter_map(|number| StreamId::new(&format!("{log}-{number}")).ok());
    std::iter::once(log.clone()).chain(others).find(|key| !rooms.iter().any(|room| room.keys.contains(key)))
}

/// Removes repetitions, and the second oldest names while there are too many: the first is the one that files have.
fn bound<T: PartialEq>(names: &mut Vec<T>) {
    let mut place = 0;
    while place < names.len() {
        if names[..place].contains(&names[place]) {
            names.remove(place);
        } else {
            place += 1;
        }
    }
    if names.len() > MAX_NAMES {
        names.drain(1..=names.len() - MAX_NAMES);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log(name: &str) -> StreamId {
        StreamId::new(name).unwrap()
    }

    fn given(addresses: &str) -> Vec<String> {
        addresses.split(' ').map(str::to_owned).collect()
    }

    fn learned(steps: &[(&str, &str)]) -> Vec<KnownRoom> {
        let mut rooms = Vec::new();
        for (addresses, name) in steps {
            learn(&mut rooms, &given(addresses), &log(name));
        }
        rooms
    }

    #[test]
    fn nodes_named_together_are_one_room() {
        let rooms = learned(&[("a:1", "s1"), ("a:1 b:1", "s1")]);
        assert_eq!(rooms.len(), 1);
        let key = key(&rooms, &given("b:1"));
        assert_eq!((key.log(), key.address(), key.is_at("a:1")), (Some(&log("s1")), "b:1", true));
        assert_eq!(key.scope("Bob"), "log s1 Bob");
        for (scope, is_one) in [
            ("log s1 Bob", true),
            ("b:1 Bob", true),
            ("A:1 Bob", true),
            ("a:1 Bobby", false),
            ("a:12 Bob", false),
            ("log s2 Bob", false),
            ("c:1 Bob", false),
            ("Bob", false),
        ] {
            assert_eq!(key.is_scope(scope, "Bob"), is_one, "{scope}");
        }
    }

    #[test]
    fn the_key_survives_a_new_log() {
        let rooms = learned(&[("a:1", "s1"), ("a:1", "s2"), ("a:1", "s3"), ("a:1 b:1", "s3")]);
        assert_eq!(key(&rooms, &given("b:1")).log(), Some(&log("s1")));
    }

    /// A server that names the log of another room must not get the tokens of that room.
    #[test]
    fn a_log_alone_joins_no_address() {
        let rooms = learned(&[("a:1", "s1"), ("evil:1", "s1")]);
        assert!(!key(&rooms, &given("evil:1")).is_at("a:1"));
        assert_eq!(key(&rooms, &given("evil:1")).scope("Bob"), "log s1-2 Bob", "and not what was typed for it");
        let rooms = learned(&[("a:1", "s1"), ("evil:1", "s2"), ("evil:1", "s1")]);
        assert!(!key(&rooms, &given("evil:1")).is_at("a:1"));
        assert_eq!(key(&rooms, &given("evil:1")).log(), Some(&log("s2")));
        // Nor does it take the place of the room that the user joins later.
        let rooms = learned(&[("evil:1", "s1"), ("a:1", "s1"), ("a:1 b:1", "s1")]);
        let room = key(&rooms, &given("b:1"));
        assert_eq!(
            (room.scope("Bob").as_str(), room.is_at("a:1"), room.is_at("evil:1")),
            ("log s1-2 Bob", true, false)
        );
    }

    #[test]
    fn addresses_that_are_named_together_later_become_one() {
        let rooms = learned(&[("a:1", "s1"), ("b:1", "s1"), ("b:1 a:1", "s1")]);
        assert_eq!(rooms.len(), 1);
        let key = key(&rooms, &given("b:1"));
        assert!(key.is_at("a:1") && key.is_scope("log s1 Bob", "Bob") && key.is_scope("log s1-2 Bob", "Bob"));
    }

    #[test]
    fn separate_records_become_one() {
        let rooms = learned(&[("a:1", "s1"), ("x:1", "s9"), ("b:1", "s2"), ("b:1 a:1", "s2")]);
        assert_eq!(rooms.len(), 2);
        let key = key(&rooms, &given("b:1"));
        assert_eq!(key.log(), Some(&log("s1")));
        assert!(key.is_scope("log s2 Bob", "Bob"), "both are found");
    }

    #[test]
    fn names_are_bounded() {
        let mut rooms = Vec::new();
        for number in 0..500 {
            learn(&mut rooms, &given(&format!("a:1 n{number}:1")), &log(&format!("s{number}")));
        }
        assert_eq!((rooms[0].logs.len(), rooms[0].addresses.len()), (MAX_NAMES, MAX_NAMES));
        assert_eq!((rooms[0].logs[0].as_str(), rooms[0].addresses[0].as_str()), ("s0", "a:1"));
        assert_eq!(rooms[0].logs[MAX_NAMES - 1].as_str(), "s499");
    }

    proptest! {
        /// An address is in a room with another one only if the user has named them together, over any number of steps.
        #[test]
        fn only_the_user_joins_addresses(steps in prop::collection::vec((prop::collection::vec(0usize..6, 1..3), 0usize..4), 1..20)) {
            let mut rooms = Vec::new();
            let mut groups: Vec<usize> = (0..6).collect();
            for (addresses, name) in steps {
                let named: Vec<String> = addresses.iter().map(|n| format!("n{n}:1")).collect();
                learn(&mut rooms, &named, &log(&format!("s{name}")));
                let first = groups[addresses[0]];
                for address in &addresses {
                    let old = groups[*address];
                    groups.iter_mut().filter(|group| **group == old).for_each(|group| *group = first);
                }
                for one in 0..6 {
                    let key = key(&rooms, &[format!("n{one}:1")]);
                    for other in (0..6).filter(|other| groups[*other] != groups[one]) {
                        prop_assert!(!key.is_at(&format!("n{other}:1")), "{rooms:?}");
                        let scope = super::key(&rooms, &[format!("n{other}:1")]).scope("Bob");
                        prop_assert!(!key.is_scope(&scope, "Bob"), "{scope}: {rooms:?}");
                    }
                }
            }
        }
    }
}
