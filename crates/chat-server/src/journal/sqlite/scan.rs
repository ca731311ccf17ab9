//! Reads a table from one end to the other, and skips damaged pages.

use rusqlite::{Connection, Row};

/// No key column exceeds this value; it bounds the search for the end of a damaged range.
const FARTHEST: i64 = 1 << 48;

/// Calls `each` for every row that can be read, in the order of `key`, an integer primary key that is the first of
/// `columns`. Returns whether a damaged range was skipped.
pub(super) fn scan(
    connection: &Connection,
    table: &str,
    key: &str,
    columns: &str,
    mut each: impl FnMut(&Row<'_>),
) -> bool {
    let rows = format!("SELECT {columns} FROM {table} NOT INDEXED WHERE {key} >= ?1 ORDER BY {key}");
    let probe = format!("SELECT {columns} FROM {table} NOT INDEXED WHERE {key} >= ?1 ORDER BY {key} LIMIT 1");
    let readable = |from: i64| -> bool {
        connection
            .prepare_cached(&probe)
            .is_ok_and(|mut probe| probe.query([from]).and_then(|mut rows| rows.next().map(|_| ())).is_ok())
    };
    let mut from = 0;
    let mut damaged = false;
    loop {
        let mut read = |from: &mut i64| -> rusqlite::Result<()> {
            let mut statement = connection.prepare_cached(&rows)?;
            let mut found = statement.query([*from])?;
            while let Some(row) = found.next()? {
                let key: i64 = row.get(0)?;
                each(row);
                *from = key.saturating_add(1);
            }
            Ok(())
        };
        if read(&mut from).is_ok() {
            return damaged;
        }
        damaged = true;
        match end_of_damage(from, readable) {
            Some(next) => from = next,
            None => return true,
        }
    }
}

/// Returns the first key after `from` that can be read: doubles the step until one is found, then bisects between the
/// last two.
fn end_of_damage(from: i64, readable: impl Fn(i64) -> bool) -> Option<i64> {
    let mut bad = from;
    let mut step = 1;
    let mut good = loop {
        let next = from.checked_add(step).filter(|&next| next < FARTHEST)?;
        if readable(next) {
            break next;
        }
        bad = next;
        step *= 2;
    };
    while good - bad > 1 {
        let middle = bad + (good - bad) / 2;
        if readable(middle) { good = middle } else { bad = middle }
    }
    Some(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_exact_end_of_damage() {
        for end in [11, 12, 13, 50, 1000] {
            assert_eq!(end_of_damage(10, |at| at >= end), Some(end));
        }
        assert_eq!(end_of_damage(10, |_| false), None);
    }
}
