use url::form_urlencoded::Serializer;

use crate::inbound::{Form, FormError};

/// The longest authorization request that is read, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// The parameters that are read. Others are passed over, as RFC 6749 §3.1 demands; `appid_access_token` of App ID's SDK is one
/// of them, so that no token gets into an address.
const NAMES: [&str; 16] = [
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "prompt",
    "max_age",
    "login_hint",
    "ui_locales",
    "language",
    "id_token_hint",
    "idp",
];

/// The parameters of an authorization request as they came: nothing of them has been checked.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::endpoints::directory) struct RequestParameters {
    stated: Vec<Parameter>,
    /// The known parameters that the request states more than once.
    repeated: Vec<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
struct Parameter {
    name: &'static str,
    value: String,
}

/// Why a request is not read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::endpoints::directory) enum UnreadableRequest {
    /// It is longer than 8 KiB.
    TooLong,
    /// It is no form of text, or has too many parameters.
    NoForm(FormError),
}

impl RequestParameters {
    /// Reads a query, or the body of a form.
    pub(in crate::endpoints::directory) fn read(text: &[u8]) -> Result<Self, UnreadableRequest> {
        if text.len() > MAX_BYTES {
            return Err(UnreadableRequest::TooLong);
        }
        let form = Form::parse(text).map_err(UnreadableRequest::NoForm)?;
        let stated = NAMES.into_iter().filter_map(|name| {
            let value = form.find(name)?.to_owned();
            Some(Parameter { name, value })
        });
        let repeated = NAMES.into_iter().filter(|name| form.is_repeated(name));
        Ok(Self { stated: stated.collect(), repeated: repeated.collect() })
    }

    /// The value of the parameter `name`, if the request states it once and not empty.
    pub(in crate::endpoints::directory) fn find(&self, name: &str) -> Option<&str> {
        if self.repeated.contains(&name) {
            return None;
        }
        self.stated.iter().find(|parameter| parameter.name == name).map(|parameter| parameter.value.as_str())
    }

    /// Whether a parameter is stated more than once (RFC 6749 §3.1).
    pub(in crate::endpoints::directory) const fn has_repetition(&self) -> bool {
        !self.repeated.is_empty()
    }

    /// The same request as a query. Browsers send it back byte for byte.
    pub(in crate::endpoints::directory) fn to_query(&self) -> String {
        let mut query = Serializer::new(String::new());
        for Parameter { name, value } in &self.stated {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_with_an_unescaped_redirect_uri_is_read_as_the_sdk_builds_it() {
        let query = b"client_id=c&response_type=code&redirect_uri=http://127.0.0.1:3000/cb?x=1&scope=appid_default&state=YQ%3D%3D&appid_access_token=secret";
        let parameters = RequestParameters::read(query).unwrap();
        assert_eq!(parameters.find("redirect_uri"), Some("http://127.0.0.1:3000/cb?x=1"));
        assert_eq!(parameters.find("state"), Some("YQ=="));
        assert!(!parameters.to_query().contains("secret"));
    }

    #[test]
    fn what_is_stated_twice_has_no_value() {
        let parameters = RequestParameters::read(b"client_id=a&state=1&%73tate=2&x=1&x=2").unwrap();
        assert!(parameters.has_repetition());
        assert_eq!((parameters.find("client_id"), parameters.find("state")), (Some("a"), None));
        assert!(!RequestParameters::read(b"client_id=a&x=1&x=2").unwrap().has_repetition());
    }

    #[test]
    fn a_request_that_is_too_long_or_no_text_is_not_read() {
        let long = format!("state={}", "x".repeat(MAX_BYTES));
        assert_eq!(RequestParameters::read(long.as_bytes()), Err(UnreadableRequest::TooLong));
        assert_eq!(RequestParameters::read(b"state=%ff"), Err(UnreadableRequest::NoForm(FormError::NotText)));
    }

    proptest! {
        #[test]
        fn the_query_of_a_request_says_the_same_again(state in "[^\0]{0,40}", hint in "[^\0]{0,40}") {
            let query = Serializer::new(String::new())
                .append_pair("client_id", "c").append_pair("login_hint", &hint).append_pair("state", &state).finish();
            let parameters = RequestParameters::read(query.as_bytes()).unwrap();
            let again = RequestParameters::read(parameters.to_query().as_bytes()).unwrap();
            prop_assert_eq!(parameters.to_query(), again.to_query());
            prop_assert_eq!(&parameters, &again);
            // A browser parses the address of the form and sends it.
            let address = url::Url::parse(&format!("http://a.example/?{}", parameters.to_query())).unwrap();
            prop_assert_eq!(address.query().unwrap_or_default(), parameters.to_query());
        }
    }
}
