use crate::config::OperationsSection;
use crate::inbound::ExpectedBearer;

/// The bearers of the operator's calls; `None` where none is configured.
#[derive(Clone)]
pub(super) struct OperatorTokens {
    pub(super) admin: Option<ExpectedBearer>,
    pub(super) metrics: Option<ExpectedBearer>,
}

impl OperatorTokens {
    pub(super) fn new(section: Option<&OperationsSection>) -> Self {
        let admin = section.map(|section| ExpectedBearer::new(section.admin_token.clone()));
        let metrics = section.and_then(|section| section.metrics_token.clone()).map(ExpectedBearer::new);
        Self { admin, metrics }
    }
}
