#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
use std::sync::Arc;
use std::time::Duration;

use super::{FoundSession, NewSession, Session, SsoSessions};
use crate::domain::{
    ClockAndEntropy, Directory, EndedAtSignOut as _, ManagedBy, Secret, SignInMethod, SsoSettings, SystemEntropy,
    TenantId, UserKey,
};
use crate::records::Records;
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records, throwaway_replicas};
use crate::token_issuer::DirectoryKeyRing;

const ADA: &str = "6f0b8a52-0000-4000-8000-000000000001";
const BEN: &str = "6f0b8a52-0000-4000-8000-000000000002";

struct Rig {
    storage: ThrowawayRecords,
    store: Arc<GatedStore>,
    records: Records,
    keys: DirectoryKeyRing,
    sessions: SsoSessions,
    market: Directory,
    fair: Directory,
    settings: SsoSettings,
}

fn directory(tenant: &str) -> Directory {
    Directory {
        name: tenant.to_owned(),
        tenant: TenantId::new(tenant),
        issuer: format!("http://127.0.0.1:1/oauth/v4/{tenant}"),
        managed_by: ManagedBy::Api,
        absolute_lifetime_seconds: None,
        sdk_all_sessions: false,
        signing_key_lifetime_seconds: 86_400,
        administrators: Vec::new(),
        login_providers: Vec::new(),
        prompts_with_login_providers: false,
        own_applications: Vec::new(),
    }
}

