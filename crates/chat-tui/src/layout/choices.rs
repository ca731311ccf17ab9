//! Choices beside each other, as many as fit into a row.

use std::ops::Range;

use crate::width::text_width;

/// The cells before a choice, for the mark of the chosen one.
const MARK: u16 = 2;

/// Returns the choices of each row.
pub(crate) fn choice_rows(choices: &[String], width: u16) -> Vec<Range<usize>> {
    let mut rows: Vec<Range<usize>> = Vec::new();
    let mut used = 0;
    for (number, choice) in choices.iter().enumerate() {
        let cells = MARK + text_width(choice);
        match rows.last_mut() {
            Some(row) if used + cells <= width => {
                row.end = number + 1;
                used += cells;
            }
            _ => {
                rows.push(number..number + 1);
                used = cells;
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_each_row() {
        let choices = ["one", "two", "three"].map(str::to_owned);
        assert_eq!(choice_rows(&choices, 40).len(), 1);
        assert_eq!(choice_rows(&choices, 10), [0..2, 2..3]);
        assert_eq!(choice_rows(&choices, 4), [0..1, 1..2, 2..3], "one that does not fit has a row of its own");
    }
}
