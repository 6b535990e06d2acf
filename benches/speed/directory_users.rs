use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bot_sso::accounts::{DirectoryUsers, HashParameters, PasswordHasher, UserProfile};
use bot_sso::domain::{
    ClockAndEntropy, Directory, DirectorySettings, ManagedBy, Secret, SignInMethod, SystemClock, SystemEntropy,
    TenantId, UserEmail, UserNames, UserStatus,
};
use bot_sso::sessions::{NewSession, SsoSessions};
use bot_sso::token_issuer::DirectoryKeyRing;
use futures_util::StreamExt;
use futures_util::stream;

use crate::directory::{TENANT, list_users, sections};
use crate::processes::{Process, Run, free_port};
use crate::setting::write_configuration;
use crate::users::{child, in_runtime, records};

/// Users that are created at the same time: fewer than may wait for a hash.
const CONCURRENT_CREATIONS: usize = 48;

/// Fills a directory with `count` users, each of whom has a session, starts bot-sso with it, and reads a page of the user list;
/// prints the cost of each step. A process of its own fills the store, so that its memory is not counted.
pub fn run(server: &Path, directory: &Path, count: usize) {
    let port = free_port();
    write_configuration(directory, port, 9, &sections());
    child(&["load-directory", directory.to_str().unwrap(), &count.to_string()]);
    let file = std::fs::metadata(directory.join("bot-sso.db")).unwrap().len();
    println!("{count} users and sessions: {:.0} MB on disk, {} bytes each", file as f64 / 1e6, file / count as u64);
    let (process, started) = Process::bot_sso(server, directory, port, Run::OnMeasuredCore);
    std::thread::sleep(Duration::from_secs(2));
    let resident = process.resident() as f64 / 1e6;
    println!("{count} users and sessions: bot-sso listens after {} ms, resident {resident:.1} MB", started.as_millis());
    for which in ["first", "second"] {
        let took = list_users(port);
        let resident = process.resident() as f64 / 1e6;
        println!(
            "{count} users: the {which} page of 100 takes {} ms, resident {resident:.1} MB then",
            took.as_millis()
        );
    }
}

/// Creates `count` users and sessions as the doors do. The hashes are cheap ones, which no sign-in of this bench checks.
pub fn load(directory: &Path, count: usize) {
    in_runtime(async {
        let (records, ambient) = (records(directory).await, ambient());
        let hasher = PasswordHasher::start(HashParameters { memory_kib: 8, passes: 1 }, ambient.entropy.clone());
        let users = DirectoryUsers::new(&records, hasher, ambient.clone());
        let of_bench = directory_of_bench();
        let keys = DirectoryKeyRing::open(&records, ambient.clone(), &[&of_bench]).await.unwrap();
        let sessions = SsoSessions::new(&records, keys, ambient);
        let (settings, begun) = (DirectorySettings::default(), Instant::now());
        let creating = stream::iter(0..count).map(async |number| {
            let password = Secret::from("a-long-password-of-the-bench");
            let user = users.create(&of_bench.tenant, &settings, profile(number), &password).await.unwrap();
            let new = NewSession {
                user_id: &user.id,
                ended_sessions: 0,
                browser: "Mozilla/5.0 (X11; Linux x86_64)",
                method: &SignInMethod::Password,
                browser_secret: None,
            };
            sessions.begin(&of_bench, &settings.sso, new, &[]).await.unwrap().unwrap();
        });
        creating.buffer_unordered(CONCURRENT_CREATIONS).for_each(|()| std::future::ready(())).await;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{count} users and sessions: stored in {seconds:.1} s, {:.0} a second", count as f64 / seconds);
    });
}

fn ambient() -> ClockAndEntropy {
    ClockAndEntropy { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
}

fn directory_of_bench() -> Directory {
    Directory {
        name: TENANT.to_owned(),
        tenant: TenantId::new(TENANT),
        issuer: format!("http://127.0.0.1/oauth/v4/{TENANT}"),
        managed_by: ManagedBy::Api,
        absolute_lifetime_seconds: None,
        sdk_all_sessions: false,
        signing_key_lifetime_seconds: 90 * 86_400,
        administrators: Vec::new(),
        login_providers: Vec::new(),
        prompts_with_login_providers: false,
        own_applications: Vec::new(),
    }
}

fn profile(number: usize) -> UserProfile {
    UserProfile {
        user_name: None,
        emails: vec![UserEmail { value: format!("ada.example.{number:06}@contoso.example"), primary: true }],
        names: UserNames { display: Some(format!("Ada Example {number:06}")), given: None, family: None },
        active: Some(true),
        status: Some(UserStatus::Confirmed),
    }
}
