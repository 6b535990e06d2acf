use std::path::Path;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use crate::load::{Load, Template};
use crate::mixes::{LoadedServer, machine};
use crate::processes::{Process, RedisServer, Run, free_port, leave_measured_core};
use crate::setting::{SERVICE_URL, User, write_configuration};
use crate::signing::Signer;
use crate::table::Row;
use crate::users::{REDIS_URL, child};

/// The users whose tokens are read from the store, as far as there are so many.
const READ_USERS: usize = 20_000;
/// The new users who sign in.
const NEW_USERS: usize = 3000;
/// The requests that are made at a time, when all users are signed in.
const CHUNK: usize = 20_000;

/// What a store with `users` costs.
struct Growth {
    users: usize,
    on_disk: u64,
    listens: Duration,
    first_answer: Duration,
    idle: u64,
    read: Row,
    cold: Row,
    /// Resident memory after every user's token has been asked for.
    all_signed_in: u64,
}

/// Fills a store with each number of users, starts bot-sso with it, and prints what start-up, memory and requests cost.
/// With `in_redis` the store is a Redis that appends to its file every second, else the embedded one.
pub fn run(server: &Path, directory: &Path, counts: &[usize], in_redis: bool) {
    leave_measured_core();
    let measure = |users: &usize| {
        let own = directory.join(users.to_string());
        let growth = measure(server, &own, *users, in_redis);
        let _ = std::fs::remove_dir_all(own);
        growth
    };
    let all: Vec<Growth> = counts.iter().map(measure).collect();
    println!(
        "\n{}; a read is `GetToken` of a user who is not in memory.\n\n\
         | users | MB on disk | listens after ms | first answer after ms | idle MB | read: CPU µs | p99 ms | cold: CPU µs | p99 ms \
         | MB, all signed in |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        machine()
    );
    for growth in &all {
        let ([_, read_p99, _], [_, cold_p99, _]) = (growth.read.percentiles(), growth.cold.percentiles());
        println!(
            "| {} | {:.0} | {} | {} | {:.1} | {:.1} | {read_p99:.2} | {:.1} | {cold_p99:.2} | {:.1} |",
            growth.users,
            growth.on_disk as f64 / 1e6,
            growth.listens.as_millis(),
            growth.first_answer.as_millis(),
            growth.idle as f64 / 1e6,
            growth.read.cpu(),
            growth.cold.cpu(),
            growth.all_signed_in as f64 / 1e6,
        );
    }
    if let [first, .., last] = all.as_slice() {
        println!(
            "\nFrom {} to {} users the CPU time of a read changes by {:+.1} %, and that of *cold* by {:+.1} %.",
            first.users,
            last.users,
            100.0 * (last.read.cpu() / first.read.cpu() - 1.0),
            100.0 * (last.cold.cpu() / first.cold.cpu() - 1.0),
        );
    }
}

fn measure(server: &Path, directory: &Path, users: usize, in_redis: bool) -> Growth {
    let redis = in_redis.then(|| RedisServer::start(&directory.join("redis")));
    let store = redis.as_ref().map_or_else(String::new, |redis| format!("[store]\nurl = \"{}\"\n", redis.url()));
    std::fs::create_dir_all(directory).unwrap();
    let signer = Signer::create(directory);
    let path = directory.to_str().unwrap();
    let (identity, port) = (Process::part(&["identity-side", path], Run::OnOtherCore), free_port());
    write_configuration(directory, port, identity.port, &store);
    if let Some(redis) = &redis {
        std::fs::write(directory.join(REDIS_URL), redis.url()).unwrap();
    }
    child(&["load-users", path, &users.to_string()]);
    let on_disk = match &redis {
        Some(_) => std::fs::read_dir(directory.join("redis/appendonlydir")).unwrap().map(size_of_entry).sum(),
        None => std::fs::metadata(directory.join("bot-sso.db")).unwrap().len(),
    };
    if let Some(redis) = &redis {
        println!("{users} users: redis-server has {:.0} MB resident", redis.resident() as f64 / 1e6);
    }
    let begun = Instant::now();
    let (process, listens) = Process::bot_sso(server, directory, port, Run::OnMeasuredCore);
    let bot_token = signer.bot_token();
    let get_tokens = |numbers: &mut dyn Iterator<Item = usize>| -> Vec<Template> {
        numbers.map(|number| Template::get_token(User(number), &bot_token)).collect()
    };
    let first = get_tokens(&mut (0..1));
    Load { templates: &first, from: 1, requests: 1, in_copies: false }.run(&[port]);
    let first_answer = begun.elapsed();
    std::thread::sleep(Duration::from_secs(2));
    let idle = process.resident();
    let mut server = LoadedServer { identity_port: identity.port, next_id: 1, processes: from_ref(&process) };
    server.measure(&mut Row::new("warming"), &first, 5000, false);
    let mut read = Row::new("read");
    // The first user is in memory already.
    let sample = get_tokens(&mut (1..users).step_by((users / READ_USERS).max(1)));
    server.measure(&mut read, &sample, sample.len() as u64, false);
    let cold = measure_cold(&mut server, &signer, users);
    for begin in (0..users).step_by(CHUNK) {
        let chunk = get_tokens(&mut (begin..users.min(begin + CHUNK)));
        server.measure(&mut Row::new("signing in"), &chunk, chunk.len() as u64, false);
    }
    let all_signed_in = process.resident();
    drop(process);
    child(&["hold-users", path, &users.to_string()]);
    Growth { users, on_disk, listens, first_answer, idle, read, cold, all_signed_in }
}

/// Signs in users whom the store does not know.
fn measure_cold(server: &mut LoadedServer<'_>, signer: &Signer, users: usize) -> Row {
    let channel_token = signer.channel_token(SERVICE_URL);
    let invoke = |number: usize| {
        Template::invoke(User(number), &signer.user_token(User(number)), (SERVICE_URL, channel_token.as_str()))
    };
    let (warming, measured) = (users..users + NEW_USERS / 10, users + NEW_USERS / 10..users + NEW_USERS);
    let mut row = Row::new("cold");
    for (row, numbers) in [(&mut Row::new("warming"), warming), (&mut row, measured)] {
        let invokes: Vec<Template> = numbers.map(invoke).collect();
        server.measure(row, &invokes, invokes.len() as u64, false);
    }
    row
}

fn size_of_entry(entry: std::io::Result<std::fs::DirEntry>) -> u64 {
    entry.unwrap().metadata().unwrap().len()
}
