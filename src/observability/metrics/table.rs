//! The declared table of metrics: no metric exists outside of it.

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A number that only grows while the process runs. Its samples have the suffix `_total`.
    Counter,
    /// A number that may fall.
    Gauge,
    /// Facts that do not change, as labels of a sample that is 1 and has the suffix `_info`.
    Info,
    /// A distribution of durations. Its samples have the suffixes `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// One row of the table. Label values are names in the configuration or words of a closed list, so the number of series
/// does not depend on what clients send.
#[derive(Debug)]
pub struct Metric {
    /// The name without the suffix of its kind.
    pub name: &'static str,
    /// The kind.
    pub kind: MetricKind,
    /// The names of the labels.
    pub labels: &'static [&'static str],
    /// What the number says, without a full stop at the end: the text format adds one.
    pub help: &'static str,
}

impl Metric {
    /// The name of the samples that operators query: a histogram has a count and buckets beside it.
    #[must_use]
    pub fn sample_name(&self) -> String {
        match self.kind {
            MetricKind::Counter => format!("{}_total", self.name),
            MetricKind::Info => format!("{}_info", self.name),
            MetricKind::Gauge | MetricKind::Histogram => self.name.to_owned(),
        }
    }
}

/// Declares the rows and the list of all rows, in the order of the documentation.
macro_rules! declare {
    ($($row:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(super) const $row: Metric =
            Metric { name: $name, kind: MetricKind::$kind, labels: &[$($label),*], help: $help };)*
        /// Every metric.
        pub const METRICS: &[Metric] = &[$($row),*];
    };
}

declare! {
    REQUESTS: Counter "bot_sso_requests" ["door", "operation", "status"]
        "Answered requests by operation and class of status; `none` where no published path or method was called";
    EXCHANGES: Counter "bot_sso_exchanges" ["bot", "connection", "outcome"]
        "Exchanges by outcome: `kept`, or the reason code of the refusal; connection `none` before one is known";
    DUPLICATES: Counter "bot_sso_exchange_duplicates" ["bot", "connection"]
        "Requests that were answered with the outcome of another request for the same exchange";
    SKILL_CARDS: Counter "bot_sso_skill_cards" ["skill", "outcome"]
        "Sign-in cards of skills: `swallowed`, or why the card went on";
    DIRECTORY_SIGN_INS: Counter "bot_sso_directory_sign_ins" ["directory", "outcome"]
        "Sign-ins at a directory: `accepted` (with the password), `by_provider` (at another identity provider), `refused`, `expired`, `limited` (429), `busy` (429)";
    DIRECTORY_SESSIONS: Counter "bot_sso_directory_sessions" ["directory", "event"]
        "Sessions of browsers at a directory: `begun`, `used` (an application signed the user in silently), `ended` (by a sign-out in the browser)";
    DIRECTORY_TOKENS: Counter "bot_sso_directory_tokens" ["directory", "grant"]
        "Answers of a directory's token endpoint that brought tokens, by the kind of grant";
    DIRECTORY_MAILS: Counter "bot_sso_directory_mails" ["directory", "outcome"]
        "Messages of a directory to its users: `sent`, `failed` (no attempt succeeded), `limited` (too many to an address or for a client), `dropped` (too many waited)";
    DIRECTORY_LOGOUT_NOTICES: Counter "bot_sso_directory_logout_notices" ["directory", "result"]
        "Back-channel logout notices to applications of a directory: `delivered`, `failed` (after the last try), `dropped` (too many waited)";
    PROVIDER_CALLS: Histogram "bot_sso_identity_provider_call_duration_seconds" ["provider", "result"]
        "Calls of token and revocation endpoints by result; each attempt counts";
    PROVIDER_REACHABLE: Gauge "bot_sso_identity_provider_reachable" ["provider"]
        "1 unless the last contact with the identity provider failed";
    KEY_SET_FETCHES: Counter "bot_sso_key_set_fetches" ["key_set", "result"]
        "Fetches of published signing keys, of the channels and of identity providers";
    STORE_OPERATIONS: Histogram "bot_sso_store_operation_duration_seconds" ["operation", "result"]
        "Operations of the store, with the time in its queue";
    STORE_SILENT: Gauge "bot_sso_store_silent" []
        "Whether the shared store has not told of changes for longer than it is trusted";
    STORE_SIZE: Gauge "bot_sso_store_size_bytes" []
        "Size of the store's files";
    CREDENTIAL_ENDS: Gauge "bot_sso_credential_expires_timestamp_seconds" ["credential"]
        "When a secret (`expires`) or a client certificate ends, in seconds since the Unix epoch, by its place in the configuration";
    REFUSALS: Counter "bot_sso_refusals" ["kind"]
        "Refused requests: `caller` (not authenticated or not allowed), `caller_rate` and `user_rate` (429)";
    FORGED_EVENTS: Counter "bot_sso_forged_events" []
        "`tokens/response` events from callers, which were dropped";
    UNKNOWN_CLIENTS: Counter "bot_sso_unknown_clients" []
        "Requests whose client a trusted proxy did not state legibly";
    CONTINUATIONS: Counter "bot_sso_continuations" ["result"]
        "`tokens/response` events to bots, delivered or failed";
    OPEN_CONNECTIONS: Gauge "bot_sso_open_connections" ["listener"]
        "Open connections of clients";
    CONNECTIONS_ENDED: Counter "bot_sso_connections_ended" ["reason"]
        "Connections that a limit ended: `refused`, `evicted` (idle, for a new one), `timed_out` (too slow)";
    LINES_LEFT_OUT: Counter "bot_sso_log_lines_left_out" ["stream"]
        "Lines of the log and of the audit stream that could not be written";
    TRACE_SPANS: Counter "bot_sso_trace_spans" ["result"]
        "Spans of traces: `exported`, `dropped` (the collector did not take them, or too many waited), `limited` (too many requests of unknown callers)";
    BUILD: Info "bot_sso_build" ["version"]
        "Always 1; the label is the version";
    START_TIME: Gauge "process_start_time_seconds" []
        "When the process started, in seconds since the Unix epoch";
}

/// Upper limits of the buckets of calls over the network, in seconds.
pub(super) const CALL_BUCKETS: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// Upper limits of the buckets of operations of the store, in seconds.
pub(super) const STORE_BUCKETS: [f64; 9] = [0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

#[cfg(test)]
mod tests {
    use super::{METRICS, Metric};

    fn row(metric: &Metric) -> String {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        let kind = format!("{:?}", metric.kind).to_lowercase();
        format!("| `{}` | {kind} | {labels} | {} |", metric.sample_name(), metric.help)
    }

    #[test]
    fn the_guide_has_a_row_for_each_metric_and_no_other() {
        let guide = include_str!("../../../docs/operating.md");
        let written: Vec<&str> = guide
            .lines()
            .filter(|line| ["| `bot_sso_", "| `process_"].iter().any(|start| line.starts_with(start)))
            .collect();
        assert_eq!(written, METRICS.iter().map(row).collect::<Vec<_>>());
    }
}
