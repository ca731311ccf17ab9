//! The command line of `chat-server admin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::address_range::{AddressRange, AddressRangeError};
use crate::admin::AdminRequest;

/// Options of `chat-server admin`.
#[derive(Debug, Args)]
pub struct AdminArguments {
    /// Print JSON objects, one per line.
    #[arg(long, global = true)]
    pub json: bool,
    /// Reason, for the journal; of a removal also for listeners.
    #[arg(long, value_name = "TEXT", global = true)]
    pub reason: Option<String>,
    /// Name in the journal [default: the user who runs the command].
    #[arg(long, value_name = "NAME", global = true)]
    pub actor: Option<String>,
    /// The operation.
    #[command(subcommand)]
    pub what: AdminCommand,
}

/// The operations on a room. They work on a running server, and on the store of one that does not run.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Erase the texts of messages; their numbers stay.
    Remove {
        /// Sequence numbers, or ranges such as 7-9.
        #[arg(value_name = "SEQ", required_unless_present = "account", conflicts_with = "account", value_parser = parse_seqs)]
        seqs: Vec<Seqs>,
        /// All messages of this nickname.
        #[arg(long, value_name = "NICKNAME")]
        account: Option<String>,
        /// Only those of this time until now, such as 10m, 2h or 7d.
        #[arg(long, value_name = "TIME", conflicts_with = "seqs", value_parser = parse_time)]
        since: Option<i64>,
    },
    /// Decline the posts of an account.
    Mute {
        /// The complete nickname.
        nickname: String,
        /// For how long, such as 10m, 2h or 7d [default: until unmute].
        #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
        length: Option<i64>,
    },
    /// End a mute.
    Unmute {
        /// The complete nickname.
        nickname: String,
    },
    /// Refuse an account, or connections from addresses, and close those that are open.
    Ban {
        /// The complete nickname, an address, or a range such as 192.0.2.0/24. A bare IPv6 address means its /64.
        #[arg(value_name = "NICKNAME|ADDRESS")]
        subject: String,
        /// For how long, such as 10m, 2h or 7d [default: until unban].
        #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
        length: Option<i64>,
    },
    /// End a ban.
    Unban {
        /// The nickname or the range that was banned.
        #[arg(value_name = "NICKNAME|ADDRESS")]
        subject: String,
    },
    /// List the bans in force.
    Bans,
    /// Close the connections of an account; it may come back at once.
    Kick {
        /// The complete nickname.
        nickname: String,
    },
    /// Make the token of an account invalid, and close its connections.
    Revoke {
        /// The complete nickname.
        nickname: String,
    },
    /// Make the token of a revoked account valid again.
    Restore {
        /// The complete nickname.
        nickname: String,
    },
    /// Give an account another nickname; the old one stays taken.
    Rename {
        /// The complete nickname.
        nickname: String,
        /// The new one, also complete.
        #[arg(value_name = "NEW")]
        to: String,
    },
    /// Give an account another token, print it, and close the account's connections.
    Token {
        /// The complete nickname.
        nickname: String,
    },
    /// Erase all messages of an account, its record and its names; numbers stay.
    Erase {
        /// The complete nickname.
        nickname: String,
    },
    /// Post a message under the name Server.
    Announce {
        /// The text.
        text: String,
    },
    /// List the open connections: side, address, time (seconds since 1970), nickname.
    Who,
    /// Count accounts, messages and connections.
    Stats,
    /// List all actions: number, time (seconds since 1970), operator, action.
    Log,
    /// Print all messages of an account, or the whole room without tokens, as JSON lines.
    Export {
        /// The complete nickname [default: everything].
        nickname: Option<String>,
    },
    /// Copy the room into one file, checked, while it runs.
    Backup {
        /// The file. An earlier backup of this name is replaced as a whole.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Consecutive sequence numbers of the command line.
#[derive(Debug, Clone, Copy)]
pub struct Seqs {
    first: u64,
    last: u64,
}

/// The most messages that are removed by number at once.
const MOST_SEQS: u64 = 100_000;

impl AdminCommand {
    /// Returns the request for the server.
    ///
    /// # Errors
    /// A sentence about an argument that cannot be used.
    pub fn request(&self) -> Result<AdminRequest, String> {
        let nickname = |nickname: &String| nickname.clone();
        Ok(match self {
            Self::Remove { account: Some(account), since, .. } => {
                AdminRequest::RemoveOf { nickname: nickname(account), last_ms: *since }
            }
            Self::Remove { seqs, .. } => {
                let count = seqs.iter().map(|some| some.last - some.first + 1).sum::<u64>();
                if count > MOST_SEQS {
                    return Err(format!("{count} messages are more than the {MOST_SEQS} that can be removed at once"));
                }
                AdminRequest::Remove { seqs: seqs.iter().flat_map(|some| some.first..=some.last).collect() }
            }
            Self::Mute { nickname: name, length } => AdminRequest::Mute { nickname: nickname(name), for_ms: *length },
            Self::Unmute { nickname: name } => AdminRequest::Unmute { nickname: nickname(name) },
            Self::Ban { subject, length } => match addresses(subject)? {
                Some(addresses) => AdminRequest::BanAddress { addresses, for_ms: *length },
                None => AdminRequest::Ban { nickname: subject.clone(), for_ms: *length },
            },
            Self::Unban { subject } => match addresses(subject)? {
                Some(addresses) => AdminRequest::UnbanAddress { addresses },
                None => AdminRequest::Unban { nickname: subject.clone() },
            },
            Self::Bans => AdminRequest::Bans,
            Self::Kick { nickname: name } => AdminRequest::Kick { nickname: nickname(name) },
            Self::Revoke { nickname: name } => AdminRequest::Revoke { nickname: nickname(name) },
            Self::Restore { nickname: name } => AdminRequest::Restore { nickname: nickname(name) },
            Self::Rename { nickname: name, to } => AdminRequest::Rename { nickname: nickname(name), to: to.clone() },
            Self::Token { nickname: name } => AdminRequest::Token { nickname: nickname(name) },
            Self::Erase { nickname: name } => AdminRequest::Erase { nickname: nickname(name) },
            Self::Announce { text } => AdminRequest::Announce { text: text.clone() },
            Self::Who => AdminRequest::Who,
            Self::Stats => AdminRequest::Stats,
            Self::Log => AdminRequest::Log,
            Self::Export { nickname: Some(name) } => AdminRequest::Export { nickname: nickname(name) },
            Self::Export { nickname: None } | Self::Backup { .. } => {
                return Err("this command reads the store itself".to_owned());
            }
        })
    }
}

/// Returns the addresses that an argument means; `None` for a nickname, which has a space after its adjective.
fn addresses(subject: &str) -> Result<Option<AddressRange>, String> {
    if subject.contains(' ') {
        return Ok(None);
    }
    subject.parse().map(Some).map_err(|error| match error {
        AddressRangeError::Malformed(subject) => format!(
            "{subject:?} is neither a nickname like \"Keen Bob\" nor an address like 192.0.2.1, 192.0.2.0/24 or \
             2001:db8::/48"
        ),
        error => error.to_string(),
    })
}

fn parse_seqs(text: &str) -> Result<Seqs, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if 0 < first && first <= last => Ok(Seqs { first, last }),
        _ => Err("not a sequence number above 0, or a range such as 7-9".to_owned()),
    }
}

