use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde::Deserialize;
use toml::Value;

use crate::config::review::{CloudDefaults, Place, Proposal, Review};
use crate::domain::BotName;

use super::server::listen;

/// Which bearer tokens of bots the Token Service accepts, and where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenServiceSection {
    /// Values of `aud` that a token may have; never empty.
    pub audiences: Vec<String>,
    /// Tenants (lower-case GUIDs) that may issue a token; never empty.
    pub tenants: Vec<String>,
    /// Separate addresses for the Token Service; empty if it uses those of the server.
    pub listen: Vec<SocketAddr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawTokenService {
    audiences: Option<Vec<String>>,
    tenants: Option<Vec<String>>,
    listen: Option<Vec<String>>,
}

impl RawTokenService {
    /// The addresses as they are written.
    pub(in crate::config) fn written_listen(&self) -> &[String] {
        self.listen.as_deref().unwrap_or_default()
    }

    /// `of_bots` are the tenants in which the bots are registered.
    pub(in crate::config) fn validate(
        self,
        cloud: &CloudDefaults,
        of_bots: &BTreeMap<BotName, String>,
        behind_tls: bool,
        review: &mut Review<'_>,
    ) -> TokenServiceSection {
        let bot_tenants: BTreeSet<&str> = of_bots.values().map(String::as_str).collect();
        let place = Place::section("token_service");
        let audiences = self.audiences.unwrap_or_else(|| vec![cloud.token_service_audience.to_owned()]);
        let at = place.key("audiences");
        if audiences.is_empty() {
            let right = Value::Array(vec![Value::String(cloud.token_service_audience.to_owned())]);
            review.propose(&at, "is empty".to_owned(), Proposal::value(&at, right));
        }
        let audiences = review.tokens(&audiences, &at, "an audience");
        for (index, audience) in audiences.iter().enumerate() {
            review.exact_name(audience, cloud.token_service_audience, &at.index(index));
        }
        let at = place.key("tenants");
        let tenants = match self.tenants {
            Some(written) if written.is_empty() => {
                review.report(
                    &at,
                    "is empty: write the tenants that your bots are registered in, or leave it out".to_owned(),
                );
                Vec::new()
            }
            Some(written) => {
                let tenants = review.guids(&written, &at);
                // An entry with a problem may be the tenant that seems to be missing.
                let is_known = !review.is_reported(&at);
                let is_missing = |tenant: &str| is_known && !tenants.iter().any(|listed| listed == tenant);
                for tenant in bot_tenants.into_iter().filter(|tenant| is_missing(tenant)) {
                    let message = format!(
                        "lacks {tenant}, in which a bot is registered, so the Token Service would refuse that bot: add it"
                    );
                    review.warn(&at, message);
                }
                tenants
            }
            None => {
                let all: BTreeSet<&str> = bot_tenants.into_iter().chain([cloud.bot_framework_tenant]).collect();
                all.into_iter().map(str::to_owned).collect()
            }
        };
        let written = self.listen.as_deref();
        let at = place.key("listen");
        let listening = written.and_then(|texts| listen(texts, review, &at)).unwrap_or_default();
        if !behind_tls
            && !review.is_reported(&Place::section("server"))
            && listening.iter().any(|address| !address.ip().is_loopback())
        {
            review.warn(&at, "is served without TLS, so the network can read tokens: write [server.tls]".to_owned());
        }
        TokenServiceSection { audiences, tenants, listen: listening }
    }
}
