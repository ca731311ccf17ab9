//! Formats the figures for Prometheus and defines their names.

use std::fmt;

use chat_server::{COMMIT_BOUNDS, CommitTimes, Figures, NodeFigures, Observer, PerPort, Readiness};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};

use super::process::ProcessFigures;

/// The content type, as the specification defines it.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Formats all figures. A new registry each time is cheap, because scrapes are seconds apart.
pub(super) fn figures(observer: &Observer) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("minechat");
    registry.register_collector(Box::new(FigureCollector {
        figures: observer.figures(),
        ready: observer.readiness() == Readiness::Ready,
    }));
    let mut text = String::new();
    encode_registry(&mut text, &registry)?;
    if let Some(process) = ProcessFigures::read() {
        let mut unprefixed = Registry::default();
        unprefixed.register_collector(Box::new(ProcessCollector(process)));
        encode_registry(&mut text, &unprefixed)?;
    }
    encode_eof(&mut text)?;
    Ok(text)
}

#[derive(Debug)]
struct FigureCollector {
    figures: Figures,
    ready: bool,
}

impl Collector for FigureCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = FigureWriter(encoder);
        let f = &self.figures;
        writer.build()?;
        writer.gauge("ready", "Whether /readyz reports ready", None, u64::from(self.ready))?;
        writer.ports("connections_open", "Open connections", f.open, MetricType::Gauge)?;
        writer.ports("connections_accepted", "Accepted connections", f.accepted, MetricType::Counter)?;
        writer.refused(f)?;
        let logins = [("accepted", f.logged_in), ("denied", f.denied)];
        writer.counters("logins", "Tokens that were sent", "result", &logins)?;
        let registrations = [("accepted", f.registered), ("refused", f.not_registered)];
        writer.counters("registrations", "Requested accounts", "result", &registrations)?;
        let refused = [
            ("closed", f.refused_registrations.closed),
            ("invitation", f.refused_registrations.invitation),
            ("rate", f.refused_registrations.rate),
            ("space", f.refused_registrations.space),
            ("nickname", f.refused_registrations.nickname),
            ("store", f.refused_registrations.store),
        ];
        writer.counters("registrations_refused", "Refused accounts, by reason", "reason", &refused)?;
        writer.counter("posts_stored", "Posts that became messages", None, f.stored)?;
        writer.counter("posts_repeated", "Posts that were already stored", None, f.repeated)?;
        let declined = [
            ("rate", f.declined.rate),
            ("too_long", f.declined.too_long),
            ("blank", f.declined.blank),
            ("malformed", f.declined.malformed),
            ("revoked", f.declined.revoked),
            ("muted", f.declined.muted),
            ("banned", f.declined.banned),
            ("storage", f.declined.storage),
            ("unavailable", f.declined.unavailable),
            ("draining", f.declined.draining),
            ("other", f.declined.other),
        ];
        writer.counters("posts_declined", "Posts that were not stored, by code", "code", &declined)?;
        let commits = [("stored", f.commits.count()), ("failed", f.commits_failed)];
        writer.counters("commits", "Transactions of the store", "result", &commits)?;
        writer.times("commit_duration", "Time per stored transaction, fsync included", &f.commits)?;
        writer.times("confirmation_duration", "Time from a post to its confirmation", &f.confirmations)?;
        writer.counter("delivered_messages", "Messages written, once for each listener", None, f.delivered_messages)?;
        writer.counter("delivered", "Bytes of messages written to listeners", Some(&Unit::Bytes), f.delivered_bytes)?;
        writer.counter("store_pages_read", "Pages read for listeners behind the shared log", None, f.pages)?;
        writer.gauge("listeners_reading_store", "Listeners that wait for such a page", None, f.reading_pages)?;
        writer.counter("listeners_stalled", "Listeners closed because they read nothing", None, f.stalled)?;
        writer.counter("messages_expired", "Messages removed by --keep", None, f.expired)?;
        writer.gauge("log_oldest", "Sequence number of the oldest message", None, f.oldest)?;
        writer.gauge("log_head", "Sequence number of the last message", None, f.head)?;
        writer.gauge("store", "Size of the data directory", Some(&Unit::Bytes), f.store_bytes)?;
        writer.gauge("disk_free", "Free space on the disk of the store", Some(&Unit::Bytes), f.free_bytes)?;
        writer.gauge("ring", "Shared log in memory", Some(&Unit::Bytes), f.ring_bytes)?;
        f.node.as_ref().map_or(Ok(()), |node| writer.node(node))
    }
}

/// Writes metric families one after the other.
struct FigureWriter<'a>(DescriptorEncoder<'a>);

