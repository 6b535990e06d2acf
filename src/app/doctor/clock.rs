//! This machine's clock, compared with those of the identity providers.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::Instant;
use url::Url;

use super::{DoctorCheck, Finding, QUESTION_TIMEOUT};
use crate::config::{Configuration, KeySource};
use crate::domain::SharedClock;
use crate::outbound::{HttpAnswer, Outbound};

const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;
/// Tokens and assertions of a clock that differs by more are refused now and then, in seconds.
const WARNED_DIFFERENCE: i64 = 60;
/// Providers and this program refuse what a clock that differs by more says, in seconds.
const FAILED_DIFFERENCE: i64 = 300;

/// Compares the clock with the header `Date` of each provider that publishes keys (RFC 9110 §6.6.1).
pub(super) async fn check(config: &Configuration, outbound: &Outbound, clock: &SharedClock) -> Vec<Finding> {
    let entra = config.identity_providers.iter().map(|(name, section)| (name, &section.keys));
    let openid = config.openid_providers.iter().map(|(name, section)| (name, &section.keys));
    let mut findings = Vec::new();
    for (name, source) in entra.chain(openid) {
        let (KeySource::Jwks(address) | KeySource::Metadata(address)) = source;
        findings.push(check_one(name, address, outbound, clock).await);
    }
    findings
}

async fn check_one(name: &str, address: &Url, outbound: &Outbound, clock: &SharedClock) -> Finding {
    let subject = format!("clock, compared with identity_providers.{name}");
    let answer = match outbound.get(address, Instant::now() + QUESTION_TIMEOUT, MAX_DOCUMENT_BYTES).await {
        Ok(answer) => answer,
        Err(error) => {
            return Finding::skipped(DoctorCheck::Clock, subject, format!("{address} cannot be fetched: {error}"));
        }
    };
    match read_date(&answer) {
        Some(theirs) => judge(subject, clock.now().unix_seconds() - theirs),
        None => Finding::skipped(DoctorCheck::Clock, subject, format!("{address} states no time")),
    }
}

/// The time of the answer, in seconds since the Unix epoch. A cache on the way adds how long it has kept the answer
/// (RFC 9111 §5.1).
fn read_date(answer: &HttpAnswer) -> Option<i64> {
    let date = OffsetDateTime::parse(answer.header("date")?, &Rfc2822).ok()?;
    let age = answer.header("age").and_then(|age| age.trim().parse::<i64>().ok()).unwrap_or(0);
    Some(date.unix_timestamp().saturating_add(age))
}

/// `ahead`: by how many seconds this machine is ahead of the provider.
fn judge(subject: String, ahead: i64) -> Finding {
    let difference = ahead.abs();
    let seen = match ahead {
        0 => "no difference".to_owned(),
        1.. => format!("this machine is {difference} s ahead"),
        _ => format!("this machine is {difference} s behind"),
    };
    if difference <= WARNED_DIFFERENCE {
        return Finding::ok(DoctorCheck::Clock, subject, seen);
    }
    let finding = if difference <= FAILED_DIFFERENCE { Finding::warning } else { Finding::failed };
    finding(DoctorCheck::Clock, subject, seen)
        .advise("let this machine's clock be set by NTP: timedatectl set-ntp true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::doctor::Verdict;
    use crate::outbound::Headers;

    #[test]
    fn a_difference_is_warned_of_from_a_minute_and_fails_from_five() {
        for (ahead, verdict, seen) in [
            (0, Verdict::Ok, "no difference"),
            (60, Verdict::Ok, "60 s ahead"),
            (-61, Verdict::Warning, "61 s behind"),
            (300, Verdict::Warning, "300 s ahead"),
            (-301, Verdict::Failed, "301 s behind"),
        ] {
            let finding = judge("clock".to_owned(), ahead);
            assert_eq!(finding.verdict, verdict, "{finding}");
            assert!(finding.seen.contains(seen) && (finding.advice.is_none() == (verdict == Verdict::Ok)), "{finding}");
        }
    }

    #[test]
    fn the_age_of_a_cached_answer_counts() {
        let answer = |pairs: &[(&str, &str)]| HttpAnswer {
            status: 200,
            headers: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect::<Headers>(),
            body: bytes::Bytes::new(),
        };
        let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read_date(&answer(&[date])), Some(784_111_777));
        assert_eq!(read_date(&answer(&[date, ("Age", "120")])), Some(784_111_897));
        assert_eq!(read_date(&answer(&[("Date", "yesterday")])), None);
    }
}
