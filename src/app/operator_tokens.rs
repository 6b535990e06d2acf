use crate::config::OperationsSection;
use crate::inbound::{ExpectedBearer, OperatorBearers};

/// The bearers of the operator's calls; `None` where none is configured.
#[derive(Clone)]
pub(super) struct OperatorTokens {
    pub(super) admin: Option<OperatorBearers>,
    pub(super) metrics: Option<ExpectedBearer>,
}

impl OperatorTokens {
    pub(super) fn new(section: Option<&OperationsSection>) -> Self {
        let admin =
            section.map(|section| OperatorBearers::new(section.admin_token.clone(), section.read_token.clone()));
        let metrics = section.and_then(|section| section.metrics_token.clone()).map(ExpectedBearer::new);
        Self { admin, metrics }
    }
}