type NoExemplar<'a> = Option<&'a Exemplar<[(&'static str, &'static str); 0], u64>>;

const NONE: NoExemplar<'static> = None;

impl FigureWriter<'_> {
    fn build(&mut self) -> fmt::Result {
        let mut metric = self.0.encode_descriptor("build", "Version of the program", None, MetricType::Info)?;
        metric.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: u64) -> fmt::Result {
        self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn counter(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: u64) -> fmt::Result {
        self.0.encode_descriptor(name, help, unit, MetricType::Counter)?.encode_counter(&value, NONE)
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (which, value) in values {
            family.encode_family(&[(label, *which)])?.encode_counter(value, NONE)?;
        }
        Ok(())
    }

    fn ports(&mut self, name: &str, help: &str, values: PerPort, kind: MetricType) -> fmt::Result {
        let values = [("listen", values.listen), ("write", values.write)];
        if matches!(kind, MetricType::Counter) {
            return self.counters(name, help, "port", &values);
        }
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (port, value) in values {
            family.encode_family(&[("port", port)])?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &NodeFigures) -> fmt::Result {
        self.gauge("log_place", "Last place of the log of the nodes that was applied", None, node.place)?;
        self.gauge("log_away", "Whether the log of the nodes cannot be reached", None, u64::from(node.away.is_some()))?;
        self.gauge("log_diverged", "Whether this node has stopped for good", None, u64::from(node.diverged))?;
        if let Some(lag) = node.lag {
            let help = "For how long it is not known whether the log has more";
            self.gauge("log_lag", help, Some(&Unit::Seconds), lag.as_secs())?;
        }
        self.gauge("batches_in_flight", "Batches sent to the log and not read yet", None, node.in_flight)?;
        self.counter("batches_proposed", "Batches sent to the log for the first time", None, node.proposed)?;
        self.counter("batches_resent", "Batches sent to the log again", None, node.resent)?;
        self.counter("batches_repeated", "Batches in the log that were applied before", None, node.repeated)?;
        self.counter("batches_early", "Batches in the log before an earlier one of their node", None, node.early)?;
        self.counter("log_holes", "Reads of the log in which the next place was missing", None, node.holes)?;
        self.counter("log_connections", "Connections to servers of the log", None, node.connections)?;
        self.times("barrier_duration", "Time of an entry through the log and back", &node.barriers)
    }

    fn refused(&mut self, f: &Figures) -> fmt::Result {
        let help = "Connections closed at once, by limit and port";
        let mut family = self.0.encode_descriptor("connections_refused", help, None, MetricType::Counter)?;
        for (limit, values) in [("total", f.refused_in_all), ("address", f.refused_by_address)] {
            for (port, value) in [("listen", values.listen), ("write", values.write)] {
                family.encode_family(&[("limit", limit), ("port", port)])?.encode_counter(&value, NONE)?;
            }
        }
        Ok(())
    }

    fn times(&mut self, name: &str, help: &str, times: &CommitTimes) -> fmt::Result {
        let steps = COMMIT_BOUNDS.iter().map(std::time::Duration::as_secs_f64).zip(times.steps);
        let steps: Vec<(f64, u64)> = steps.chain([(f64::INFINITY, times.slower)]).collect();
        self.0
            .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?
            .encode_histogram::<[(&str, &str); 0]>(times.sum.as_secs_f64(), times.count(), &steps, None)
    }
}

/// The figures of the process, whose names have no prefix.
#[derive(Debug)]
struct ProcessCollector(ProcessFigures);

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let f = &self.0;
        let seconds = Some(&Unit::Seconds);
        encoder
            .encode_descriptor("process_cpu", "Processor time of the process", seconds, MetricType::Counter)?
            .encode_counter::<[(&str, &str); 0], _, u64>(&f.cpu_seconds, None)?;
        encoder
            .encode_descriptor("process_start_time", "Start, since the Unix epoch", seconds, MetricType::Gauge)?
            .encode_gauge(&f.started)?;
        let bytes = Some(&Unit::Bytes);
        encoder
            .encode_descriptor("process_resident_memory", "Memory of the process", bytes, MetricType::Gauge)?
            .encode_gauge(&f.resident_bytes)?;
        encoder
            .encode_descriptor("process_open_fds", "Open file descriptors", None, MetricType::Gauge)?
            .encode_gauge(&f.open_files)?;
        encoder
            .encode_descriptor("process_max_fds", "Limit of file descriptors", None, MetricType::Gauge)?
            .encode_gauge(&f.max_files)
    }
}
