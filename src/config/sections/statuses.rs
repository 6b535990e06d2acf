use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::config::review::{Place, Review};
use crate::domain::ChannelId;

/// Changes of the gateway's status table for one channel: reason code → HTTP status.
pub type ChannelStatuses = HashMap<String, u16>;

/// One key per reason code; see docs/architecture.md §Status table.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawStatuses {
    assertion_expired: Option<u16>,
    assertion_rejected: Option<u16>,
    bad_request: Option<u16>,
    consent_required: Option<u16>,
    denied: Option<u16>,
    identity_mismatch: Option<u16>,
    interaction_required: Option<u16>,
    misconfigured: Option<u16>,
    sign_in_required: Option<u16>,
    temporarily_unavailable: Option<u16>,
    too_many_requests: Option<u16>,
}

/// The sections `[statuses.<channel>]`.
pub(in crate::config) fn validate_statuses(
    raw: BTreeMap<String, RawStatuses>,
    review: &mut Review<'_>,
) -> HashMap<ChannelId, ChannelStatuses> {
    let section = Place::section("statuses");
    raw.into_iter()
        .map(|(channel, statuses)| (ChannelId::new(&channel), statuses.validate(&section.key(&channel), review)))
        .collect()
}

impl RawStatuses {
    fn validate(self, place: &Place, review: &mut Review<'_>) -> ChannelStatuses {
        let written = [
            ("assertion_expired", self.assertion_expired),
            ("assertion_rejected", self.assertion_rejected),
            ("bad_request", self.bad_request),
            ("consent_required", self.consent_required),
            ("denied", self.denied),
            ("identity_mismatch", self.identity_mismatch),
            ("interaction_required", self.interaction_required),
            ("misconfigured", self.misconfigured),
            ("sign_in_required", self.sign_in_required),
            ("temporarily_unavailable", self.temporarily_unavailable),
            ("too_many_requests", self.too_many_requests),
        ];
        let mut statuses = ChannelStatuses::new();
        for (reason, status) in written {
            let Some(status) = status else { continue };
            // A client hides the sign-in card on any status of success, so a failure must not have one.
            if !(400..=599).contains(&status) {
                review.report(
                    &place.key(reason),
                    format!("{status} is no status of a refusal: write a status from 400 to 599"),
                );
            }
            statuses.insert(reason.to_owned(), status);
        }
        statuses
    }
}
