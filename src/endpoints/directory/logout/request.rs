use std::sync::Arc;

use url::Url;
use url::form_urlencoded::Serializer;

use super::refusal::LogoutRefusal;
use crate::accounts::DirectoryView;
use crate::inbound::Form;

/// The longest request that is read, in bytes: an ID token fits.
const MAX_BYTES: usize = 8 * 1024;

/// The parameters that are read; others are passed over.
const NAMES: [&str; 9] = [
    "client_id",
    "redirect_uri",
    "post_logout_redirect_uri",
    "state",
    "all_sessions",
    "everywhere",
    "id_token_hint",
    "ui_locales",
    "language",
];

/// The parameters of a request to sign out as they came. Each is there once at most, and has no control character.
pub(super) struct LogoutParameters(Form<'static>);

/// A request to sign out whose application and address are the directory's own.
pub(super) struct LogoutRequest {
    pub(super) view: Arc<DirectoryView>,
    /// The client id of the application that asks, if the request names one.
    pub(super) client_id: Option<String>,
    /// Where the browser goes afterwards; `None` for a page of ours.
    pub(super) return_to: Option<ReturnAddress>,
    /// `everywhere=true`: the user's applications, bots and back ends are meant as well.
    pub(super) is_everything: bool,
}

/// A registered address, with what is added to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReturnAddress {
    uri: String,
    state: Option<String>,
}

