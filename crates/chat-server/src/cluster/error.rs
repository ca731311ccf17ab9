//! The reasons why a command on a cluster did nothing.

use std::path::PathBuf;

use crate::error::JournalError;
use crate::nats::NatsError;
use crate::replication::StoppedAt;
use crate::replication::rules::Divergence;
use crate::transfer::TransferError;

/// The reason why a command on a cluster did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The store follows a log already.
    #[error("the store is one of a node already, of the log {found}: \"chat-server cluster status\" shows it")]
    IsNode {
        /// What identifies the log.
        found: String,
    },
    /// The copy is not one of this log.
    #[error("{path} is a copy of a node of another log than {name}: copy a node that runs now with \"chat-server admin backup\"",
        path = path.display())]
    CopyOfOtherLog {
        /// The copy.
        path: PathBuf,
        /// The name of the log.
        name: String,
    },
    /// The log does not have what comes after the copy, or what is in it.
    #[error("{path} ends at place {place}, and {why}: copy a node that runs now with \"chat-server admin backup\"",
        path = path.display())]
    CopyUnusable {
        /// The copy.
        path: PathBuf,
        /// Its place.
        place: u64,
        /// What is wrong with it.
        why: Divergence,
    },
    /// The log does not have what the store needs.
    #[error(
        "this store cannot get to the end of the log: {0}; another node may have it, or --as-it-is leaves with what is here"
    )]
    CannotEnd(Divergence),
    /// No server of the log has a place.
    #[error("no server has place {0} of the log; try again, or leave with what is here with --as-it-is")]
    NoPlace(u64),
    /// The store does not accept the next batch.
    #[error("this store cannot get to the end of the log: it {0}; --as-it-is leaves with what is here")]
    Stopped(StoppedAt),
    /// The log is as the store left it.
    #[error(
        "the log {name} has everything that this store needs, so nothing was done; pass --replace-log if the nodes have stopped nevertheless"
    )]
    LogGood {
        /// The name of the log.
        name: String,
    },
    /// The log is the one of another room, or was begun again by another node.
    #[error(
        "the log {name} is not the one that this store follows: if another node has begun it again, join with a copy of that one; pass --replace-log to remove it with all that is in it"
    )]
    LogOfOther {
        /// The name of the log.
        name: String,
    },
    /// The log was closed.
    #[error(
        "the log {name} was closed: the room goes on where \"chat-server cluster leave\" was run; pass --replace-log to remove it"
    )]
    LogClosed {
        /// The name of the log.
        name: String,
    },
    /// The log has had more than the store.
    #[error(
        "the log {name} has had place {last}, and this store is at {place}: choose the node that is furthest (\"chat-server cluster status\" on each), or pass --lost-end to go on without what is missing here"
    )]
    NotFurthest {
        /// The name of the log.
        name: String,
        /// Its last place.
        last: u64,
        /// That of the store.
        place: u64,
    },
    /// The log cannot be used.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// The store cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The copy cannot be used.
    #[error(transparent)]
    Transfer(#[from] TransferError),
}

impl ClusterError {
    /// Returns whether the input was wrong, rather than that something failed.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::CopyOfOtherLog { .. } => true,
            Self::Transfer(error) => error.is_usage(),
            _ => false,
        }
    }
}
