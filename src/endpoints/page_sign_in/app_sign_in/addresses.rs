use serde::{Deserialize, Serialize};
use url::Url;

use crate::endpoints::page_sign_in::page_refusal::PageRefusal;

/// The longest address of a front end's page, in bytes.
const MAX_BYTES: usize = 2_048;

/// Where a sign-in leads back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReturnAddress {
    /// The front end's page.
    pub(super) from_url: Url,
    /// The origin of the page that has opened a window for the sign-in and is told its result there. `None` if the browser is
    /// sent to `from_url`.
    pub(super) popup_origin: Option<String>,
}

/// A parameter that a sign-in puts into the query of the front end's page.
#[derive(Clone, Copy)]
pub(super) struct OwnParameter<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// The sealed form of a [`ReturnAddress`].
#[derive(Serialize, Deserialize)]
struct StoredAddress {
    from_url: String,
    popup_origin: Option<String>,
}

impl ReturnAddress {
    /// Reads the parameters of a login. Both must be of one of `origins`, which are compared exactly.
    pub(super) fn new(from_url: &str, popup_origin: Option<&str>, origins: &[String]) -> Result<Self, PageRefusal> {
        let from_url = Self::parse_url(from_url).ok_or(PageRefusal::BadReturnAddress)?;
        if !is_listed(&from_url, origins) {
            return Err(PageRefusal::ReturnAddressNotListed);
        }
        if popup_origin.is_some_and(|named| origins.iter().all(|listed| listed != named)) {
            return Err(PageRefusal::PopupOriginNotListed);
        }
        Ok(Self { from_url, popup_origin: popup_origin.map(str::to_owned) })
    }

    /// Reads an absolute http or https address without user name and password, and cuts off its fragment: behind it nothing
    /// of ours would reach the front end. What browsers and other parsers read in different ways is none: backslashes, spaces
    /// and control characters anywhere, and a scheme without `//`.
    pub(super) fn parse_url(text: &str) -> Option<Url> {
        let text = text.split('#').next().filter(|text| text.len() <= MAX_BYTES)?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let is_doubtful = |letter: char| letter.is_control() || letter.is_whitespace() || letter == '\\';
        let authority = rest.split(['/', '?']).next()?;
        if text.contains(is_doubtful) || authority.is_empty() || authority.contains('@') {
            return None;
        }
        Url::parse(text).ok().filter(Url::has_host)
    }

    /// Reads an address as [`ReturnAddress::parse_url`] does, or a path with exactly one slash at its beginning, which is one
    /// of the site that the browser comes from, as its `referrer` says.
    pub(super) fn parse_on_page(text: &str, referrer: Option<&str>) -> Option<Url> {
        if !text.starts_with('/') {
            return Self::parse_url(text);
        }
        if text.starts_with("//") {
            return None;
        }
        let origin = Self::parse_url(referrer?)?.origin().ascii_serialization();
        Self::parse_url(&format!("{origin}{text}"))
    }

    /// The text that is sealed into the sign-in.
    pub(super) fn to_text(&self) -> String {
        let stored = StoredAddress { from_url: self.from_url.to_string(), popup_origin: self.popup_origin.clone() };
        // Two texts always make JSON.
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Reads what [`ReturnAddress::to_text`] wrote.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let StoredAddress { from_url, popup_origin } = serde_json::from_str(text).ok()?;
        Some(Self { from_url: Url::parse(&from_url).ok()?, popup_origin })
    }

    /// Whether the app still permits the address: its settings may have changed since the sign-in began.
    pub(super) fn is_permitted(&self, origins: &[String]) -> bool {
        let is_permitted = |named: &String| origins.contains(named);
        is_listed(&self.from_url, origins) && self.popup_origin.as_ref().is_none_or(is_permitted)
    }

