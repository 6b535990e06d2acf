//! The checks that several sections share, as methods of [`Review`]: numbers in a range, GUIDs, words or lists,
//! networks.

use std::fmt;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::findings::Review;
use super::place::Place;
use crate::domain::PERSONAL_ACCOUNTS_TENANT;

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
        self.report(place, format!("is {value}: write a number from {} to {}", range.start(), range.end()));
        None
    }

    /// A GUID in hyphenated form, in lower case.
    pub(in crate::config) fn guid(&mut self, text: &str, place: &Place) -> Option<String> {
        let hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
        if hyphenated && uuid::Uuid::try_parse(text).is_ok() {
            return Some(text.to_ascii_lowercase());
        }
        let write = self.right_guid(text, place);
        self.report(place, format!("{text:?} is not a GUID: {write}"));
        None
    }

    /// GUIDs, in lower case.
    pub(in crate::config) fn guids(&mut self, texts: &[String], place: &Place) -> Vec<String> {
        texts.iter().enumerate().filter_map(|(index, text)| self.guid(text, &place.index(index))).collect()
    }

    /// Networks in CIDR form; a single address is a network of one address.
    pub(in crate::config) fn networks(&mut self, texts: &[String], place: &Place) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let alone = text.parse::<std::net::IpAddr>().map(IpNet::from);
            match text.parse::<IpNet>().ok().or(alone.ok()) {
                Some(network) => networks.push(network.trunc()),
                None => self.report(
                    &place.index(index),
                    match right_network(text) {
                        Some(network) => format!("{text:?} is not a network: write \"{network}\""),
                        None => format!("{text:?} is not a network: write it as \"10.0.0.0/8\" or \"fd00::/8\""),
                    },
                ),
            }
        }
        networks
    }

    /// Checks that no text is empty or contains white space or control characters.
    pub(in crate::config) fn tokens(&mut self, texts: &[String], place: &Place, what: &str) -> Vec<String> {
        for (index, text) in texts.iter().enumerate() {
            if text.is_empty() || text.chars().any(|character| character.is_whitespace() || character.is_control()) {
                self.report(
                    &place.index(index),
                    format!("{text:?} is not {what}: it must have no spaces and not be empty"),
                );
            }
        }
        texts.to_vec()
    }

    /// What to write instead of `text`, which is not a GUID in hyphenated form.
    fn right_guid(&self, text: &str, place: &Place) -> String {
        let trimmed = text.trim().trim_start_matches("api://").trim_start_matches("botid-").trim_start_matches("28:");
        if let Ok(id) = uuid::Uuid::try_parse(trimmed) {
            return format!("write {:?}", id.hyphenated().to_string());
        }
        let key = place.as_str();
        match text.trim().to_ascii_lowercase().as_str() {
            "consumers" if key.contains("tenant") => format!("write {PERSONAL_ACCOUNTS_TENANT:?}"),
            "common" | "organizations" if key.starts_with("bots.") && key.ends_with(".tenant") => {
                format!("{text:?} stands for many tenants, as a bot without a tenant has them: leave tenant out")
            }
            "common" | "organizations" if key.contains("tenant") => {
                format!("{text:?} stands for many tenants: write the id of each")
            }
            _ if key.contains("tenant") => format!("write the tenant's id. {}", self.find_tenant_id(text)),
            _ => "write it as 00000000-0000-0000-0000-000000000000".to_owned(),
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
