use crate::config::review::{Place, Proposal, Review, is_loopback, with_https};

/// The origins at `place`, each as browsers write it in `Origin`.
pub(super) fn origins(texts: &[String], review: &mut Review<'_>, place: &Place) -> Vec<String> {
    let mut origins = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if !review.refuse_several_addresses(texts, index, place) {
            origins.extend(origin(text, review, &place.index(index)));
        }
    }
    origins
}

fn origin(text: &str, review: &mut Review<'_>, place: &Place) -> Option<String> {
    if text.contains('*') {
        let message =
            format!("{text:?} has a *, and origins are compared exactly: write the whole origin of each page");
        review.report(place, message);
        return None;
    }
    let url = review.url(text, place)?;
    let right = url.origin().ascii_serialization();
    if url.scheme() == "http" && !is_loopback(&url) {
        let proposal = Proposal::text(place, with_https(&right)).or("; only an origin on this machine may be http");
        review.propose(place, format!("{text:?} is plain http, so others could change the page"), proposal);
        return None;
    }
    if text != right {
        let complaint = format!("{text:?} is no origin, which is a scheme, a host and a port alone");
        review.propose(place, complaint, Proposal::text(place, right));
        return None;
    }
    Some(right)
}