    /// The front end's page with `ours` at the end of its query. The page's own parameters stay as they are, but those of the
    /// same names: an address with somebody else's token in front of ours would sign the user in as somebody else.
    pub(super) fn with_parameters(&self, ours: &[OwnParameter<'_>]) -> Url {
        let mut url = self.from_url.clone();
        let is_theirs = |pair: &&str| {
            let names = url::form_urlencoded::parse(pair.as_bytes()).map(|(name, _)| name);
            names.into_iter().all(|name| ours.iter().all(|our| our.name != name))
        };
        let kept: Vec<&str> = self.from_url.query().unwrap_or_default().split('&').filter(is_theirs).collect();
        let kept = kept.join("&");
        url.set_query((!kept.is_empty()).then_some(&kept));
        url.query_pairs_mut().extend_pairs(ours.iter().map(|our| (our.name, our.value)));
        url
    }
}

/// Whether the origin of `url` is one of `origins`.
pub(super) fn is_listed(url: &Url, origins: &[String]) -> bool {
    let origin = url.origin().ascii_serialization();
    origins.contains(&origin)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn origins() -> Vec<String> {
        ["https://app.example.com", "http://127.0.0.1:3000"].map(str::to_owned).to_vec()
    }

    #[test]
    fn an_address_leads_back_to_a_listed_origin_alone() {
        let read = |text: &str| ReturnAddress::new(text, None, &origins()).map(|_| ());
        for good in [
            "https://app.example.com",
            "https://app.example.com/",
            "https://app.example.com/a/b?x=1&y=%20",
            "https://app.example.com/?x=1#/home",
            "https://app.example.com#@evil.example",
            "https://app.example.com:443/a",
            "http://127.0.0.1:3000/a",
        ] {
            assert_eq!(read(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/a",
            "//app.example.com/a",
            "app.example.com",
            "https:app.example.com",
            "https:/app.example.com",
            "https:///app.example.com",
            "HTTPS://app.example.com/\\@evil.example",
            "https:\\\\app.example.com",
            "javascript:alert(1)//https://app.example.com",
            "data:text/html,x",
            "https://user@app.example.com/",
            "https://@app.example.com/",
            "https://user:pass@app.example.com/",
            "https://evil.example\\#https://app.example.com/",
            "#https://app.example.com/",
            "https://app.example.com/a b",
            "https://app.example.com/\n",
            " https://app.example.com/",
            "https://app.example.com\\.evil.example/",
            "https://",
        ] {
            assert_eq!(read(bad), Err(PageRefusal::BadReturnAddress), "{bad}");
        }
        let with_bytes = |bytes| format!("{:x<bytes$}", "https://app.example.com/");
        assert_eq!(read(&with_bytes(2_048)), Ok(()));
        assert_eq!(read(&format!("{}#y", with_bytes(2_048))), Ok(()));
        assert_eq!(read(&with_bytes(2_049)), Err(PageRefusal::BadReturnAddress));
        for other in [
            "http://app.example.com/",
            "https://app.example.com:444/",
            "https://app.example.com.evil.example/",
            "https://evil.example/https://app.example.com",
            "https://xapp.example.com/",
            "https://127.0.0.1:3000/",
            "http://127.0.0.1:3001/",
            "http://127.0.0.1/",
            "https://app.example.com./",
        ] {
            assert_eq!(read(other), Err(PageRefusal::ReturnAddressNotListed), "{other}");
        }
    }

    #[test]
    fn a_path_is_one_of_the_site_that_the_browser_comes_from() {
        let read = |text: &str, referrer| ReturnAddress::parse_on_page(text, referrer).map(|url| url.to_string());
        let from = Some("https://app.example.com/a/b?c");
        for (text, address) in [
            ("/", "https://app.example.com/"),
            ("/login?x=1#y", "https://app.example.com/login?x=1"),
            ("/@evil.example", "https://app.example.com/@evil.example"),
            ("/https://evil.example", "https://app.example.com/https://evil.example"),
            ("/../..//evil.example", "https://app.example.com//evil.example"),
            ("https://other.example/#x", "https://other.example/"),
        ] {
            assert_eq!(read(text, from).as_deref(), Some(address), "{text}");
        }
        for bad in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "/a b",
            "/\t/evil.example",
            "login",
            "?x",
            "#x",
        ] {
            assert_eq!(read(bad, from), None, "{bad}");
        }
        for referrer in [None, Some(""), Some("null"), Some("about:blank"), Some("https://user@app.example.com/")] {
            assert_eq!(read("/login", referrer), None, "{referrer:?}");
        }
    }

    #[test]
    fn a_popup_tells_a_listed_origin_alone() {
        let read = |origin| ReturnAddress::new("https://app.example.com/", Some(origin), &origins()).map(|_| ());
        assert_eq!(read("https://app.example.com"), Ok(()));
        assert_eq!(read("http://127.0.0.1:3000"), Ok(()));
        for other in [
            "",
            "*",
            "null",
            "https://app.example.com/",
            "https://APP.example.com",
            "https://evil.example",
            "app.example.com",
        ] {
            assert_eq!(read(other), Err(PageRefusal::PopupOriginNotListed), "{other}");
        }
    }

    #[test]
    fn the_page_keeps_its_parameters_and_gets_ours_once() {
        for (before, after) in [
            ("https://app.example.com", "https://app.example.com/?code=c&is_new_user=true"),
            ("https://app.example.com/a?", "https://app.example.com/a?code=c&is_new_user=true"),
            (
                "https://app.example.com/a?x=%20+1&y&x=2",
                "https://app.example.com/a?x=%20+1&y&x=2&code=c&is_new_user=true",
            ),
            ("https://app.example.com/?code=theirs&x=1", "https://app.example.com/?x=1&code=c&is_new_user=true"),
            (
                "https://app.example.com/?%63ode=theirs&is_new_user&Code=x",
                "https://app.example.com/?Code=x&code=c&is_new_user=true",
            ),
        ] {
            let address = ReturnAddress::new(before, None, &origins()).unwrap();
            let ours = [OwnParameter { name: "code", value: "c" }, OwnParameter { name: "is_new_user", value: "true" }];
            assert_eq!(address.with_parameters(&ours).as_str(), after);
            assert_eq!(ReturnAddress::from_text(&address.to_text()), Some(address));
        }
    }
}
