//! Formats the figures for Prometheus and defines their names.

use std::fmt;

use chat_server::{COMMIT_BOUNDS, Figures, Observer, PerPort, Readiness};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};

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
    encode(&mut text, &registry)?;
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
        let refused = [("total", f.refused_in_all), ("address", f.refused_by_address)];
        writer.counters("connections_refused", "Connections closed at once, by limit", "limit", &refused)?;
        let logins = [("accepted", f.logged_in), ("denied", f.denied)];
        writer.counters("logins", "Tokens that were sent", "result", &logins)?;
        let registrations = [("accepted", f.registered), ("refused", f.not_registered)];
        writer.counters("registrations", "Requested accounts", "result", &registrations)?;
        writer.counter("posts_stored", "Posts that became messages", None, f.stored)?;
        writer.counter("posts_repeated", "Posts that were already stored", None, f.repeated)?;
        let declined = [
            ("rate", f.declined.rate),
            ("too_long", f.declined.too_long),
            ("revoked", f.declined.revoked),
            ("storage", f.declined.storage),
            ("draining", f.declined.draining),
            ("other", f.declined.other),
        ];
        writer.counters("posts_declined", "Posts that were not stored, by code", "code", &declined)?;
        let commits = [("stored", f.commits.count()), ("failed", f.commits_failed)];
        writer.counters("commits", "Transactions of the store", "result", &commits)?;
        writer.commit_times(f)?;
        writer.counter("delivered_messages", "Messages written, once for each listener", None, f.delivered_messages)?;
        writer.counter("delivered", "Bytes of messages written to listeners", Some(&Unit::Bytes), f.delivered_bytes)?;
        writer.counter("store_pages_read", "Pages read for listeners behind the shared log", None, f.pages)?;
        writer.gauge("listeners_reading_store", "Listeners that wait for such a page", None, f.reading_pages)?;
        writer.counter("listeners_stalled", "Listeners closed because they read nothing", None, f.stalled)?;
        writer.gauge("log_head", "Sequence number of the last message", None, f.head)?;
        writer.gauge("ring", "Shared log in memory", Some(&Unit::Bytes), f.ring_bytes)
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

    fn commit_times(&mut self, figures: &Figures) -> fmt::Result {
        let times = &figures.commits;
        let steps = COMMIT_BOUNDS.iter().map(std::time::Duration::as_secs_f64).zip(times.steps);
        let steps: Vec<(f64, u64)> = steps.chain([(f64::INFINITY, times.slower)]).collect();
        let help = "Time per stored transaction, fsync included";
        self.0
            .encode_descriptor("commit_duration", help, Some(&Unit::Seconds), MetricType::Histogram)?
            .encode_histogram::<[(&str, &str); 0]>(times.sum.as_secs_f64(), times.count(), &steps, None)
    }
}
