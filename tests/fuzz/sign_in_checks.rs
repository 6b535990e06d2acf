//! As `checks`, for what browsers and identity providers bring to a sign-in.

use bot_sso::identity_provider::{
    AuthorizationError, DiscoverySettings, DocumentError, classify_authorization_error, read_names,
};
use bot_sso::inbound::{find_cookie, find_parameter};
use bot_sso::sign_in::BrowserSecret;
use bot_sso::token_validation::read_key_set;
use serde_json::Value;
use url::Url;

/// The longest value of a parameter that is used.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// An accepted discovery document names the issuer, and no endpoint of another origin is used.
pub fn discovery_document(bytes: &[u8]) {
    let issuer = "https://idp.example/realm";
    let settings = DiscoverySettings {
        provider: "p".to_owned(),
        issuer: issuer.to_owned(),
        metadata_url: Url::parse("https://idp.example/realm/.well-known/openid-configuration").unwrap(),
        authorization_endpoint: None,
        token_endpoint: None,
        userinfo_endpoint: None,
        revocation_endpoint: None,
        has_key_set: false,
    };
    match settings.read_document(bytes) {
        Ok(read) => {
            let whole: Value = serde_json::from_slice(bytes).expect("serde_json accepts it as well");
            assert_eq!(whole["issuer"], issuer);
            let own = Url::parse(issuer).unwrap().origin();
            for url in [Some(&read.authorization), Some(&read.token), read.userinfo.as_ref(), read.revocation.as_ref()]
            {
                assert!(url.is_none_or(|url| url.origin() == own), "{url:?} is elsewhere");
            }
            assert_eq!(read.authorization, Url::parse(whole["authorization_endpoint"].as_str().unwrap()).unwrap());
            assert_eq!(Url::parse(whole["jwks_uri"].as_str().unwrap()).unwrap().origin(), own);
        }
        Err(DocumentError::Refused(hint)) => assert!(hint.contains("configure"), "{hint}"),
        Err(DocumentError::Malformed) => {}
    }
    // Whatever the document says, a configured endpoint stays.
    let token = Url::parse("https://elsewhere.example/token").unwrap();
    let configured = DiscoverySettings { token_endpoint: Some(token.clone()), has_key_set: true, ..settings };
    assert!(configured.read_document(bytes).map_or(true, |read| read.token == token));
}

/// At most a thousand keys of a set are kept, and none that the set does not list.
pub fn key_set(bytes: &[u8]) {
    let Some(read) = read_key_set(bytes) else { return };
    let whole: Value = serde_json::from_slice(bytes).expect("serde_json accepts it as well");
    let listed = whole["keys"].as_array().expect("a key set has keys");
    assert!(read.rs256_keys <= read.asymmetric_keys && read.asymmetric_keys <= listed.len().min(1000));
    let named = |name: &String| listed.iter().any(|key| key["kid"] == **name);
    assert!(read.key_ids.iter().all(|name| !name.is_empty() && named(name)));
    assert_eq!(read_key_set(bytes), Some(read), "the same bytes are the same set");
}

/// The only value that a form gives to `name`, by the rules of the URL standard: the empty text if there are several or
/// if it is too long.
fn expected_value(text: &str, name: &str) -> Option<String> {
    let values = url::form_urlencoded::parse(text.as_bytes()).filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let values: Vec<_> = values.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty()).collect();
    let first = values.first()?;
    let is_usable = values.len() == 1 && first.len() <= MAX_VALUE_BYTES;
    Some(if is_usable { first.clone() } else { String::new() })
}

/// A form of the pages, and a query, is read as by another parser, and a value that is given twice is never used.
pub fn page_form(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for name in ["decision", "signin", "again", "code", "error", "iss", "claims"] {
        assert_eq!(find_parameter(text, name).as_deref(), expected_value(text, name).as_deref(), "{name}");
    }
    let twice = format!("{text}&decision=continue&decision=cancel");
    assert_eq!(find_parameter(&twice, "decision").as_deref(), Some(""));
}

/// A secret that is read is one that was drawn, and stands in the header under its name.
pub fn browser_cookie(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for name in ["__Host-bot-sso-browser", "bot-sso-browser"] {
        let drawn = "0123456789abcdef".repeat(4);
        if let Some(secret) = find_browser_secret(text.lines(), name) {
            assert!(is_drawn(secret.expose()));
            assert!(text.contains(name) && text.contains(secret.expose()));
        } else if !text.split([';', '\n', '\r']).any(|pair| pair.split('=').next().unwrap_or("").trim() == name) {
            // Other cookies beside it, however they are written, do not hide it.
            let header = format!("{};{name}={drawn}", text.replace(['\n', '\r'], ";"));
            let found = find_browser_secret(std::iter::once(header.as_str()), name);
            assert_eq!(found.as_ref().map(BrowserSecret::expose), Some(drawn.as_str()), "{header}");
        }
    }
}

fn find_browser_secret<'c>(headers: impl Iterator<Item = &'c str>, name: &str) -> Option<BrowserSecret> {
    BrowserSecret::parse(find_cookie(headers, name)?)
}

fn is_drawn(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A `state` that is accepted is the only one of the query, and has the form of those that are drawn.
pub fn state_parameter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let state = find_parameter(text, "state");
    assert_eq!(state.as_deref(), expected_value(text, "state").as_deref());
    // Handles of steps, `state` among them, have the form of a browser's secret.
    for text in [text, state.as_deref().unwrap_or("")] {
        assert_eq!(BrowserSecret::parse(text).is_some(), is_drawn(text));
    }
}

/// The first line is the query with which a browser returns from an identity provider, the rest the answer of its
/// userinfo endpoint. Little text of either is logged, and names are those of the user who was asked about.
pub fn openid_answer(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let (query, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let query = String::from_utf8_lossy(query);
    let [error, description, subcode] =
        ["error", "error_description", "error_subcode"].map(|name| find_parameter(&query, name));
    let refused = AuthorizationError {
        error: error.as_deref(),
        description: description.as_deref(),
        subcode: subcode.as_deref(),
        has_claims: find_parameter(&query, "claims").is_some(),
    };
    let diagnostics = classify_authorization_error(&refused).diagnostics;
    assert!(!diagnostics.hint.is_empty());
    for (text, limit) in [(&diagnostics.error, 64), (&diagnostics.suberror, 64), (&diagnostics.description, 300)] {
        let Some(text) = text else { continue };
        // A cut text ends with a mark.
        assert!((1..=limit + 3).contains(&text.chars().count()), "{} characters are logged", text.chars().count());
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    if let Some(names) = read_names(body, "someone") {
        let whole: Value = serde_json::from_slice(body).expect("serde_json accepts it as well");
        assert_eq!(whole["sub"], "someone");
        for (name, text) in
            [("name", names.name), ("preferred_username", names.preferred_username), ("email", names.email)]
        {
            // An empty name counts as absent.
            assert_eq!(text.as_deref(), whole[name].as_str().filter(|text| !text.is_empty()), "{name}");
        }
    }
}
