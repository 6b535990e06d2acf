//! The checks that several sections share, as methods of [`Review`]: numbers in a range, GUIDs, words or lists,
//! networks.

use std::fmt;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::findings::Review;
use super::place::Place;
use super::proposals::Proposal;
use super::right_forms::find_guid;
use crate::domain::{ConnectionName, PERSONAL_ACCOUNTS_TENANT};

/// The size limit of a connection's name in requests, in bytes (docs/architecture.md §Security rules, rule 13).
const MAX_NAME_BYTES: usize = 256;

/// The value of a key that accepts one word or a list: `"any_organization"` or `["…", "…"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum WordOrList {
    Word(String),
    List(Vec<String>),
}

impl<'de> Deserialize<'de> for WordOrList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrListVisitor)
    }
}

struct WordOrListVisitor;

impl<'de> Visitor<'de> for WordOrListVisitor {
    type Value = WordOrList;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a word: \"…\", or a list: [\"…\"]")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WordOrList, E> {
        Ok(WordOrList::Word(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<WordOrList, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(WordOrList::List(list))
    }
}

impl Review<'_> {
    /// `value`, or `default` if it is missing; reports a number outside `range`.
    pub(in crate::config) fn number(
        &mut self,
        value: Option<u64>,
        default: u64,
        range: &RangeInclusive<u64>,
        place: &Place,
    ) -> Option<u64> {
        let value = value.unwrap_or(default);
        if range.contains(&value) {
            return Some(value);
        }
        let (first, last) = (range.start(), range.end());
        let bound = if value > *last {
            format!("above the largest value {last}")
        } else {
            format!("below the smallest value {first}")
        };
        self.report(place, format!("{value} is {bound}: write a number from {first} to {last}"));
        None
    }

    /// Reports `text` if it differs from `known` in letter case or in a slash at its end alone. It is a name that is
    /// compared exactly (docs/connections.md §Values that are compared exactly).
    pub(in crate::config) fn exact_name(&mut self, text: &str, known: &str, place: &Place) {
        let folded = |name: &str| name.trim_end_matches('/').to_ascii_lowercase();
        if text != known && folded(text) == folded(known) {
            let complaint = format!("{text:?} is compared exactly, and tokens have another spelling");
            self.propose(place, complaint, Proposal::text(place, known));
        }
    }

    /// Reports the name of a section that cannot be a segment of a URL's path; `what` is what has the name, with its article.
    pub(in crate::config) fn path_name(&mut self, name: &str, what: &str, place: &Place) {
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !fits {
            self.report(place, format!("is no name for {what}: write 1 to 64 letters, digits, - or _"));
        }
    }

    /// A connection's name in the requests of bots and clients.
    pub(in crate::config) fn connection_name(&mut self, name: &str, place: &Place) -> Option<ConnectionName> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            self.report(place, format!("is no name for a connection: write 1 to {MAX_NAME_BYTES} bytes of text"));
            return None;
        }
        Some(ConnectionName::new(name))
    }

    /// A GUID in hyphenated form, in lower case.
    pub(in crate::config) fn guid(&mut self, text: &str, place: &Place) -> Option<String> {
        let hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
        if hyphenated && uuid::Uuid::try_parse(text).is_ok() {
            return Some(text.to_ascii_lowercase());
        }
        let complaint = format!("{text:?} is not a GUID");
        if let Some(id) = right_guid(text, place) {
            self.propose(place, complaint, Proposal::text(place, id));
        } else {
            let write = self.describe_guid(text, place);
            self.report(place, format!("{complaint}: {write}"));
        }
        None
    }

    /// GUIDs, in lower case.
    pub(in crate::config) fn guids(&mut self, texts: &[String], place: &Place) -> Vec<String> {
        let mut guids = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let at = place.index(index);
            if uuid::Uuid::try_parse(text).is_err() && self.refuse_several(texts, index, place) {
                continue;
            }
            guids.extend(self.guid(text, &at));
        }
        guids
    }

    /// Networks in CIDR form; a single address is a network of one address.
    pub(in crate::config) fn networks(&mut self, texts: &[String], place: &Place) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let at = place.index(index);
            let alone = text.parse::<std::net::IpAddr>().map(IpNet::from);
            if let Some(network) = text.parse::<IpNet>().ok().or(alone.ok()) {
                networks.push(network.trunc());
                continue;
            }
            let right = right_networks(text);
            if right.is_empty() && self.refuse_several(texts, index, place) {
                continue;
            }
            let proposal = match right.as_slice() {
                [] => None,
                [only] => Some(Proposal::text(&at, only.clone())),
                _ => Proposal::split(&at, texts, right),
            };
            let names_host = url::Host::parse(text.trim()).is_ok_and(|host| matches!(host, url::Host::Domain(_)));
            let write = if names_host && text.contains('.') {
                "the addresses of this host, since names are not looked up here, as \"10.0.0.0/8\" or \"fd00::/8\""
            } else {
                "it as \"10.0.0.0/8\" or \"fd00::/8\""
            };
            self.propose_or(&at, &format!("{text:?} is not a network"), proposal, write);
        }
        networks
    }

    /// What to write instead of `text`, which has no GUID in it.
    fn describe_guid(&self, text: &str, place: &Place) -> String {
        let key = place.as_str();
        // The tenant stands behind the host in an address of Entra.
        let tenant = text.trim().split_once("://").and_then(|(_, rest)| rest.split('/').nth(1));
        let tenant = tenant.filter(|tenant| !tenant.is_empty()).unwrap_or(text).trim();
        match tenant.to_ascii_lowercase().as_str() {
            "common" | "organizations" if key.starts_with("bots.") && key.ends_with(".tenant") => {
                format!("{tenant:?} stands for many tenants, as a bot without a tenant has them: leave tenant out")
            }
            "common" | "organizations" if key.contains("tenant") => {
                format!("{tenant:?} stands for many tenants: write the id of each")
            }
            _ if key.contains("tenant") => format!("write the tenant's id. {}", self.find_tenant_id(tenant)),
            _ => "write the id as the portal shows it: 32 hexadecimal digits in five groups".to_owned(),
        }
    }

    /// How the operator finds the id of the tenant that `text` names.
    pub(in crate::config) fn find_tenant_id(&self, text: &str) -> String {
        let is_domain =
            text.contains('.') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        let id = "It is the \"Tenant ID\" on the overview page of the Microsoft Entra admin center";
        if !is_domain {
            return id.to_owned();
        }
        let authority = self.cloud().authority;
        format!("{id}, and the GUID in \"issuer\" at {authority}/{text}/v2.0/.well-known/openid-configuration")
    }
}

