use url::{Host, Url};

use super::{AddressFault, Application, Directory, DirectorySettings, check_browser_address};

/// Why an address cannot be one at which an application is told that sessions have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoutAddressFault {
    /// It is no web address.
    #[error(transparent)]
    Address(#[from] AddressFault),
    /// It is not https. Plain http is for directories in development, on this machine.
    #[error(
        "an address must be https; http is allowed on this machine only, and only while the directory itself is http"
    )]
    NotHttps,
    /// It is on another host than the application, so that a directory sends requests nowhere else (docs/directory.md
    /// §Back-channel logout).
    #[error("an address must be on the host of one of the redirect URIs of the application or of the directory")]
    OtherHost,
}

/// Checks the `backchannel_logout_uri` of `application` in `directory`. Which addresses of the network the host may have is checked
/// when it is called.
///
/// # Errors
/// [`LogoutAddressFault`].
pub fn check_logout_address(
    directory: &Directory,
    settings: &DirectorySettings,
    application: &Application,
    uri: &str,
) -> Result<(), LogoutAddressFault> {
    check_browser_address(uri)?;
    let url = Url::parse(uri).map_err(|_| AddressFault::NoUrl)?;
    let is_development = directory.issuer.starts_with("http://") && is_this_machine(&url);
    if url.scheme() != "https" && !is_development {
        return Err(LogoutAddressFault::NotHttps);
    }
    // Both lists count for the application, as they do where users are sent with a code.
    let mut listed = application.redirect_uris.iter().chain(&settings.redirect_uris);
    let has_host = |listed: &String| Url::parse(listed).is_ok_and(|listed| listed.host() == url.host());
    if listed.any(has_host) { Ok(()) } else { Err(LogoutAddressFault::OtherHost) }
}

impl DirectorySettings {
    /// The first application that cannot be told of ended sessions at the address that it has, and why.
    #[must_use]
    pub fn find_bad_logout_address(&self, directory: &Directory) -> Option<(&Application, LogoutAddressFault)> {
        self.applications.iter().find_map(|application| {
            let uri = application.backchannel_logout_uri.as_deref()?;
            let fault = check_logout_address(directory, self, application, uri).err()?;
            Some((application, fault))
        })
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ApplicationKind, ManagedBy, TenantId};

    fn check(issuer: &str, own: &[&str], of_directory: &[&str], uri: &str) -> Result<(), LogoutAddressFault> {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let directory = Directory {
            name: "market".to_owned(),
            tenant: TenantId::new("t1"),
            issuer: issuer.to_owned(),
            managed_by: ManagedBy::Api,
            absolute_lifetime_seconds: None,
            sdk_all_sessions: false,
            signing_key_lifetime_seconds: 1,
            administrators: Vec::new(),
            login_providers: Vec::new(),
            prompts_with_login_providers: false,
            own_applications: Vec::new(),
        };
        let settings = DirectorySettings { redirect_uris: texts(of_directory), ..DirectorySettings::default() };
        let application = Application {
            client_id: "shop".to_owned(),
            name: String::new(),
            kind: ApplicationKind::RegularWebApp,
            secrets: Vec::new(),
            redirect_uris: texts(own),
            assertion_key: None,
            backchannel_logout_uri: None,
        };
        let checked = check_logout_address(&directory, &settings, &application, uri);
        let application = Application { backchannel_logout_uri: Some(uri.to_owned()), ..application };
        let settings = DirectorySettings { applications: vec![application], ..settings };
        assert_eq!(settings.find_bad_logout_address(&directory).map(|(_, fault)| fault), checked.err());
        checked
    }

    #[test]
    fn an_address_is_https_on_a_host_of_the_applications_own_addresses() {
        const ISSUER: &str = "https://sso.example.com/oauth/v4/t1";
        let own = ["https://shop.example.com/callback"];
        let directory = ["https://other.example.com/callback"];
        for (uri, expected) in [
            ("https://shop.example.com/logout", Ok(())),
            ("https://shop.example.com:8443/logout?a=b", Ok(())),
            ("http://shop.example.com/logout", Err(LogoutAddressFault::NotHttps)),
            ("http://127.0.0.1:3000/logout", Err(LogoutAddressFault::NotHttps)),
            ("https://other.example.com/logout", Ok(())),
            ("https://sub.shop.example.com/logout", Err(LogoutAddressFault::OtherHost)),
            ("https://shop.example.com.evil.example/", Err(LogoutAddressFault::OtherHost)),
            ("https://169.254.169.254/", Err(LogoutAddressFault::OtherHost)),
            ("https://evil@shop.example.com/", Err(AddressFault::UserInformation.into())),
            ("https://shop.example.com/#x", Err(AddressFault::Fragment.into())),
            ("file:///etc/passwd", Err(AddressFault::NoUrl.into())),
        ] {
            assert_eq!(check(ISSUER, &own, &directory, uri), expected, "{uri}");
        }
        assert_eq!(check(ISSUER, &[], &[], "https://shop.example.com/logout"), Err(LogoutAddressFault::OtherHost));
    }

    #[test]
    fn an_address_is_http_on_this_machine_only_and_only_where_the_directory_is_http() {
        const ISSUER: &str = "http://127.0.0.1:3978/oauth/v4/t1";
        let own = ["http://127.0.0.1:3000/callback", "http://shop.example.com/callback"];
        assert_eq!(check(ISSUER, &own, &[], "http://127.0.0.1:4000/logout"), Ok(()));
        assert_eq!(check(ISSUER, &own, &[], "http://shop.example.com/logout"), Err(LogoutAddressFault::NotHttps));
    }
}
