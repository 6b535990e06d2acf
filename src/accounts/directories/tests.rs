#![allow(clippy::unwrap_used)]
use std::convert::Infallible;
use std::sync::atomic::Ordering;

use super::{Directories, FirstDirectory, SettingsChangeError};
use crate::domain::{
    Application, ApplicationKind, Directory, DirectorySettings, IdentityField, ManagedBy, SecretHash, TenantId,
};
use crate::records::Records;
use crate::records::testing::{GatedStore, throwaway_records};

pub(super) fn directory(tenant: &str, managed_by: ManagedBy) -> Directory {
    Directory {
        name: format!("name of {tenant}"),
        tenant: TenantId::new(tenant),
        issuer: format!("http://127.0.0.1/oauth/v4/{tenant}"),
        managed_by,
        absolute_lifetime_seconds: None,
        sdk_all_sessions: false,
        signing_key_lifetime_seconds: 86_400,
        administrators: Vec::new(),
        login_providers: Vec::new(),
        prompts_with_login_providers: false,
        own_applications: Vec::new(),
    }
}

pub(super) fn application(client_id: &str) -> Application {
    Application {
        client_id: client_id.to_owned(),
        name: "Web shop".to_owned(),
        kind: ApplicationKind::RegularWebApp,
        secrets: vec![SecretHash::of("one"), SecretHash::of("two")],
        redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
        assertion_key: Some("-----BEGIN PUBLIC KEY-----".to_owned()),
        backchannel_logout_uri: None,
    }
}

/// Opens the directory `shop` with these first settings.
pub(super) async fn open(records: &Records, managed_by: ManagedBy, settings: &DirectorySettings) -> Directories {
    let first = FirstDirectory { directory: directory("shop", managed_by), settings: settings.clone() };
    Directories::open(records, vec![first]).await.unwrap()
}

pub(super) fn settings_of(directories: &Directories) -> DirectorySettings {
    directories.find("shop").unwrap().settings.clone()
}

pub(super) fn with_sso(is_active: bool) -> DirectorySettings {
    let mut settings = DirectorySettings::default();
    settings.sso.is_active = is_active;
    settings
}

pub(super) fn shop() -> TenantId {
    TenantId::new("shop")
}

pub(super) async fn switch(directories: &Directories, is_active: bool) {
    let change = |settings: &mut DirectorySettings| {
        settings.sso.is_active = is_active;
        Ok::<_, Infallible>(())
    };
    directories.change(&shop(), change).await.unwrap();
}

#[tokio::test]
async fn a_change_is_in_effect_at_once_and_after_a_restart_in_place_of_the_first_settings() {
    let (storage, first) = (throwaway_records(), DirectorySettings::default());
    let directories = open(&storage.records, ManagedBy::Api, &first).await;
    assert_eq!(settings_of(&directories), first);
    let before = directories.find("shop").unwrap();
    let tenant = TenantId::new("shop");
    let changed = directories.change(&tenant, |settings| {
        settings.applications =
            vec![application("a"), Application { kind: ApplicationKind::SinglePageApp, ..application("b") }];
        settings.redirect_uris.push("https://app.example/*".to_owned());
        settings.identity_field = IdentityField::UserName;
        settings.passwords.reuse = Some(3);
        settings.tokens.access_seconds = 300;
        settings.sso.inactivity_timeout_seconds = 1;
        Ok::<_, Infallible>(settings.clone())
    });
    let changed = changed.await.unwrap();
    assert_eq!(settings_of(&directories), changed);
    assert_eq!(before.settings, first, "a request goes on with the settings with which it began");
    let restarted = open(&storage.reopened(), ManagedBy::Api, &first).await;
    assert_eq!(settings_of(&restarted), changed);
    assert!(settings_of(&restarted).find_application("a").unwrap().secrets.iter().any(|hash| hash.matches("two")));
}

#[tokio::test]
async fn a_directory_is_found_by_its_exact_tenant_id_and_listed_by_name() {
    let storage = throwaway_records();
    let first = ["b", "a"].map(|tenant| FirstDirectory {
        directory: directory(tenant, ManagedBy::Api),
        settings: DirectorySettings::default(),
    });
    let directories = Directories::open(&storage.records, first.into()).await.unwrap();
    for (tenant, is_found) in [("a", true), ("b", true), ("A", false), ("", false), ("a/", false), ("name of a", false)]
    {
        assert_eq!(directories.find(tenant).is_some(), is_found, "{tenant}");
    }
    let names: Vec<_> = directories.list().iter().map(|view| view.directory.name.clone()).collect();
    assert_eq!(names, ["name of a", "name of b"]);
    let tenant = TenantId::new("a");
    let switched = directories.change(&tenant, |settings| {
        settings.sso.is_active = true;
        Ok::<_, Infallible>(())
    });
    switched.await.unwrap();
    assert!(!directories.find("b").unwrap().settings.sso.is_active, "a change is one of one directory");
}

#[tokio::test]
async fn sessions_of_before_a_switch_off_have_ended_also_when_single_sign_on_is_on_again() {
    let storage = throwaway_records();
    let directories = open(&storage.records, ManagedBy::Api, &with_sso(true)).await;
    let mut numbers = vec![settings_of(&directories).sso.switch_offs];
    for is_active in [true, false, false, true, false] {
        switch(&directories, is_active).await;
        numbers.push(settings_of(&directories).sso.switch_offs);
    }
    assert_eq!(numbers, [0, 0, 1, 1, 1, 2]);
    let tenant = TenantId::new("shop");
    let reset = directories.change(&tenant, |settings| {
        settings.sso = with_sso(true).sso;
        Ok::<_, Infallible>(())
    });
    reset.await.unwrap();
    assert_eq!(settings_of(&directories).sso.switch_offs, 2, "a change cannot set the number");
}

