use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keys::NamedKeySet;
use crate::config::Configuration;
use crate::domain::{Clock, ExchangeObservation, HolderName};
use crate::observability::{BotNames, Metrics};

/// Makes the metrics of the process. The names of bots, connections and skills are those of the configuration. Add-ins, back
/// ends and apps count as bots do, under their names as holders.
pub(super) fn build_metrics(
    config: &Configuration,
    clock: &dyn Clock,
    observation: ExchangeObservation,
) -> Arc<Metrics> {
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
    let bots: Vec<BotNames> = bots.chain(add_ins).chain(back_ends).chain(apps).map(names).collect();
    let skills: Vec<String> = config.skills.iter().map(|skill| skill.name.as_str().to_owned()).collect();
    let metrics = Metrics::new(&bots, &skills, clock.now(), observation);
    let files = store_files(&config.store.path);
    metrics.show_store_size(move || {
        files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|about| about.len()).sum()
    });
    Arc::new(metrics)
}

/// Shows how often each key set was fetched.
pub(super) fn show_key_sets(metrics: &Metrics, key_sets: &[NamedKeySet]) {
    for NamedKeySet { name, keys } in key_sets {
        let keys = Arc::clone(keys);
        metrics.show_key_set(name, move || keys.fetch_counts());
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
