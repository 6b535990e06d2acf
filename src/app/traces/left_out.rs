//! The traces of a binary that is built without them: its configuration has no section `traces`.

use std::time::Duration;

use crate::config::Configuration;
use crate::domain::ClockAndEntropy;
use crate::observability::{Metrics, Tracer};
use crate::outbound::OutboundError;

/// The traces of the process, of which there are none.
pub(in crate::app) enum Traces {}

impl Traces {
    #[allow(clippy::unnecessary_wraps, reason = "the signature is that of a binary with traces")]
    pub(in crate::app) fn start(
        _: &Configuration,
        _: &ClockAndEntropy,
        _: &Metrics,
    ) -> Result<Option<Self>, OutboundError> {
        Ok(None)
    }

    pub(in crate::app) fn tracer(&self) -> Tracer {
        match *self {}
    }

    #[allow(clippy::unused_async, reason = "the signature is that of a binary with traces")]
    pub(in crate::app) async fn finish(&self, _: Duration) {
        match *self {}
    }
}
