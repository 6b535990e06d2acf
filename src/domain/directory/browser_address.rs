use url::Url;

/// The longest address to which browsers are sent, in bytes.
const MAX_BYTES: usize = 2048;
/// The addresses that one list may have.
pub const MAX_ADDRESSES: usize = 200;

/// Why an address cannot be one to which browsers are sent with a code, or after a logout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// It is no absolute http or https URL.
    #[error("an address must be an absolute http or https URL")]
    NoUrl,
    /// It has a `*`. A pattern would let codes go to addresses that nobody has listed (RFC 9700 §2.1).
    #[error("wildcards are not supported: list each address in full")]
    Wildcard,
    /// It has a fragment (RFC 6749 §3.1.2).
    #[error("an address has no fragment")]
    Fragment,
    /// It names a user or a password.
    #[error("an address names no user and no password")]
    UserInformation,
    /// It has a character that a URL has only percent-encoded.
    #[error("an address has only visible ASCII characters, and others percent-encoded")]
    Character,
    /// It has more than 2048 bytes.
    #[error("an address has at most 2048 bytes")]
    TooLong,
    /// The list has it twice.
    #[error("an address is listed twice")]
    Repeated,
    /// The list has more than 200 addresses.
    #[error("a list has at most 200 addresses")]
    TooMany,
}

/// Checks an address to which browsers may be sent. It is compared as a text, so it has to be what applications send.
///
/// # Errors
/// [`AddressFault`].
pub fn check_browser_address(text: &str) -> Result<(), AddressFault> {
    const NOT_IN_URLS: &[u8] = b"\"<>\\^`{|}";
    if text.len() > MAX_BYTES {
        return Err(AddressFault::TooLong);
    }
    if text.bytes().any(|byte| !byte.is_ascii_graphic() || NOT_IN_URLS.contains(&byte)) {
        return Err(AddressFault::Character);
    }
    if text.contains('*') {
        return Err(AddressFault::Wildcard);
    }
    let has_scheme = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    // Parsers skip further slashes, so the host has to follow the second one.
    let authority = text.split(['/', '?', '#']).nth(2).unwrap_or_default();
    let url = Url::parse(text).ok().filter(|url| has_scheme && url.has_host() && !authority.is_empty());
    if url.ok_or(AddressFault::NoUrl)?.fragment().is_some() {
        return Err(AddressFault::Fragment);
    }
    if authority.contains('@') { Err(AddressFault::UserInformation) } else { Ok(()) }
}

/// Checks a list of such addresses, which may be empty.
///
/// # Errors
/// [`AddressFault`] of the first address that has one.
pub fn check_browser_addresses(list: &[String]) -> Result<(), AddressFault> {
    if list.len() > MAX_ADDRESSES {
        return Err(AddressFault::TooMany);
    }
    for (at, address) in list.iter().enumerate() {
        check_browser_address(address)?;
        if list.iter().take(at).any(|earlier| earlier == address) {
            return Err(AddressFault::Repeated);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_web_addresses_without_user_and_fragment_are_accepted() {
        for good in [
            "https://app.example/callback",
            "http://127.0.0.1:3000/cb?a=b&c=%2F",
            "http://localhost",
            "https://app.example/@me",
            "https://[::1]:8443/",
        ] {
            assert_eq!(check_browser_address(good), Ok(()), "{good}");
        }
        for (bad, fault) in [
            ("", AddressFault::NoUrl),
            ("/callback", AddressFault::NoUrl),
            ("//app.example/", AddressFault::NoUrl),
            ("https:app.example", AddressFault::NoUrl),
            ("https:///", AddressFault::NoUrl),
            ("https:///evil.example/", AddressFault::NoUrl),
            ("HTTPS://app.example/", AddressFault::NoUrl),
            ("javascript:alert(1)", AddressFault::NoUrl),
            ("data:text/html,x", AddressFault::NoUrl),
            ("https://app.example/*", AddressFault::Wildcard),
            ("https://*.example/", AddressFault::Wildcard),
            ("https://app.example/#x", AddressFault::Fragment),
            ("https://app.example#", AddressFault::Fragment),
            ("https://app.example@evil.example/", AddressFault::UserInformation),
            ("https://@evil.example/", AddressFault::UserInformation),
            ("https://app.example\\@evil.example/", AddressFault::Character),
            ("https://app.example/ x", AddressFault::Character),
            ("https://app.example/\r\nx", AddressFault::Character),
            ("https://\u{e4}pp.example/", AddressFault::Character),
        ] {
            assert_eq!(check_browser_address(bad), Err(fault), "{bad}");
        }
        assert_eq!(
            check_browser_address(&format!("https://a.example/{}", "x".repeat(2048))),
            Err(AddressFault::TooLong)
        );
    }

    #[test]
    fn a_list_has_each_address_once() {
        let list = |addresses: &[&str]| addresses.iter().map(|address| (*address).to_owned()).collect::<Vec<_>>();
        assert_eq!(check_browser_addresses(&[]), Ok(()));
        assert_eq!(check_browser_addresses(&list(&["https://a.example/", "https://a.example"])), Ok(()));
        assert_eq!(
            check_browser_addresses(&list(&["https://a.example", "https://a.example"])),
            Err(AddressFault::Repeated)
        );
        assert_eq!(check_browser_addresses(&vec![String::from("https://a.example"); 201]), Err(AddressFault::TooMany));
    }
}
