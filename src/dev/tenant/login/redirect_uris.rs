use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use url::Url;

use crate::dev::admission::is_loopback_url;
use crate::dev::lock::lock_ignoring_poison;
use crate::dev::tenant::directory::Directory;

/// The redirect URIs that apps have registered.
#[derive(Default)]
pub(in crate::dev) struct RedirectUris {
    /// The apps that may be sent back to any address on this machine, in lower case.
    of_this_machine: BTreeSet<String>,
    exact: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

impl RedirectUris {
    /// The registrations of a directory. The ports of a developer's own programs are not known beforehand, so a bot with an
    /// endpoint of its own may use any address on this machine, as Entra lets native apps use any port of it
    /// (RFC 8252 §7.3).
    pub(in crate::dev) fn of(directory: &Directory) -> Self {
        let own_bots = directory.bots.iter().filter(|bot| bot.endpoint.is_some()).map(|bot| bot.app_id);
        Self { of_this_machine: own_bots.map(str::to_ascii_lowercase).collect(), exact: Mutex::default() }
    }

    /// Registers an exact redirect URI for an app.
    pub(in crate::dev) fn register(&self, client_id: &str, uri: &str) {
        lock_ignoring_poison(&self.exact).entry(client_id.to_ascii_lowercase()).or_default().insert(uri.to_owned());
    }

    /// Whether `uri` is registered for the app: byte for byte, or because the app may use any address on this machine.
    pub(in crate::dev) fn contains(&self, client_id: &str, uri: &str) -> bool {
        let client_id = client_id.to_ascii_lowercase();
        let known = lock_ignoring_poison(&self.exact);
        known.get(&client_id).is_some_and(|known| known.contains(uri))
            || self.of_this_machine.contains(&client_id) && is_on_this_machine(uri)
    }
}

fn is_on_this_machine(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| {
        let is_web = matches!(url.scheme(), "http" | "https");
        is_web && is_loopback_url(&url) && url.username().is_empty() && url.fragment().is_none()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn an_own_bot_is_sent_back_to_any_port_of_this_machine_and_a_demo_bot_to_registered_addresses_alone() {
        let mut directory = Directory::with_fixed_entries();
        directory.bots[2].endpoint = Some("http://127.0.0.1:3999/api/messages");
        let uris = RedirectUris::of(&directory);
        let (own, bot) = (directory.bots[2].app_id, directory.bots[0].app_id);
        for uri in
            ["http://127.0.0.1:3000/", "http://localhost:5173/signed-in", "https://localhost/x?y=1", "http://[::1]:9/"]
        {
            assert!(uris.contains(own, uri) && uris.contains(&own.to_ascii_uppercase(), uri), "{uri}");
            assert!(!uris.contains(bot, uri), "{uri}");
        }
        for uri in [
            "http://evil.example/",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "http://me@localhost/",
            "http://localhost/#fragment",
            "file:///tmp",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!uris.contains(own, uri), "{uri}");
        }
        uris.register(bot, "http://127.0.0.1:3978/.auth/web/redirect");
        assert!(uris.contains(bot, "http://127.0.0.1:3978/.auth/web/redirect"));
        assert!(!uris.contains(bot, "http://127.0.0.1:3978/.auth/web/redirect/"));
    }
}
