#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::join_all;

use super::tests::{application, directory, open, settings_of, shop, switch, with_sso};
use super::{Directories, FirstDirectory, SettingsChangeError};
use crate::domain::{DirectorySettings, ManagedBy};
use crate::records::testing::throwaway_replicas;

/// Waits until `directories` have settings as `is_expected` says.
async fn wait_for(directories: &Directories, is_expected: impl Fn(&DirectorySettings) -> bool) {
    while !is_expected(&settings_of(directories)) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn add(directories: &Directories, client_id: &str) {
    let change = |settings: &mut DirectorySettings| {
        settings.applications.push(application(client_id));
        Ok::<_, Infallible>(())
    };
    directories.change(&shop(), change).await.unwrap();
}

#[tokio::test]
async fn what_one_replica_changes_has_an_effect_on_the_other() {
    let beneath = throwaway_replicas(2).await;
    let first = DirectorySettings::default();
    let here = open(&beneath.replicas[0], ManagedBy::Api, &first).await;
    let there = open(&beneath.replicas[1], ManagedBy::Api, &first).await;
    switch(&here, true).await;
    wait_for(&there, |settings| settings.sso.is_active).await;
    switch(&there, false).await;
    wait_for(&here, |settings| settings.sso.switch_offs == 1).await;
    assert!(!there.find_stored("other").await.unwrap().is_some_and(|_| true));
}

#[tokio::test]
async fn what_another_replica_has_changed_just_now_is_found_in_the_store() {
    let beneath = throwaway_replicas(2).await;
    let first = DirectorySettings::default();
    let here = open(&beneath.replicas[0], ManagedBy::Api, &first).await;
    let there = open(&beneath.replicas[1], ManagedBy::Api, &first).await;
    for is_active in [true, false, true, false] {
        switch(&here, is_active).await;
        let found = there.find_stored("shop").await.unwrap().unwrap();
        assert_eq!(found.settings.sso.is_active, is_active);
    }
}

#[tokio::test]
async fn changes_of_several_replicas_at_once_build_on_each_other() {
    let beneath = throwaway_replicas(2).await;
    let first = DirectorySettings::default();
    let here = open(&beneath.replicas[0], ManagedBy::Api, &first).await;
    let there = open(&beneath.replicas[1], ManagedBy::Api, &first).await;
    tokio::join!(add(&here, "a"), add(&there, "b"), add(&here, "c"), add(&there, "d"));
    let found = here.find_stored("shop").await.unwrap().unwrap();
    let added: HashSet<_> = found.settings.applications.iter().map(|added| added.client_id.as_str()).collect();
    assert_eq!(added, HashSet::from(["a", "b", "c", "d"]));
}

#[tokio::test]
async fn replicas_that_start_at_the_same_time_agree_on_the_first_settings() {
    let beneath = throwaway_replicas(3).await;
    let opened = beneath.replicas.iter().enumerate().map(|(number, records)| async move {
        let mut settings = DirectorySettings::default();
        settings.tokens.access_seconds = 300 + u32::try_from(number).unwrap();
        let first = FirstDirectory { directory: directory("shop", ManagedBy::Api), settings };
        Directories::open(records, vec![first]).await.unwrap()
    });
    let seconds: HashSet<_> =
        join_all(opened).await.iter().map(|opened| settings_of(opened).tokens.access_seconds).collect();
    assert_eq!(seconds.len(), 1, "{seconds:?}");
}

#[tokio::test]
async fn the_file_of_each_replica_decides_where_it_manages_a_directory_and_switch_offs_are_counted_once() {
    let beneath = throwaway_replicas(2).await;
    let before = open(&beneath.replicas[0], ManagedBy::File, &with_sso(true)).await;
    let restarted = join_all(
        beneath.replicas.iter().map(|records| async { open(records, ManagedBy::File, &with_sso(false)).await }),
    );
    for directories in restarted.await {
        assert_eq!(settings_of(&directories).sso.switch_offs, 1);
        let changed = directories.change(&shop(), |_| Ok::<_, Infallible>(())).await;
        assert!(matches!(changed, Err(SettingsChangeError::ManagedByFile)));
    }
    assert!(settings_of(&before).sso.is_active);
}