#[tokio::test]
async fn a_file_that_manages_a_directory_decides_at_each_start_and_its_switch_offs_are_counted() {
    let storage = throwaway_records();
    let mut numbers = Vec::new();
    for is_active in [true, false, true, true, false, true] {
        let directories = open(&storage.reopened(), ManagedBy::File, &with_sso(is_active)).await;
        let settings = settings_of(&directories);
        assert_eq!(settings.sso.is_active, is_active);
        numbers.push(settings.sso.switch_offs);
        let tenant = TenantId::new("shop");
        let change = directories.change(&tenant, |_| Ok::<_, Infallible>(()));
        assert!(matches!(change.await, Err(SettingsChangeError::ManagedByFile)));
    }
    assert_eq!(numbers, [0, 1, 1, 1, 2, 2]);
    let handed_over = open(&storage.reopened(), ManagedBy::Api, &DirectorySettings::default()).await;
    assert!(settings_of(&handed_over).sso.is_active, "the API begins with what the file said last");
    switch(&handed_over, false).await;
    let back = open(&storage.reopened(), ManagedBy::File, &with_sso(true)).await;
    assert_eq!(settings_of(&back).sso.switch_offs, 3);
}

#[tokio::test]
async fn settings_stay_as_they_were_if_the_change_refuses_or_the_store_fails() {
    let storage = throwaway_records();
    let store = GatedStore::new(storage.store.clone());
    let records = Records::new(store.clone(), storage.sealer.clone(), storage.shared_clock.clone());
    let directories = open(&records, ManagedBy::Api, &DirectorySettings::default()).await;
    let tenant = TenantId::new("shop");
    let refused = directories.change(&tenant, |settings| {
        settings.sso.is_active = true;
        Err::<(), _>("no")
    });
    assert!(matches!(refused.await, Err(SettingsChangeError::Refused("no"))));
    store.puts_fail.store(true, Ordering::SeqCst);
    let failed = directories.change(&tenant, |settings| {
        settings.sso.is_active = true;
        Ok::<_, Infallible>(())
    });
    assert!(matches!(failed.await, Err(SettingsChangeError::Store(_))));
    assert_eq!(settings_of(&directories), DirectorySettings::default());
    store.puts_fail.store(false, Ordering::SeqCst);
    switch(&directories, true).await;
    assert!(settings_of(&open(&storage.reopened(), ManagedBy::Api, &DirectorySettings::default()).await).sso.is_active);
}

#[tokio::test]
async fn a_change_has_no_effect_before_it_is_stored_and_the_next_one_builds_on_it() {
    let storage = throwaway_records();
    let store = GatedStore::new(storage.store.clone());
    let records = Records::new(store.clone(), storage.sealer.clone(), storage.shared_clock.clone());
    let directories = open(&records, ManagedBy::Api, &DirectorySettings::default()).await;
    let gate = store.hold_next_put();
    let add = async |client_id: &str| {
        let change = |settings: &mut DirectorySettings| {
            settings.applications.push(application(client_id));
            Ok::<_, Infallible>(())
        };
        directories.change(&shop(), change).await.unwrap();
    };
    tokio::join!(add("a"), add("b"), async {
        gate.reached().await;
        assert_eq!(settings_of(&directories).applications.len(), 0);
        gate.open();
    });
    assert_eq!(settings_of(&directories).applications.len(), 2);
}

#[tokio::test]
async fn a_directory_has_at_most_200_applications() {
    let (storage, tenant) = (throwaway_records(), TenantId::new("shop"));
    let many = |count: usize| (0..count).map(|number| application(&number.to_string())).collect::<Vec<_>>();
    let first =
        DirectorySettings { applications: many(DirectorySettings::MAX_APPLICATIONS), ..DirectorySettings::default() };
    let directories = open(&storage.records, ManagedBy::Api, &first).await;
    let add = |settings: &mut DirectorySettings| {
        settings.applications.push(application("one more"));
        Ok::<_, Infallible>(())
    };
    assert!(matches!(directories.change(&tenant, add).await, Err(SettingsChangeError::TooManyApplications)));
    switch(&directories, true).await;
}

#[tokio::test]
async fn the_lists_of_a_directory_have_at_most_2000_addresses_together() {
    let (storage, tenant) = (throwaway_records(), TenantId::new("shop"));
    let uris = |count: usize| (0..count).map(|number| format!("https://a.example/{number}")).collect::<Vec<_>>();
    let with_uris = |number: usize| Application { redirect_uris: uris(200), ..application(&number.to_string()) };
    let first = DirectorySettings {
        redirect_uris: uris(199),
        applications: (0..9).map(with_uris).collect(),
        ..DirectorySettings::default()
    };
    let directories = open(&storage.records, ManagedBy::Api, &first).await;
    let add = async |uri: &str| {
        let change = |settings: &mut DirectorySettings| {
            settings.sso.logout_redirect_uris.push(uri.to_owned());
            Ok::<_, Infallible>(())
        };
        directories.change(&tenant, change).await
    };
    assert!(add("https://a.example/the-last").await.is_ok());
    assert!(matches!(add("https://a.example/one-more").await, Err(SettingsChangeError::TooManyAddresses)));
}

#[tokio::test]
async fn a_directory_that_does_not_exist_cannot_be_changed() {
    let storage = throwaway_records();
    let directories = open(&storage.records, ManagedBy::Api, &DirectorySettings::default()).await;
    let tenant = TenantId::new("other");
    let change = directories.change(&tenant, |_| Ok::<_, Infallible>(()));
    assert!(matches!(change.await, Err(SettingsChangeError::ManagedByFile)));
}
