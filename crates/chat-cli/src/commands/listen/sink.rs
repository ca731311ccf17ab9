//! Where the messages of `chat listen` go.

use crate::args::{CommonArgs, ListenArgs};
use crate::error::CliError;
use crate::exec::ExecCommand;
use crate::template::Template;

/// Where messages go.
pub(super) enum MessageSink {
    /// Standard output: `NICK: TEXT`, or JSON.
    Print,
    /// Standard output, as lines of a template.
    Format(Template),
    /// A program for each.
    Exec(ExecCommand),
}

impl MessageSink {
    pub(super) fn new(args: &ListenArgs, common: &CommonArgs) -> Result<Self, CliError> {
        if let Some(template) = &args.format {
            if common.json {
                return Err(CliError::Usage("--format and --json exclude each other".into()));
            }
            return Ok(Self::Format(Template::parse(template)?));
        }
        Ok(ExecCommand::new(&args.exec, args.exec_timeout).map_or(Self::Print, Self::Exec))
    }
}