/// The GUID that `text` means at `place`.
fn right_guid(text: &str, place: &Place) -> Option<String> {
    let is_personal = text.trim().rsplit('/').find(|part| !part.is_empty()) == Some("consumers");
    let personal = || (is_personal && place.as_str().contains("tenant")).then(|| PERSONAL_ACCOUNTS_TENANT.to_owned());
    find_guid(text).or_else(personal)
}

/// Names of networks in the settings of other programs.
const NAMED_NETWORKS: [(&str, &[&str]); 4] = [
    ("localhost", &["127.0.0.1", "::1"]),
    ("loopback", &["127.0.0.0/8", "::1/128"]),
    ("linklocal", &["169.254.0.0/16", "fe80::/10"]),
    ("uniquelocal", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]),
];

/// The networks that `text` means: a name for several, an address with a port or within a URL, or one network.
fn right_networks(text: &str) -> Vec<String> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let host =
        name.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(name.as_str(), |(host, _)| host);
    if let Some((_, networks)) = NAMED_NETWORKS.iter().find(|(known, _)| *known == host) {
        return networks.iter().map(|network| (*network).to_owned()).collect();
    }
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return vec![IpNet::from(address.ip()).to_string()];
    }
    right_network(text).map(|network| network.to_string()).into_iter().collect()
}

/// The network that is written with a mask, or with an asterisk for each part that may vary.
fn right_network(text: &str) -> Option<IpNet> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    if let Some((address, mask)) = text.split_once('/') {
        return IpNet::with_netmask(address.trim().parse().ok()?, mask.trim().parse().ok()?)
            .ok()
            .map(|net| net.trunc());
    }
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return Some(IpNet::from(address));
    }
    let parts: Vec<&str> = text.split('.').collect();
    let fixed = parts.iter().position(|part| *part == "*").filter(|_| parts.len() == 4)?;
    let address = parts.iter().map(|part| if *part == "*" { "0" } else { part }).collect::<Vec<_>>().join(".");
    IpNet::new(address.parse().ok()?, u8::try_from(fixed * 8).ok()?).ok().map(|net| net.trunc())
}