impl LogoutParameters {
    /// Reads a query, or the body of a form.
    pub(super) fn read(text: &[u8]) -> Result<Self, LogoutRefusal> {
        if text.len() > MAX_BYTES {
            return Err(LogoutRefusal::Unreadable);
        }
        let form = Form::parse(text).map_err(|_| LogoutRefusal::Unreadable)?.into_owned();
        let is_odd = |name: &&str| {
            form.is_repeated(name) || form.find(name).is_some_and(|value| value.chars().any(char::is_control))
        };
        if NAMES.iter().any(is_odd) { Err(LogoutRefusal::Unreadable) } else { Ok(Self(form)) }
    }

    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.find(name)
    }

    /// Whether everything is to end: sessions, the grants of applications, the tokens of bots and back ends.
    pub(super) fn asks_for_everything(&self) -> bool {
        self.find("everywhere") == Some("true")
    }

    /// The same parameters as a query.
    pub(super) fn to_query(&self) -> String {
        let mut query = Serializer::new(String::new());
        for name in NAMES {
            if let Some(value) = self.find(name) {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// The client id, which must be that of an application of the directory.
    pub(super) fn find_client_id(&self, view: &DirectoryView) -> Result<Option<String>, LogoutRefusal> {
        let Some(client_id) = self.find("client_id") else { return Ok(None) };
        let application = view.find_application(client_id).ok_or(LogoutRefusal::UnknownApplication)?;
        Ok(Some(application.client_id.clone()))
    }

    /// The address in the parameter `name`, which must be registered in exactly these characters (RFC 9700 §2.1).
    pub(super) fn find_return(&self, name: &str, view: &DirectoryView) -> Result<Option<ReturnAddress>, LogoutRefusal> {
        let Some(wanted) = self.find(name) else { return Ok(None) };
        let registered = view.settings.sso.logout_redirect_uris.iter().find(|uri| *uri == wanted);
        let uri = registered.ok_or(LogoutRefusal::ReturnNotRegistered)?.clone();
        Ok(Some(ReturnAddress { uri, state: None }))
    }
}

impl LogoutRequest {
    /// The query of the address to which our form goes, on a page in the language with the tag `language`. It is checked again when
    /// the form comes.
    pub(super) fn to_form_query(&self, language: &str) -> String {
        Serializer::new(self.to_query()).append_pair("language", language).finish()
    }

    /// What the form does, as a query.
    pub(super) fn to_query(&self) -> String {
        let mut query = Serializer::new(String::new());
        let state = self.return_to.as_ref().and_then(|to| to.state.as_deref());
        let uri = self.return_to.as_ref().map(|to| to.uri.as_str());
        let everywhere = self.is_everything.then_some("true");
        let client_id = self.client_id.as_deref();
        for (name, value) in
            [("client_id", client_id), ("redirect_uri", uri), ("state", state), ("everywhere", everywhere)]
        {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

impl ReturnAddress {
    /// Adds `state`, which comes back unchanged (OpenID Connect RP-Initiated Logout 1.0 §3).
    pub(super) fn with_state(self, state: Option<&str>) -> Self {
        Self { state: state.map(str::to_owned), ..self }
    }

    /// The whole address. A registered one that is no URL goes unchanged.
    pub(super) fn address(&self) -> String {
        let Some((state, Ok(mut address))) = self.state.as_ref().map(|state| (state, Url::parse(&self.uri))) else {
            return self.uri.clone();
        };
        address.query_pairs_mut().append_pair("state", state);
        address.into()
    }

    /// Where a form may lead, for `form-action`. The application's own redirects are of the same navigation, and Chromium checks
    /// each of them, so the scheme is named and no host.
    pub(super) fn form_source(&self) -> &'static str {
        if self.uri.starts_with("https:") { "https:" } else { "https: http:" }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{Directory, DirectorySettings, ManagedBy, TenantId};

    const REGISTERED: &str = "https://shop.example.com/bye?a=1";

    fn view() -> DirectoryView {
        let directory = Directory {
            name: "market".to_owned(),
            tenant: TenantId::new("t1"),
            issuer: "https://sso.example.com/oauth/v4/t1".to_owned(),
            managed_by: ManagedBy::Api,
            absolute_lifetime_seconds: None,
            sdk_all_sessions: false,
            signing_key_lifetime_seconds: 1,
            administrators: Vec::new(),
            login_providers: Vec::new(),
            prompts_with_login_providers: false,
            own_applications: Vec::new(),
        };
        let mut settings = DirectorySettings::default();
        settings.sso.logout_redirect_uris = vec![REGISTERED.to_owned()];
        DirectoryView { directory: Arc::new(directory), settings }
    }

    fn find_return(uri: &str) -> Result<Option<ReturnAddress>, LogoutRefusal> {
        let query = Serializer::new(String::new()).append_pair("redirect_uri", uri).finish();
        LogoutParameters::read(query.as_bytes())?.find_return("redirect_uri", &view())
    }

    #[test]
    fn only_the_registered_address_itself_is_one_to_return_to() {
        assert_eq!(find_return(REGISTERED).unwrap().unwrap().address(), REGISTERED);
        for other in [
            "https://shop.example.com/bye?a=1&b=2",
            "https://shop.example.com/bye?a=1#x",
            "https://shop.example.com/bye",
            "https://shop.example.com/bye/",
            "https://shop.example.com/bye?a=1 ",
            " https://shop.example.com/bye?a=1",
            "HTTPS://shop.example.com/bye?a=1",
            "https://shop.example.com:443/bye?a=1",
            "https://shop.example.com@evil.example/bye?a=1",
            "https://evil.example/bye?a=1",
            "//shop.example.com/bye?a=1",
            "/bye?a=1",
            "javascript:alert(1)",
        ] {
            assert_eq!(find_return(other), Err(LogoutRefusal::ReturnNotRegistered), "{other}");
        }
        for odd in ["https://shop.example.com/bye?a=1\r\nSet-Cookie: a=b", "https://shop.example.com/bye?a=1\t"] {
            assert_eq!(find_return(odd), Err(LogoutRefusal::Unreadable), "{odd:?}");
        }
    }

    #[test]
    fn a_state_is_added_to_the_address_and_escaped() {
        let to = find_return(REGISTERED).unwrap().unwrap().with_state(Some("x&y=z #"));
        assert_eq!(to.address(), "https://shop.example.com/bye?a=1&state=x%26y%3Dz+%23");
    }

    #[test]
    fn a_repeated_or_overlong_request_is_not_read() {
        let long = format!("state={}", "x".repeat(MAX_BYTES));
        for query in ["client_id=a&client_id=a", "redirect_uri=&redirect_uri=a", "state=%01", "state=%ff", &long] {
            assert!(LogoutParameters::read(query.as_bytes()).is_err(), "{query}");
        }
        assert!(LogoutParameters::read(b"x=1&x=2&client_id=a").is_ok(), "unknown parameters are passed over");
    }
}
