use std::path::Path;
use std::process::Command;

use crate::load::{Load, Template, get};
use crate::processes::{Process, free_port, stay_aside};
use crate::setting::{User, furnish};
use crate::signing::Signer;
use crate::table::{Measurement, Row, print, print_aim};

/// Users whose tokens are in memory.
const KNOWN_USERS: usize = 1000;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Every mix is measured that often; medians are printed. The mixes take turns, so that a disturbance hits all.
    pub rounds: usize,
    /// Requests of one round of a mix whose tokens repeat.
    pub repeating: u64,
    /// Requests of one round of *cold*, each with a user and a token of its own.
    pub cold: usize,
    /// Exchanges of one round of *dup*, each sent four times.
    pub dup: usize,
}

impl Sizes {
    pub const WHOLE: Self = Self { rounds: 7, repeating: 40_000, cold: 3000, dup: 1500 };
    /// Says that everything works, and little about speed.
    pub const QUICK: Self = Self { rounds: 3, repeating: 4000, cold: 400, dup: 200 };
}

/// All templates: the first users are the known ones, then come those of *cold*, then those of *dup*.
struct Templates {
    invokes: Vec<Template>,
    get_tokens: Vec<Template>,
    sizes: Sizes,
}

impl Templates {
    fn sign(signer: &Signer, sizes: Sizes) -> Self {
        let channel_token = signer.channel_token();
        let bot_token = signer.bot_token();
        let users = KNOWN_USERS + sizes.rounds * (sizes.cold + sizes.dup);
        let invoke = |number| Template::invoke(User(number), &signer.user_token(User(number)), &channel_token);
        Self {
            invokes: (0..users).map(invoke).collect(),
            get_tokens: (0..KNOWN_USERS).map(|number| Template::get_token(User(number), &bot_token)).collect(),
            sizes,
        }
    }

    fn known(&self) -> &[Template] {
        &self.invokes[..KNOWN_USERS]
    }

    fn cold(&self, round: usize) -> &[Template] {
        &self.invokes[KNOWN_USERS + round * self.sizes.cold..][..self.sizes.cold]
    }

    fn dup(&self, round: usize) -> &[Template] {
        let Sizes { rounds, cold, dup, .. } = self.sizes;
        &self.invokes[KNOWN_USERS + rounds * cold + round * dup..][..dup]
    }
}

/// A server under load, and the ids it has seen.
struct Bench<'p> {
    identity_port: u16,
    next_id: u64,
    process: &'p Process,
}

impl Bench<'_> {
    fn measure(&mut self, row: &mut Row, templates: &[Template], requests: u64, in_copies: bool) {
        let load = Load { templates, from: self.next_id, requests, in_copies };
        let calls_before = calls(self.identity_port);
        let before = self.process.cpu_time();
        let seen = load.run(self.process.port);
        let cpu = self.process.cpu_time() - before;
        self.next_id += requests;
        let (calls, of) = row.calls.unwrap_or_default();
        row.calls = Some((calls + self::calls(self.identity_port) - calls_before, of + seen.latencies.len() as u64));
        row.add(Measurement::of(&seen, cpu));
    }
}

fn calls(identity_port: u16) -> u64 {
    get(identity_port, "/calls").parse().unwrap()
}

/// Measures every mix of `server` (a bot-sso) and prints the table. `directory` is the bench's own.
pub fn run(server: &Path, directory: &Path, sizes: Sizes) {
    stay_aside();
    std::fs::create_dir_all(directory).unwrap();
    let signer = Signer::create(directory);
    let templates = Templates::sign(&signer, sizes);
    let path = directory.to_str().unwrap();
    let identity = Process::part(&["identity-side", path], false);
    let start = |name: &str, choices: &str| {
        let directory = directory.join(name);
        let port = free_port();
        furnish(&directory, port, identity.port, choices);
        Process::bot_sso(server, &directory, port).0
    };
    let (bare, verifying) = (Process::part(&["bare"], true), Process::part(&["verifying", path], true));
    let full = start("full", "[store]\ndurability = \"full\"\n");
    let normal = start("normal", "[store]\ndurability = \"normal\"\n");
    let quiet = start("quiet", "[logging]\nlevel = \"warn\"\n");
    std::thread::sleep(std::time::Duration::from_secs(1));
    let idle = full.resident();
    let bench = |process| Bench { identity_port: identity.port, next_id: 1, process };
    let mut benches = [&bare, &verifying, &full, &normal, &quiet].map(bench);
    let rows = measure_all(&mut benches, &templates);
    report(&rows, sizes.rounds, (idle, full.resident()));
}