async fn rig() -> Rig {
    let storage = throwaway_records();
    let store = GatedStore::new(storage.store.clone());
    let sealer = storage.sealer.clone();
    let records = Records::new(store.clone(), sealer, storage.shared_clock.clone());
    let ambient = ClockAndEntropy { clock: storage.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
    let (market, fair) = (directory("market"), directory("fair"));
    let keys = DirectoryKeyRing::open(&records, ambient.clone(), &[&market, &fair]).await.unwrap();
    let sessions = SsoSessions::new(&records, keys.clone(), ambient);
    let settings = SsoSettings { is_active: true, inactivity_timeout_seconds: 3600, ..SsoSettings::default() };
    Rig { storage, store, records, keys, sessions, market, fair, settings }
}

impl Rig {
    async fn begin(&self, replaced: &[&str]) -> (Session, Secret) {
        self.begin_for(ADA, None, replaced).await
    }

    async fn begin_for(&self, user_id: &str, browser_secret: Option<&str>, replaced: &[&str]) -> (Session, Secret) {
        let method = &SignInMethod::Password;
        let new = NewSession { user_id, ended_sessions: 3, method, browser: "Browser\n/1", browser_secret };
        self.sessions.begin(&self.market, &self.settings, new, replaced).await.unwrap().unwrap()
    }

    /// Finds the session of a browser with `browser_secret`.
    async fn find_in(&self, browser_secret: Option<&str>, cookies: &[&str]) -> Option<Session> {
        match self.sessions.find(&self.market, &self.settings, cookies, browser_secret).await.unwrap() {
            FoundSession::Live(session) => Some(*session),
            FoundSession::None => None,
        }
    }

    async fn find_under(&self, settings: &SsoSettings, cookies: &[&str]) -> Option<Session> {
        match self.sessions.find(&self.market, settings, cookies, None).await.unwrap() {
            FoundSession::Live(session) => Some(*session),
            FoundSession::None => None,
        }
    }

    async fn find(&self, cookie: &Secret) -> Option<Session> {
        self.find_under(&self.settings, &[cookie.expose()]).await
    }

    async fn list(&self, ended_sessions: u64) -> Vec<Session> {
        self.sessions.list(&self.market, &self.settings, ADA, ended_sessions).await.unwrap()
    }

    fn pass(&self, seconds: u64) {
        self.storage.clock.advance(Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_session_is_found_by_its_cookie_also_after_a_restart() {
    let rig = rig().await;
    let (session, cookie) = rig.begin(&[]).await;
    assert_eq!((session.user_id.as_str(), session.ended_sessions, session.browser.as_str()), (ADA, 3, "Browser/1"));
    assert_eq!(rig.find(&cookie).await, Some(session.clone()));
    let ambient = ClockAndEntropy { clock: rig.storage.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
    let restarted = SsoSessions::new(&rig.records, rig.keys.clone(), ambient);
    let found = restarted.find(&rig.market, &rig.settings, &[cookie.expose()], None).await.unwrap();
    assert!(matches!(found, FoundSession::Live(live) if *live == session));
}

#[tokio::test]
async fn a_tampered_cookie_or_one_of_another_directory_is_not_genuine_and_costs_no_read() {
    let rig = rig().await;
    let (_, cookie) = rig.begin(&[]).await;
    let text = cookie.expose();
    let reads = rig.store.reads.load(std::sync::atomic::Ordering::SeqCst);
    for at in 0..text.len() {
        let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
        let tampered = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        assert_eq!(rig.find_under(&rig.settings, &[&tampered]).await, None, "{at}");
    }
    for malformed in ["", ".", "..", &text[1..], &format!("{text}0"), &text.to_uppercase(), &text.replace('.', "-")] {
        assert_eq!(rig.find_under(&rig.settings, &[malformed]).await, None, "{malformed}");
    }
    let elsewhere = rig.sessions.find(&rig.fair, &rig.settings, &[text], None).await.unwrap();
    assert!(matches!(elsewhere, FoundSession::None));
    assert_eq!(rig.store.reads.load(std::sync::atomic::Ordering::SeqCst), reads);
}

#[tokio::test]
async fn inactivity_is_checked_against_the_present_setting_whether_shortened_or_lengthened() {
    let rig = rig().await;
    let (_, cookie) = rig.begin(&[]).await;
    let with = |inactivity_timeout_seconds| SsoSettings { inactivity_timeout_seconds, ..rig.settings.clone() };
    rig.pass(3599);
    assert!(rig.find(&cookie).await.is_some());
    assert_eq!(rig.find_under(&with(3000), &[cookie.expose()]).await, None, "shortened");
    rig.pass(1);
    assert_eq!(rig.find(&cookie).await, None);
    rig.pass(604_799 - 3600);
    let longest = with(SsoSettings::LONGEST_INACTIVITY_SECONDS);
    assert!(rig.find_under(&longest, &[cookie.expose()]).await.is_some(), "lengthened");
    rig.pass(1);
    assert_eq!(rig.find_under(&longest, &[cookie.expose()]).await, None);
}

#[tokio::test]
async fn a_use_begins_the_inactivity_anew_but_not_the_absolute_lifetime() {
    let mut rig = rig().await;
    rig.market.absolute_lifetime_seconds = Some(7000);
    let (session, cookie) = rig.begin(&[]).await;
    rig.pass(3500);
    rig.sessions.touch(&rig.market, &rig.settings, &session).await.unwrap();
    rig.pass(3499);
    let used = rig.find(&cookie).await.unwrap();
    assert_eq!((used.auth_time, used.id), (session.auth_time, session.id));
    assert!(used.last_used_at > session.last_used_at);
    rig.pass(1);
    assert_eq!(rig.find(&cookie).await, None, "the absolute lifetime has ended");
}

#[tokio::test]
async fn a_use_is_written_at_most_once_in_a_minute_or_a_twentieth_of_a_shorter_timeout() {
    let rig = rig().await;
    let (session, cookie) = rig.begin(&[]).await;
    let short = SsoSettings { inactivity_timeout_seconds: 100, ..rig.settings.clone() };
    rig.pass(4);
    rig.sessions.touch(&rig.market, &short, &session).await.unwrap();
    assert_eq!(rig.find(&cookie).await.unwrap().last_used_at, session.last_used_at);
    rig.pass(2);
    rig.sessions.touch(&rig.market, &rig.settings, &session).await.unwrap();
    assert_eq!(rig.find(&cookie).await.unwrap().last_used_at, session.last_used_at);
    rig.sessions.touch(&rig.market, &short, &session).await.unwrap();
    assert!(rig.find(&cookie).await.unwrap().last_used_at > session.last_used_at);
}

#[tokio::test]
async fn a_session_does_not_outlive_that_single_sign_on_was_switched_off() {
    let rig = rig().await;
    let (_, cookie) = rig.begin(&[]).await;
    let off = SsoSettings { is_active: false, ..rig.settings.clone() };
    assert_eq!(rig.find_under(&off, &[cookie.expose()]).await, None);
    let on_again = SsoSettings { switch_offs: 1, ..rig.settings.clone() };
    assert_eq!(rig.find_under(&on_again, &[cookie.expose()]).await, None);
}

#[tokio::test]
async fn of_several_cookies_the_genuine_one_that_was_used_last_counts() {
    let rig = rig().await;
    let (older, older_cookie) = rig.begin(&[]).await;
    rig.pass(120);
    let (newer, newer_cookie) = rig.begin(&[]).await;
    let cookies = [older_cookie.expose(), "planted", newer_cookie.expose()];
    assert_eq!(rig.find_under(&rig.settings, &cookies).await.unwrap().id, newer.id);
    rig.pass(120);
    rig.sessions.touch(&rig.market, &rig.settings, &older).await.unwrap();
    assert_eq!(rig.find_under(&rig.settings, &cookies).await.unwrap().id, older.id);
}

#[tokio::test]
async fn a_sign_in_ends_the_session_that_the_browser_had_and_draws_a_new_id() {
    let rig = rig().await;
    let (first, cookie) = rig.begin(&[]).await;
    let (second, new_cookie) = rig.begin(&[cookie.expose(), "planted"]).await;
    assert_ne!((&first.id, cookie.expose()), (&second.id, new_cookie.expose()));
    assert_eq!((rig.find(&cookie).await, rig.find(&new_cookie).await), (None, Some(second)));
}

#[tokio::test]
async fn an_ended_session_stays_ended_although_a_use_was_being_noted() {
    let rig = rig().await;
    let (session, cookie) = rig.begin(&[]).await;
    rig.pass(120);
    let gate = rig.store.hold_next_get();
    let (sessions, market, settings) = (rig.sessions.clone(), rig.market.clone(), rig.settings.clone());
    let noted = session.clone();
    let touch = tokio::spawn(async move { sessions.touch(&market, &settings, &noted).await });
    gate.reached().await;
    assert!(rig.sessions.end(&rig.market.tenant, &session.id).await.unwrap());
    gate.open();
    touch.await.unwrap().unwrap();
    assert_eq!(rig.find(&cookie).await, None);
    assert!(!rig.sessions.end(&rig.market.tenant, &session.id).await.unwrap(), "it has ended before");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_session_immortal() {
    let rig = rig().await;
    rig.pass(86_400);
    let (session, cookie) = rig.begin(&[]).await;
    rig.storage.clock.set_back(Duration::from_mins(1));
    let found = rig.find(&cookie).await.unwrap();
    assert!(found.last_used_at < session.last_used_at, "a last use is never later than now");
    rig.storage.clock.set_back(Duration::from_mins(1439));
    assert_eq!(rig.find(&cookie).await, None);
}

#[tokio::test]
async fn a_list_has_the_live_sessions_of_the_user_newest_first_and_removes_ended_ones() {
    let rig = rig().await;
    let (_, ended) = rig.begin(&[]).await;
    rig.pass(3000);
    let (first, _) = rig.begin(&[]).await;
    rig.pass(1000);
    let (second, cookie) = rig.begin(&[]).await;
    assert_eq!(rig.list(2).await, [], "a number that was read before the sessions began hides and removes nothing");
    assert_eq!(rig.list(3).await, [second, first]);
    let longer = SsoSettings { inactivity_timeout_seconds: 86_400, ..rig.settings.clone() };
    assert_eq!(rig.find_under(&longer, &[ended.expose()]).await, None, "its record was removed");
    assert_eq!(rig.list(4).await, []);
    assert_eq!(rig.find(&cookie).await, None, "all sessions of the user had been ended");
}

#[tokio::test]
async fn on_https_a_session_is_that_of_one_browser_although_another_has_its_genuine_cookie() {
    let mut rig = rig().await;
    rig.market.issuer = "https://sso.example/oauth/v4/market".to_owned();
    let (own, others) = ("0".repeat(64), "1".repeat(64));
    let (session, cookie) = rig.begin_for(ADA, Some(&own), &[]).await;
    rig.pass(120);
    let (_, planted) = rig.begin_for(BEN, Some(&others), &[]).await;
    let cookies = [planted.expose(), cookie.expose()];
    assert_eq!(rig.find_in(Some(&own), &cookies).await, Some(session), "the one used last is another browser's");
    for secret in [None, Some(own.as_str())] {
        assert_eq!(rig.find_in(secret, &cookies[..1]).await, None, "{secret:?}");
    }
    let (_, unbound) = rig.begin_for(ADA, None, &[]).await;
    for secret in [None, Some(own.as_str())] {
        assert_eq!(rig.find_in(secret, &[unbound.expose()]).await, None, "a session of no browser, {secret:?}");
    }
}

#[tokio::test]
async fn of_sessions_of_several_users_that_are_bound_to_no_browser_none_is_chosen() {
    let rig = rig().await;
    let ((_, of_ada), (_, of_ben)) = (rig.begin(&[]).await, rig.begin_for(BEN, None, &[]).await);
    assert_eq!(rig.find_in(None, &[of_ada.expose(), of_ben.expose()]).await, None);
    assert!(rig.find_in(None, &[of_ada.expose()]).await.is_some());
}

#[tokio::test]
async fn a_sign_out_everywhere_removes_the_sessions_of_its_user_and_of_no_other() {
    let rig = rig().await;
    let (mine, of_ben) = (rig.begin(&[]).await.1, rig.begin_for(BEN, None, &[]).await.1);
    rig.begin(&[]).await;
    assert_eq!(rig.sessions.end_for_user(&UserKey::of_directory("fair", ADA)).await.unwrap(), 0);
    assert_eq!(rig.sessions.end_for_user(&UserKey::of_directory("market", ADA)).await.unwrap(), 2);
    assert_eq!(rig.find_in(None, &[mine.expose()]).await, None);
    assert!(rig.find_in(None, &[of_ben.expose()]).await.is_some());
    assert_eq!(rig.sessions.end_for_user(&UserKey::of_directory("market", ADA)).await.unwrap(), 0, "none is left");
}

#[tokio::test]
async fn a_session_is_found_used_and_ended_at_every_replica() {
    let shared = throwaway_replicas(2).await;
    let market = directory("market");
    let settings = SsoSettings { is_active: true, inactivity_timeout_seconds: 3600, ..SsoSettings::default() };
    let ambient = ClockAndEntropy { clock: shared.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
    let mut replicas = Vec::new();
    for records in &shared.replicas {
        let keys = DirectoryKeyRing::open(records, ambient.clone(), &[&market]).await.unwrap();
        replicas.push(SsoSessions::new(records, keys, ambient.clone()));
    }
    let new = NewSession {
        user_id: ADA,
        ended_sessions: 0,
        method: &SignInMethod::Password,
        browser: "",
        browser_secret: None,
    };
    let (session, cookie) = replicas[0].begin(&market, &settings, new, &[]).await.unwrap().unwrap();
    let find = async |replica: usize| match replicas[replica]
        .find(&market, &settings, &[cookie.expose()], None)
        .await
        .unwrap()
    {
        FoundSession::Live(session) => Some(*session),
        FoundSession::None => None,
    };
    for replica in [0, 1, 0] {
        shared.clock.advance(Duration::from_mins(50));
        let found = find(replica).await.expect("each replica sees the uses at the other one");
        assert_eq!(found.id, session.id);
        replicas[replica].touch(&market, &settings, &found).await.unwrap();
    }
    assert_eq!(replicas[1].list(&market, &settings, ADA, 0).await.unwrap().len(), 1);
    assert!(replicas[0].end(&market.tenant, &session.id).await.unwrap());
    assert_eq!(find(1).await, None);
    assert!(!replicas[1].end(&market.tenant, &session.id).await.unwrap(), "it was ended already");
}
