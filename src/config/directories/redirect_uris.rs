use url::Url;

use crate::config::review::{Place, Proposal, Review, is_loopback};
use crate::domain::{MAX_ADDRESSES, check_browser_address};

/// What browsers bring to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brought {
    /// An authorization code.
    Code,
    /// Nothing that another could use.
    Nothing,
}

/// The addresses at `place`, to which browsers may be sent, each once. They are compared exactly, so there are no patterns
/// (RFC 9700 §2.1).
pub(super) fn redirect_uris(texts: &[String], brought: Brought, review: &mut Review<'_>, place: &Place) -> Vec<String> {
    if texts.len() > MAX_ADDRESSES {
        review.report(place, format!("has {} addresses: write at most {MAX_ADDRESSES}", texts.len()));
        return Vec::new();
    }
    let mut uris = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let at = place.index(index);
        if review.refuse_several_addresses(texts, index, place) || review.is_reported(&at) {
            continue;
        }
        if let Some(url) = browser_address(text, review, &at) {
            if brought == Brought::Code {
                warn_of_plain_http(&url, text, review, &at);
            }
            uris.extend((!uris.contains(text)).then(|| text.clone()));
        }
    }
    uris
}

/// The address at `place`, to which browsers may be sent.
pub(super) fn browser_address(text: &str, review: &mut Review<'_>, place: &Place) -> Option<Url> {
    if text.contains('*') {
        let message = format!("{text:?} has a *, and addresses are compared exactly: write each address in full");
        review.report(place, message);
        return None;
    }
    let url = review.url(text, place)?;
    let fault = check_browser_address(text).err();
    if let Some(fault) = fault {
        let proposal = Some(Proposal::text(place, url.as_str()));
        let write = "it as browsers send it, like https://host/path";
        review.propose_or(place, &format!("{text:?} cannot be used, since {fault}"), proposal, write);
    }
    fault.is_none().then_some(url)
}

fn warn_of_plain_http(url: &Url, text: &str, review: &mut Review<'_>, place: &Place) {
    if url.scheme() == "http" && !is_loopback(url) {
        let message = format!("{text:?} is plain http, so the network can read the codes that it gets: write https");
        review.warn(place, message);
    }
}
