use std::collections::HashMap;
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::series::CounterSeries;
use super::table;

/// What is counted at a directory (docs/operating.md §Metrics).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryCount {
    /// A sign-in with the right password.
    SignInAccepted,
    /// A sign-in at another identity provider.
    SignInByProvider,
    /// A sign-in that was refused.
    SignInRefused,
    /// A sign-in with a right password that has expired.
    SignInExpired,
    /// A sign-in after too many refused ones within a minute.
    SignInLimited,
    /// A sign-in while too many passwords are being hashed.
    SignInBusy,
    /// A session that began.
    SessionBegun,
    /// A session by which an application signed the user in silently.
    SessionUsed,
    /// A session that the user ended in the browser.
    SessionEnded,
    /// Tokens for an authorization code.
    TokensByCode,
    /// Tokens for a refresh token.
    TokensByRefreshToken,
    /// Tokens for a user name and a password.
    TokensByPassword,
    /// A token for an application itself.
    TokensByClientCredentials,
    /// Tokens for an assertion of an application.
    TokensByAssertion,
    /// A message that the mail server has taken.
    MailSent,
    /// A message that could not be sent.
    MailFailed,
    /// A message over the limit of its address or of the client.
    MailLimited,
    /// A message for which the queue had no place.
    MailDropped,
    /// A notice of a sign-out that an application has taken.
    LogoutNoticeDelivered,
    /// A notice of a sign-out that an application has not taken at the last try.
    LogoutNoticeFailed,
    /// A notice of a sign-out that was not sent, because too many waited.
    LogoutNoticeDropped,
}

/// A row: the count and the value of the label beside `directory`.
struct CountRow {
    count: DirectoryCount,
    series: Series,
    label: &'static str,
}

#[derive(Clone, Copy)]
enum Series {
    SignIns,
    Sessions,
    Tokens,
    Mails,
    LogoutNotices,
}

#[rustfmt::skip]
const COUNTS: [CountRow; 21] = [
    CountRow { count: DirectoryCount::SignInAccepted, series: Series::SignIns, label: "accepted" },
    CountRow { count: DirectoryCount::SignInByProvider, series: Series::SignIns, label: "by_provider" },
    CountRow { count: DirectoryCount::SignInRefused, series: Series::SignIns, label: "refused" },
    CountRow { count: DirectoryCount::SignInExpired, series: Series::SignIns, label: "expired" },
    CountRow { count: DirectoryCount::SignInLimited, series: Series::SignIns, label: "limited" },
    CountRow { count: DirectoryCount::SignInBusy, series: Series::SignIns, label: "busy" },
    CountRow { count: DirectoryCount::SessionBegun, series: Series::Sessions, label: "begun" },
    CountRow { count: DirectoryCount::SessionUsed, series: Series::Sessions, label: "used" },
    CountRow { count: DirectoryCount::SessionEnded, series: Series::Sessions, label: "ended" },
    CountRow { count: DirectoryCount::TokensByCode, series: Series::Tokens, label: "authorization_code" },
    CountRow { count: DirectoryCount::TokensByRefreshToken, series: Series::Tokens, label: "refresh_token" },
    CountRow { count: DirectoryCount::TokensByPassword, series: Series::Tokens, label: "password" },
    CountRow { count: DirectoryCount::TokensByClientCredentials, series: Series::Tokens, label: "client_credentials" },
    CountRow { count: DirectoryCount::TokensByAssertion, series: Series::Tokens, label: "jwt_bearer" },
    CountRow { count: DirectoryCount::MailSent, series: Series::Mails, label: "sent" },
    CountRow { count: DirectoryCount::MailFailed, series: Series::Mails, label: "failed" },
    CountRow { count: DirectoryCount::MailLimited, series: Series::Mails, label: "limited" },
    CountRow { count: DirectoryCount::MailDropped, series: Series::Mails, label: "dropped" },
    CountRow { count: DirectoryCount::LogoutNoticeDelivered, series: Series::LogoutNotices, label: "delivered" },
    CountRow { count: DirectoryCount::LogoutNoticeFailed, series: Series::LogoutNotices, label: "failed" },
    CountRow { count: DirectoryCount::LogoutNoticeDropped, series: Series::LogoutNotices, label: "dropped" },
];

/// What is counted at each directory, by its name in the configuration. Clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct DirectoryCounts {
    directories: Arc<HashMap<String, [Counter; COUNTS.len()]>>,
}

impl DirectoryCounts {
    pub(super) fn register(directories: &[String], registry: &mut Registry) -> Self {
        let sign_ins = CounterSeries::register(&table::DIRECTORY_SIGN_INS, registry);
        let sessions = CounterSeries::register(&table::DIRECTORY_SESSIONS, registry);
        let tokens = CounterSeries::register(&table::DIRECTORY_TOKENS, registry);
        let mails = CounterSeries::register(&table::DIRECTORY_MAILS, registry);
        let logout_notices = CounterSeries::register(&table::DIRECTORY_LOGOUT_NOTICES, registry);
        let get = |name: &str, row: CountRow| {
            let series = match row.series {
                Series::SignIns => &sign_ins,
                Series::Sessions => &sessions,
                Series::Tokens => &tokens,
                Series::Mails => &mails,
                Series::LogoutNotices => &logout_notices,
            };
            series.get(&[name, row.label])
        };
        let of_directory = |name: &String| (name.clone(), COUNTS.map(|row| get(name, row)));
        Self { directories: Arc::new(directories.iter().map(of_directory).collect()) }
    }

    /// Counts `count` at the directory with this name in the configuration.
    pub fn add(&self, directory: &str, count: DirectoryCount) {
        let Some(counters) = self.directories.get(directory) else { return };
        let row = COUNTS.iter().zip(counters).find(|(row, _)| row.count == count);
        if let Some((_, counter)) = row {
            counter.inc();
        }
    }
}
