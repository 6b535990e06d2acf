use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{DoctorCheck, Finding, QUESTION_TIMEOUT};
use crate::app::keys::{build_key_set, build_openid_key_set};
use crate::config::{Configuration, KeySource, OpenIdSection};
use crate::domain::ClockAndEntropy;
use crate::outbound::Outbound;
use crate::token_validation::{KeySet, read_key_set};

const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// Fetches the keys of every identity provider, and those of the channels if there are bots.
pub(super) async fn check(config: &Configuration, outbound: &Outbound, ambient: &ClockAndEntropy) -> Vec<Finding> {
    let of_entra = |source: &KeySource| build_key_set("check", source, outbound, ambient);
    let of_openid = |source: &KeySource| build_openid_key_set("check", source, outbound, ambient);
    let mut checks = Vec::new();
    if !config.bots.is_empty() {
        let channels = &config.channels.keys;
        let subject = "channels keys".to_owned();
        checks.push(check_one(DoctorCheck::ChannelMetadata, subject, channels, &of_entra(channels), outbound).await);
    }
    for (name, section) in &config.identity_providers {
        let (subject, source) = (format!("identity_providers.{name} keys"), &section.keys);
        checks.push(check_one(DoctorCheck::Keys, subject, source, &of_entra(source), outbound).await);
    }
    for (name, section) in &config.openid_providers {
        let (subject, source) = (format!("identity_providers.{name} keys"), &section.keys);
        checks.push(check_one(DoctorCheck::Keys, subject, source, &of_openid(source), outbound).await);
        let subject = format!("identity_providers.{name} signature algorithms");
        checks.extend(check_algorithms(subject, section, outbound).await);
    }
    checks
}

/// Compares the algorithms that the discovery document announces with those that the keys can verify. `None` if a
/// document cannot be had, which other lines say, or if nothing is announced.
async fn check_algorithms(subject: String, section: &OpenIdSection, outbound: &Outbound) -> Option<Finding> {
    let discovery = fetch(&section.metadata_url, outbound).await.ok()?;
    let announced = discovery.get("id_token_signing_alg_values_supported")?.as_array()?;
    let announced: BTreeSet<&str> = announced.iter().filter_map(Value::as_str).collect();
    let address = match &section.keys {
        KeySource::Jwks(address) => address.clone(),
        KeySource::Metadata(_) => Url::parse(discovery.get("jwks_uri")?.as_str()?).ok()?,
    };
    let keys = serde_json::to_vec(&fetch(&address, outbound).await.ok()?).ok()?;
    let verified = read_key_set(&keys)?.algorithms;
    let served: Vec<&str> = announced.intersection(&verified).copied().collect();
    if !served.is_empty() {
        return Some(Finding::ok(DoctorCheck::Keys, subject, served.join(", ")));
    }
    let came: Vec<String> = announced.iter().map(|name| printable(name)).collect();
    let taken = verified.into_iter().collect::<Vec<_>>().join(", ");
    let seen = format!(
        "the discovery document announces {} (id_token_signing_alg_values_supported), and no key of the key set can verify \
         that; the keys can verify {}",
        if came.is_empty() { "no algorithm".to_owned() } else { came.join(", ") },
        if taken.is_empty() { "no algorithm that is taken" } else { &taken },
    );
    let advice = "let the provider sign ID tokens with one of these, or publish a fitting key";
    Some(Finding::failed(DoctorCheck::Keys, subject, seen).advise(advice))
}

/// Fetches the documents one by one, so that the line names the one that fails, and then asks the key set itself
/// whether it can use a key.
async fn check_one(
    check: DoctorCheck,
    subject: String,
    source: &KeySource,
    set: &Arc<KeySet>,
    outbound: &Outbound,
) -> Finding {
    let address = match source {
        KeySource::Jwks(address) => Ok(address.clone()),
        KeySource::Metadata(metadata) => find_key_set(metadata, outbound).await,
    };
    let keys = match address {
        Ok(address) => fetch(&address, outbound).await,
        Err(problem) => Err(problem),
    };
    let forms = match keys {
        Ok(document) => list_forms(&document),
        Err(problem) => return Finding::failed(check, subject, problem.seen).advise(problem.advice),
    };
    if forms.is_empty() {
        return Finding::failed(check, subject, "the document is no key set")
            .advise("correct jwks_url or metadata_url");
    }
    let forms = forms.into_iter().collect::<Vec<_>>().join(", ");
    if set.warm().await {
        Finding::ok(check, subject, format!("reachable ({forms})"))
    } else {
        let seen = format!("holds no key that can be used ({forms}), or names a key set on another host");
        let advice = "have the issuer sign with an algorithm that this version takes, or write jwks_url";
        Finding::failed(check, subject, seen).advise(advice)
    }
}

/// Why a document cannot be used, and what to change.
struct DocumentProblem {
    seen: String,
    advice: &'static str,
}

async fn find_key_set(metadata: &Url, outbound: &Outbound) -> Result<Url, DocumentProblem> {
    let document = fetch(metadata, outbound).await?;
    let address = document.get("jwks_uri").and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
    address.ok_or_else(|| DocumentProblem {
        seen: format!("{metadata} names no key set (jwks_uri)"),
        advice: "correct metadata_url, or write jwks_url",
    })
}

async fn fetch(address: &Url, outbound: &Outbound) -> Result<Value, DocumentProblem> {
    let problem = |seen: String, advice: &'static str| DocumentProblem { seen, advice };
    let answer = outbound.get(address, Instant::now() + QUESTION_TIMEOUT, MAX_DOCUMENT_BYTES).await;
    let answer = answer.map_err(|error| {
        let advice = "check the address, and the way out: DNS, firewall, outbound.egress_proxy, outbound.ca_file";
        problem(format!("{address} cannot be fetched: {error}"), advice)
    })?;
    if answer.status != 200 {
        return Err(problem(format!("{address} answers {}", answer.status), "correct the address"));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|_| problem(format!("{address} is no JSON document"), "correct the address"))
}

/// The algorithms of the keys, or their types where no algorithm is stated.
fn list_forms(document: &Value) -> BTreeSet<String> {
    let keys = document.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let form = |key: &Value| key.get("alg").or_else(|| key.get("kty")).and_then(Value::as_str).map(printable);
    keys.iter().filter_map(form).collect()
}

/// The beginning of a word of a remote document, in letters that are harmless on a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '-').take(20).collect()
}
