use std::collections::BTreeSet;

use crate::config::{Change, ChangedKey, Configuration, Difference};
use crate::domain::{Connection, ProviderKind, ReloadProblem};

/// What of a section a reload can change.
enum Reloadable {
    /// Everything.
    Whole,
    /// Everything but these keys.
    AllBut(&'static [&'static str]),
    /// Only these keys.
    Only(&'static [&'static str]),
    /// Only the values of `replaced`, which can be neither added nor removed, and the keys `any`.
    Secrets { replaced: &'static [&'static str], any: &'static [&'static str] },
}

/// A section of which a reload can change something.
struct ReloadableSection {
    name: &'static str,
    what: Reloadable,
}

/// Everything else needs a restart. What is bound, opened or started once is not among it: sockets, the store, the log.
const RELOADABLE: [ReloadableSection; 15] = [
    ReloadableSection { name: "outbound", what: Reloadable::Only(&["bot_timeout_ms"]) },
    ReloadableSection { name: "channels", what: Reloadable::Whole },
    ReloadableSection { name: "token_service", what: Reloadable::AllBut(&["listen"]) },
    ReloadableSection { name: "sign_in", what: Reloadable::Whole },
    ReloadableSection { name: "identity_providers", what: Reloadable::Whole },
    ReloadableSection { name: "bots", what: Reloadable::Whole },
    ReloadableSection { name: "connections", what: Reloadable::Whole },
    ReloadableSection { name: "skills", what: Reloadable::Whole },
    ReloadableSection { name: "add_ins", what: Reloadable::Whole },
    ReloadableSection { name: "back_ends", what: Reloadable::Whole },
    ReloadableSection { name: "apps", what: Reloadable::Whole },
    ReloadableSection { name: "statuses", what: Reloadable::Whole },
    ReloadableSection { name: "limits", what: Reloadable::Only(RATES) },
    ReloadableSection { name: "operations", what: OPERATORS_TOKENS },
    ReloadableSection { name: "mail", what: Reloadable::Secrets { replaced: &["password"], any: &[] } },
];

const OPERATORS_TOKENS: Reloadable =
    Reloadable::Secrets { replaced: &["admin_token", "metrics_token"], any: &["read_token"] };

/// The keys of `limits` that no listener is built from.
const RATES: &[&str] = &[
    "parent_requests_per_second",
    "channel_requests_per_second",
    "token_service_requests_per_second",
    "user_exchanges_per_minute",
];

const MESSAGE: &str = "cannot change while the process runs: restart to apply";

/// Why `differences`, which lead from the configuration `before` to `after`, need a restart: one problem for each place.
pub(super) fn find_restarts(
    differences: &[Difference],
    before: &Configuration,
    after: &Configuration,
) -> Vec<ReloadProblem> {
    let mut problems: Vec<ReloadProblem> = differences.iter().flat_map(find_restarts_of).collect();
    problems.extend(find_directory_clients(before, after));
    problems
}

fn find_restarts_of(difference: &Difference) -> Vec<ReloadProblem> {
    let section = RELOADABLE.iter().find(|section| section.name == difference.section);
    let Difference { place, change, .. } = difference;
    let whole = || vec![problem(place.clone(), MESSAGE)];
    let keys = |is_fixed: &dyn Fn(&str) -> bool| {
        let fixed = difference.keys().filter(|key| is_fixed(key));
        fixed.map(|key| problem(format!("{place}.{key}"), MESSAGE)).collect()
    };
    match section.map(|section| &section.what) {
        None => match change {
            Change::Keys(_) => keys(&|_| true),
            Change::Added(_) | Change::Removed(_) => whole(),
        },
        Some(Reloadable::Whole) => Vec::new(),
        Some(Reloadable::AllBut(fixed)) => keys(&|key| fixed.contains(&key)),
        Some(Reloadable::Only(free)) => keys(&|key| !free.contains(&key)),
        Some(Reloadable::Secrets { replaced, any }) => match change {
            Change::Keys(changed) => {
                let is_free = |key: &ChangedKey| {
                    any.contains(&key.name.as_str()) || (!key.is_in_one && replaced.contains(&key.name.as_str()))
                };
                let fixed = changed.iter().filter(|key| !is_free(key));
                fixed.map(|key| problem(format!("{place}.{}", key.name), MESSAGE)).collect()
            }
            Change::Added(_) | Change::Removed(_) => whole(),
        },
    }
}

fn problem(path: String, message: &str) -> ReloadProblem {
    ReloadProblem { path, message: message.to_owned() }
}

/// A directory knows the applications that stand for connections from the start.
fn find_directory_clients(before: &Configuration, after: &Configuration) -> Option<ReloadProblem> {
    let clients = |config: &Configuration| {
        let sections = config.connections.iter().map(|section| &section.connection);
        let of_directories = sections.filter(|connection| connection.provider_kind == ProviderKind::Directory);
        let names = of_directories.map(|connection| {
            let Connection { identity_provider, holder, client_id, .. } = connection;
            [identity_provider.as_str(), holder.as_str(), client_id.as_str()].map(str::to_owned)
        });
        names.collect::<BTreeSet<_>>()
    };
    let message = "the connections whose users are those of a directory cannot change while the process runs: restart to \
                   apply";
    (clients(before) != clients(after)).then(|| problem("connections".to_owned(), message))
}
