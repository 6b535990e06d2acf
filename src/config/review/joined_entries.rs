//! The checks of lists of names and addresses, as methods of [`Review`]: no entry is empty, and none holds several.

use super::findings::Review;
use super::place::Place;
use super::proposals::Proposal;
use super::right_forms::{addresses_of, entries_of, right_resource};

impl Review<'_> {
    /// Reports the entry `index` of `texts`, the list at `place`, if it holds several entries between spaces, commas or
    /// semicolons.
    pub(in crate::config) fn refuse_several(&mut self, texts: &[String], index: usize, place: &Place) -> bool {
        let entries = texts.get(index).map(|text| entries_of(text)).unwrap_or_default();
        self.refuse_entries(texts, index, place, entries)
    }

    /// As [`Review::refuse_several`], for addresses, in which a comma or a semicolon may stand (RFC 3986 §3.3): only
    /// what begins with a scheme is a further address.
    pub(in crate::config) fn refuse_several_addresses(
        &mut self,
        texts: &[String],
        index: usize,
        place: &Place,
    ) -> bool {
        let entries = texts.get(index).map(|text| addresses_of(text)).unwrap_or_default();
        self.refuse_entries(texts, index, place, entries)
    }

    fn refuse_entries(&mut self, texts: &[String], index: usize, place: &Place, entries: Vec<String>) -> bool {
        let Some(text) = texts.get(index).filter(|_| entries.len() > 1) else { return false };
        let at = place.index(index);
        let complaint = format!("{text:?} holds several entries of the list");
        self.propose_or(&at, &complaint, Proposal::split(&at, texts, entries), "each by itself");
        true
    }

    /// Checks that no text is empty or contains white space, control characters, a comma or a semicolon.
    pub(in crate::config) fn tokens(&mut self, texts: &[String], place: &Place, what: &str) -> Vec<String> {
        for (index, text) in texts.iter().enumerate() {
            let may_be_joined = !is_token(text) || text.contains([',', ';']);
            if !(may_be_joined && self.refuse_several(texts, index, place)) {
                self.require_token(text, what, &place.index(index));
            }
        }
        texts.to_vec()
    }

    /// The URIs of resources, which are compared exactly as they are written.
    pub(in crate::config) fn resource_uris(&mut self, texts: &[String], place: &Place) -> Vec<String> {
        let graph = self.cloud().graph;
        let written = self.resources(texts, place);
        for (index, text) in written.iter().enumerate() {
            let is_uri = text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty());
            let at = place.index(index);
            if !is_uri && !self.is_reported(&at) {
                let proposal = right_resource(text).map(|right| Proposal::text(&at, right));
                let write = format!("its App ID URI, as \"{graph}/\"");
                self.propose_or(&at, &format!("{text:?} is no resource"), proposal, &write);
            }
        }
        written
    }

    /// As [`Review::tokens`], for resources, which are addresses or ids.
    fn resources(&mut self, texts: &[String], place: &Place) -> Vec<String> {
        for (index, text) in texts.iter().enumerate() {
            let is_joined = if is_token(text) && text.contains("://") {
                self.refuse_several_addresses(texts, index, place)
            } else {
                (!is_token(text) || text.contains([',', ';'])) && self.refuse_several(texts, index, place)
            };
            if !is_joined {
                self.require_token(text, "a resource", &place.index(index));
            }
        }
        texts.to_vec()
    }

    /// As [`Review::tokens`], for scopes of a provider of kind `oidc`, which may have a comma or a semicolon in them (RFC
    /// 6749 §3.3). They are rare, so they are warned of.
    pub(in crate::config) fn openid_scopes(&mut self, texts: &[String], place: &Place) -> Vec<String> {
        for (index, text) in texts.iter().enumerate() {
            let (at, entries) = (place.index(index), entries_of(text));
            if is_token(text) && text.contains([',', ';']) && entries.len() > 1 {
                let entries: Vec<String> = entries.iter().map(|entry| format!("{entry:?}")).collect();
                let message = format!(
                    "{text:?} is one scope with this very name: if it stands for several, write {}",
                    entries.join(", ")
                );
                self.warn(&at, message);
            } else if is_token(text) || !self.refuse_several(texts, index, place) {
                self.require_token(text, "a scope", &at);
            }
        }
        texts.to_vec()
    }

    fn require_token(&mut self, text: &str, what: &str, at: &Place) {
        if !is_token(text) {
            self.report(at, format!("{text:?} is not {what}: it must have no spaces and not be empty"));
        }
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control())
}