/// Parses a time such as `90s`, `10m`, `2h` or `7d` into milliseconds.
fn parse_time(text: &str) -> Result<i64, String> {
    let wrong = || "not a time such as 90s, 10m, 2h or 7d".to_owned();
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let count: i64 = digits.parse().map_err(|_| wrong())?;
    // A century is as good as for ever.
    if !(1..=36_500 * 86_400_000 / unit).contains(&count) {
        return Err("not between 1s and 36500d".to_owned());
    }
    Ok(count * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_times_and_ranges() {
        assert_eq!((parse_time("90s"), parse_time("7d")), (Ok(90_000), Ok(604_800_000)));
        for text in ["", "s", "0s", "-1s", "10", "1w", "1.5h", "99999999d", "é"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
        assert!(matches!(parse_seqs("7-9"), Ok(Seqs { first: 7, last: 9 })));
        for text in ["", "0", "9-7", "a", "7-", "-7", "1-2-3"] {
            assert!(parse_seqs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_nickname_is_never_an_address() {
        assert_eq!(addresses("Keen 127.0.0.1"), Ok(None));
        assert!(addresses("127.0.0.1").is_err_and(|error| error.contains("loopback")));
        assert!(addresses("Bob").is_err_and(|error| error.starts_with("\"Bob\" is neither a nickname")));
        assert!(addresses("192.0.2.0/24").is_ok_and(|found| found.is_some()));
    }
}
