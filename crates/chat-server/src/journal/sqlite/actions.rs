//! Reads the actions of operators.

use rusqlite::Connection;

use super::error::StoreError;
use super::row;
use crate::action::ActionRecord;

/// Returns all actions, oldest first; `None` for a damaged one.
pub(super) fn raw_actions(connection: &Connection) -> Result<Vec<Option<ActionRecord>>, StoreError> {
    // A store that no later program has opened for writing has no such table.
    let known: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'action'", [], |row| row.get(0))?;
    if known == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(&format!("SELECT {} FROM action ORDER BY n", row::ACTION))?;
    Ok(statement.query_map([], |found| Ok(row::action(found)))?.collect::<Result<_, _>>()?)
}