/// Keeps the mix *hot* up for a profiler to look at; says what it costs.
pub fn sustain(server: &Path, directory: &Path) {
    stay_aside();
    std::fs::create_dir_all(directory).unwrap();
    let signer = Signer::create(directory);
    let templates = Templates::sign(&signer, Sizes { rounds: 0, ..Sizes::QUICK });
    let identity = Process::part(&["identity-side", directory.to_str().unwrap()], false);
    let port = free_port();
    furnish(directory, port, identity.port, "");
    let (process, _) = Process::bot_sso(server, directory, port);
    let mut bench = Bench { identity_port: identity.port, next_id: 1, process: &process };
    for _ in 0..5 {
        let mut row = Row::new("hot");
        bench.measure(&mut row, templates.known(), 50_000, false);
        println!("{:.1} µs of CPU a request", row.cpu());
    }
}

/// In the order of printing.
fn measure_all(benches: &mut [Bench<'_>; 5], templates: &Templates) -> [Row; 8] {
    let [bare, verifying, full, normal, quiet] = benches;
    let mut rows = [
        "(a) bare handler",
        "(b) bare handler + RS256",
        "hot",
        "hot, log level warn",
        "GetToken from L1",
        "dup",
        "cold, store full",
        "cold, store normal",
    ]
    .map(Row::new);
    let [a, b, hot, hot_quiet, get_token, dup, cold_full, cold_normal] = &mut rows;
    let mut warming = Row::new("warming");
    for bench in [&mut *bare, &mut *verifying, &mut *full, &mut *quiet] {
        bench.measure(&mut warming, templates.known(), 2 * KNOWN_USERS as u64, false);
    }
    normal.measure(&mut warming, templates.known(), 8, false);
    let Sizes { rounds, repeating, cold: cold_requests, dup: exchanges } = templates.sizes;
    for round in 0..rounds {
        bare.measure(a, templates.known(), repeating, false);
        full.measure(hot, templates.known(), repeating, false);
        full.measure(get_token, &templates.get_tokens, repeating, false);
        quiet.measure(hot_quiet, templates.known(), repeating, false);
        verifying.measure(b, templates.known(), repeating / 2, false);
        full.measure(dup, templates.dup(round), 4 * exchanges as u64, true);
        full.measure(cold_full, templates.cold(round), cold_requests as u64, false);
        normal.measure(cold_normal, templates.cold(round), cold_requests as u64, false);
    }
    (a.calls, b.calls) = (None, None);
    rows
}

fn report(rows: &[Row; 8], rounds: usize, (idle, loaded): (u64, u64)) {
    let [a, b, hot, _, get_token, dup, cold, _] = rows;
    println!("Medians of {rounds} rounds, 32 connections, one worker, {}.", machine());
    print(&rows.each_ref(), a, b);
    println!();
    let mega = |bytes: u64| bytes as f64 / 1e6;
    print_aim("hot: CPU / (a)", hot.cpu() / a.cpu(), 1.3);
    print_aim("GetToken from L1: CPU / (a)", get_token.cpu() / a.cpu(), 1.3);
    print_aim("cold without the store's threads: CPU µs", cold.cpu_without_store(), b.cpu() + 25.0);
    print_aim("dup: CPU µs against (cold + 3 hot) / 4", dup.cpu(), 1.2 * (cold.cpu() + 3.0 * hot.cpu()) / 4.0);
    let (calls, requests) = dup.calls.unwrap_or_default();
    println!("dup: {calls} calls for {requests} requests{}", if calls * 4 == requests { "" } else { " MISSED" });
    print_aim("resident when idle, MB", mega(idle), 20.0);
    println!("resident after the load, MB: {:.1}", mega(loaded));
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown processor");
    let load = Command::new("cut").args(["-d", " ", "-f", "1", "/proc/loadavg"]).output();
    let load = load.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    format!("{model}, load average {load}")
}
