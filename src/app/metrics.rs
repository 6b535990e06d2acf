use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keys::NamedKeySet;
use crate::config::Configuration;
use crate::domain::{Clock, ExchangeObservation, HolderName};
use crate::observability::{BotNames, Metrics, ServedNames};

/// Makes the metrics of the process. The names of bots, connections and skills are those of the configuration. Add-ins, back
/// ends and apps count as bots do, under their names as holders.
pub(super) fn build_metrics(
    config: &Configuration,
    clock: &dyn Clock,
    observation: ExchangeObservation,
) -> Arc<Metrics> {
    let metrics = Metrics::new(&name_served(config), clock.now(), observation);
    if config.store.file().is_some() {
        let read = read_store_size(config);
        metrics.show_store_size(move || read().unwrap_or(0));
    }
    Arc::new(metrics)
}

/// The names in `config` that labels have.
pub(super) fn name_served(config: &Configuration) -> ServedNames {
    let names = |holder: HolderName| BotNames {
        bot: holder.as_str().to_owned(),
        connections: config
            .connections
            .iter()
            .filter(|section| section.connection.holder == holder)
            .map(|section| section.connection.name.as_str().to_owned())
            .collect(),
    };
    let bots = config.bots.iter().map(|bot| HolderName::from(&bot.name));
    let add_ins = config.add_ins.iter().map(|section| HolderName::from(&section.add_in.name));
    let back_ends = config.back_ends.iter().map(|section| HolderName::from(&section.back_end.name));
    let apps = config.apps.iter().map(|section| HolderName::from(&section.app.id));
    ServedNames {
        bots: bots.chain(add_ins).chain(back_ends).chain(apps).map(names).collect(),
        skills: config.skills.iter().map(|skill| skill.name.as_str().to_owned()).collect(),
        directories: config.directories.iter().map(|section| section.directory.name.clone()).collect(),
    }
}

/// Shows how often each key set was fetched.
pub(super) fn show_key_sets(metrics: &Metrics, key_sets: &[NamedKeySet]) {
    for NamedKeySet { name, keys } in key_sets {
        let keys = Arc::clone(keys);
        metrics.show_key_set(name, move || keys.fetch_counts());
    }
}

/// Reads the size of the store's files in bytes; `None` if the store is a server's.
pub(super) fn read_store_size(config: &Configuration) -> impl Fn() -> Option<u64> + Send + Sync + use<> {
    let files = config.store.file().map(|file| store_files(&file.path));
    move || {
        let sizes = files.as_ref()?.iter().filter_map(|file| std::fs::metadata(file).ok());
        Some(sizes.map(|about| about.len()).sum())
    }
}

/// The database, its log of writes, and the index of that log.
fn store_files(path: &Path) -> Vec<PathBuf> {
    let beside = |suffix: &str| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    };
    ["", "-wal", "-shm"].map(beside).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::build_metrics;
    use crate::config::{Environment, parse};
    use crate::domain::{ExchangeObservation, SystemClock, SystemEntropy};
    use crate::observability::{ExchangeOutcome, MetricsFormat};
    use crate::sealing::KeyRing;

    #[test]
    fn add_ins_back_ends_and_apps_are_counted_under_their_names_as_holders() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("bot-sso.keys");
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&keys).unwrap();
        let text = format!("{}\n[keys]\nfile = {keys:?}\n", include_str!("../../fixtures/config/add_in.toml"));
        let environment = Environment::of([("GRAPH_CLIENT_SECRET", "secret"), ("FILES_SECRET", "secret")]);
        let config = parse(&text, &environment).unwrap();
        let metrics = build_metrics(&config, &SystemClock, ExchangeObservation::default());
        for (holder, connection) in [("add-in/files", "files"), ("back-end/orders", "files"), ("app/app1", "graph")] {
            metrics.counters().exchanges.add(holder, Some(connection), ExchangeOutcome::Kept);
            let rendered = metrics.render(MetricsFormat::Prometheus).unwrap();
            let labels = format!("bot_sso_exchanges_total{{bot=\"{holder}\",connection=\"{connection}\",");
            let counted = |line: &&str| line.starts_with(&labels) && line.ends_with(" 1");
            assert_eq!(rendered.lines().filter(counted).count(), 1, "{labels}\n{rendered}");
        }
    }
}
