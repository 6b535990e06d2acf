use url::Url;

use crate::dev::admission::is_loopback_url;

/// The hosts on which the bots of a stage may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BotHosts {
    /// This machine alone.
    Loopback,
    /// Any machine: users' messages leave this one.
    Any,
}

impl BotHosts {
    /// Checks the address at which a bot takes activities.
    ///
    /// # Errors
    /// What is wrong with it, for the person who wrote it.
    pub(super) fn check(self, address: &str) -> Result<Url, String> {
        let example = "http://127.0.0.1:3999/api/messages";
        let web =
            Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        let url = web.ok_or_else(|| format!("{address} is no http address: write one such as {example}"))?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(format!("{address} has a user name, a password or a fragment: write one such as {example}"));
        }
        if self == Self::Loopback && !is_loopback_url(&url) {
            return Err(format!(
                "{address} is not on this machine, and the stage sends activities to bots on this machine only: write \
                 an address such as {example}, or allow other machines with --allow-remote-bot"
            ));
        }
        Ok(url)
    }
}

/// Whether the gateway must be told that a plain http address of this bot is meant.
pub(in crate::dev) fn is_remote_plain_http(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| url.scheme() == "http" && !is_loopback_url(&url))
}
