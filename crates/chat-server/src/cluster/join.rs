//! A further node begins with the copy of the store of another one.

use std::path::Path;

use super::error::ClusterError;
use super::status::judge;
use crate::journal::{NodeCopy, RestoreReport, StorePlace};
use crate::nats::{NatsOptions, check_log};
use crate::replication::rules::Divergence;

/// Puts the copy `source` of a node in place in `dir`, if it can go on with the log. A room that is there is set aside if
/// `replace` is set.
///
/// # Errors
/// [`ClusterError`]; then the directory is as it was.
pub async fn join(
    dir: &Path,
    options: &NatsOptions,
    source: &Path,
    replace: bool,
) -> Result<(RestoreReport, StorePlace), ClusterError> {
    let copy = NodeCopy::prepare(dir, source, replace)?;
    let log = check_log(options).await?;
    let place = copy.place().clone();
    let path = || source.to_owned();
    judge(&log, &place).map_err(|why| match why {
        Divergence::Generation => ClusterError::CopyOfOtherLog { path: path(), name: options.name.to_string() },
        why => ClusterError::CopyUnusable { path: path(), place: place.place, why },
    })?;
    Ok((copy.install()?, place))
}
