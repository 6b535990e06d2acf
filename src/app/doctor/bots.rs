use tokio::time::Instant;

use super::{DoctorCheck, Finding};
use crate::domain::Bot;
use crate::outbound::{Outbound, OutboundError};

/// More of a page than this is not read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// A bot that has not answered by then counts as absent.
const ANSWER_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Asks whether something answers at the endpoint of each bot. A bot refuses a GET without a token, so any status
/// counts.
pub(super) async fn check(bots: &[&Bot], outbound: &Outbound) -> Vec<Finding> {
    let mut checks = Vec::new();
    for bot in bots {
        let subject = format!("bots.{} endpoint {}", bot.name.as_str(), bot.endpoint);
        let answer = outbound.get(&bot.endpoint, Instant::now() + ANSWER_TIMEOUT, MAX_ANSWER_BYTES).await;
        checks.push(match answer {
            Ok(answer) => Finding::ok(DoctorCheck::Bot, subject, format!("reachable (status {})", answer.status)),
            Err(OutboundError::TooLarge) => Finding::ok(DoctorCheck::Bot, subject, "reachable"),
            Err(error) => Finding::failed(DoctorCheck::Bot, subject, error.to_string())
                .advise("start the bot, or correct the endpoint's address"),
        });
    }
    checks
}
