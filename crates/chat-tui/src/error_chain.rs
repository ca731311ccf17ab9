//! An error as one line for people: what happened, and why.

/// The error and its causes, outermost first.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors say their cause themselves.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_said_once() {
        let inner = std::io::Error::other("no room");
        assert_eq!(chain(&inner), "no room");
        let outer = anyhow::Error::new(inner).context("cannot write a");
        assert_eq!(chain(outer.as_ref()), "cannot write a: no room");
    }
}
