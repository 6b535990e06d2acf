use std::path::Path;
use std::slice::from_ref;

use crate::back_ends::BackEndMix;
use crate::comparisons::{Figures, append_and_compare, cpu_model, kept_history};
use crate::directory::{self, DirectoryMix};
use crate::further::{self, HalfLoad, Section};
use crate::load::{COPIES, Load, Template, get};
use crate::passing;
use crate::processes::{CpuTime, Process, Run, free_port, leave_measured_core};
use crate::setting::{SERVICE_URL, User, write_configuration};
use crate::signing::Signer;
use crate::skills::SkillMix;
use crate::table::{Aim, Measurement, Row, aims_as_markdown, rows_as_markdown};

/// The number of users whose tokens are in memory.
const KNOWN_USERS: usize = 1000;
/// The number of users of the SDK bot, which keeps the states of their conversations in memory.
const SDK_USERS: usize = 200;

/// The amount of work that a run measures.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// The number of rounds. Each round measures every mix once, so that a disturbance affects all mixes; the tables
    /// show medians.
    pub rounds: usize,
    /// The requests in one round of a mix whose tokens repeat.
    pub repeating: u64,
    /// The requests in one round of *cold*, each with its own user and token.
    pub cold: usize,
    /// The exchanges in one round of *dup*, each sent four times.
    pub dup: usize,
    /// The requests of each kind in one round of the SDK bot.
    pub sdk: u64,
    /// The messages in one round of *skill*, in each direction.
    pub skill: u64,
    /// The requests in one round of *downstream* and of *token-exchange, hot*.
    pub back_end: u64,
    /// The messages in one round of *passing on*.
    pub passing: u64,
    /// The cards in one round of *skill* with the token in memory, and with users who have none.
    pub cards: usize,
}

impl Sizes {
    pub const WHOLE: Self = Self {
        rounds: 7,
        repeating: 40_000,
        cold: 3000,
        dup: 1500,
        sdk: 1500,
        skill: 10_000,
        passing: 20_000,
        cards: 1600,
        back_end: 20_000,
    };
    /// A short run that shows that everything works and measures little.
    pub const QUICK: Self = Self {
        rounds: 3,
        repeating: 4000,
        cold: 400,
        dup: 200,
        sdk: 200,
        skill: 1000,
        passing: 2000,
        cards: 160,
        back_end: 2000,
    };
    /// A run for the profile of the hot paths. A path counts as hot by the number of its calls, so the mixes that take long have
    /// nearly as many requests as the others.
    pub const TRAINING: Self = Self {
        rounds: 3,
        repeating: 20_000,
        cold: 8000,
        dup: 2500,
        sdk: 0,
        skill: 5000,
        passing: 20_000,
        cards: 800,
        back_end: 10_000,
    };

    /// Whether a run of this size measures little.
    pub fn is_quick(&self) -> bool {
        self.rounds < Self::WHOLE.rounds
    }
}

/// All request templates. The first belong to known users, the next to the rounds of *cold*, the last to the rounds of
/// *dup*.
pub struct Templates {
    invokes: Vec<Template>,
    pub get_tokens: Vec<Template>,
    sizes: Sizes,
}

impl Templates {
    pub fn sign(signer: &Signer, sizes: Sizes) -> Self {
        let channel_token = signer.channel_token(SERVICE_URL);
        let bot_token = signer.bot_token();
        let users = KNOWN_USERS + sizes.rounds * (sizes.cold + sizes.dup);
        let invoke =
            |number| Template::invoke(User(number), &signer.user_token(User(number)), (SERVICE_URL, &channel_token));
        Self {
            invokes: (0..users).map(invoke).collect(),
            get_tokens: (0..KNOWN_USERS).map(|number| Template::get_token(User(number), &bot_token)).collect(),
            sizes,
        }
    }

    pub fn known(&self) -> &[Template] {
        &self.invokes[..KNOWN_USERS]
    }

    pub fn cold(&self, round: usize) -> &[Template] {
        &self.invokes[KNOWN_USERS + round * self.sizes.cold..][..self.sizes.cold]
    }

    pub fn dup(&self, round: usize) -> &[Template] {
        let Sizes { rounds, cold, dup, .. } = self.sizes;
        &self.invokes[KNOWN_USERS + rounds * cold + round * dup..][..dup]
    }
}

/// A server under load, or several replicas of one, and the next exchange id that they get.
pub struct LoadedServer<'p> {
    pub identity_port: u16,
    pub next_id: u64,
    pub processes: &'p [Process],
}

impl LoadedServer<'_> {
    /// Sends `requests`, which use the templates in turn, and adds what was measured to `row`.
    pub fn measure(&mut self, row: &mut Row, templates: &[Template], requests: u64, in_copies: bool) {
        let load = Load { templates, from: self.next_id, requests, in_copies };
        let calls_before = calls(self.identity_port);
        let before = self.cpu_time();
        let ports: Vec<u16> = self.processes.iter().map(|process| process.port).collect();
        let seen = load.run(&ports);
        let cpu = self.cpu_time() - before;
        self.next_id += requests;
        let (calls, of) = row.calls.unwrap_or_default();
        let exchanges = if in_copies { requests / COPIES as u64 } else { requests };
        row.calls = Some((calls + self::calls(self.identity_port) - calls_before, of + exchanges));
        row.resident = self.processes.iter().map(Process::resident).sum();
        row.add(Measurement::of(&seen, cpu));
    }

    fn cpu_time(&self) -> CpuTime {
        self.processes.iter().map(Process::cpu_time).fold(CpuTime::default(), |sum, time| sum + time)
    }
}

fn calls(identity_port: u16) -> u64 {
    get(identity_port, "/calls").parse().unwrap()
}

/// Measures every mix of `server` (a bot-sso) and prints the tables, which also go to a Markdown file in `directory`,
/// the bench's own directory. `with_node` says whether the SDK bot is installed and measured too.
pub fn run(server: &Path, directory: &Path, sizes: Sizes, with_node: bool) {
    leave_measured_core();
    std::fs::create_dir_all(directory).unwrap();
    let signer = Signer::create(directory);
    let templates = Templates::sign(&signer, sizes);
    let path = directory.to_str().unwrap();
    let identity = Process::part(&["identity-side", path], Run::OnOtherCore);
    let start = |name: &str, choices: &str| {
        let directory = directory.join(name);
        let port = free_port();
        write_configuration(&directory, port, identity.port, choices);
        Process::bot_sso(server, &directory, port, Run::OnMeasuredCore).0
    };
    let (bare, verifying) =
        (Process::part(&["bare"], Run::OnMeasuredCore), Process::part(&["verifying", path], Run::OnMeasuredCore));
    let full = start("full", "[store]\ndurability = \"full\"\n");
    let normal = start("normal", "[store]\ndurability = \"normal\"\n");
    let quiet = start("quiet", "[logging]\nlevel = \"warn\"\n");
    let of_users = start("directory", &directory::sections());
    let sdk_bot = with_node.then(|| SdkBot::start(directory, &signer, identity.port));
    std::thread::sleep(std::time::Duration::from_secs(1));
    let idle = full.resident();
    let bench = |process| LoadedServer { identity_port: identity.port, next_id: 1, processes: from_ref(process) };
    let mut benches = [&bare, &verifying, &full, &normal, &quiet].map(bench);
    let rows = measure_all(&mut benches, &templates, sdk_bot.as_ref());
    let skill = SkillMix::prepare(&signer, identity.port, full.port);
    let [.., full, _, _] = &mut benches;
    let passing_on = passing::measure(full, &signer, sizes);
    let of_skill = measure_skill(full, &skill, sizes);
    let of_back_ends = BackEndMix::prepare(&signer, full.processes[0].port).measure(full, sizes);
    let mut of_users = bench(&of_users);
    let of_directory = DirectoryMix::prepare(of_users.processes[0].port).measure(&mut of_users, sizes);
    let further: Vec<&Row> = passing_on.iter().chain(&of_skill).chain(&of_back_ends).chain(&of_directory).collect();
    let parts = further::Setting {
        server,
        directory,
        signer: &signer,
        templates: &templates,
        identity_port: identity.port,
        sizes,
    };
    let sections = further::measure(&parts, &half_load(&rows, &passing_on), &bare);
    report(&rows, &further, &sections, &RunFacts { sizes, idle, directory });
}

/// Half of what bot-sso has answered in a second.
fn half_load(rows: &[Row; 10], of_messages: &[Row; 2]) -> HalfLoad {
    let [_, passing_on] = of_messages;
    let [_, _, hot, _, get_token, dup, cold, ..] = rows;
    let half = |row: &Row| row.per_second() / 2.0;
    HalfLoad {
        hot: half(hot),
        get_token: half(get_token),
        dup: half(dup),
        cold: half(cold),
        passing_on: half(passing_on),
    }
}

/// The names of the rows of *skill* in printing order.
const SKILL_NAMES: [&str; 4] = [
    "(c) bot-sso, skill: a message to the bare skill",
    "(c) bot-sso, skill: what the skill says",
    "(c) bot-sso, skill: card, token in memory, store full",
    "(c) bot-sso, skill: card, cold, store full",
];

/// Measures the mix *skill*. What a round needs (sign-ins, conversations) is made before the round and not measured.
fn measure_skill(server: &mut LoadedServer<'_>, mix: &SkillMix<'_>, sizes: Sizes) -> [Row; 4] {
    let mut rows = SKILL_NAMES.map(Row::new);
    let [to_skill, of_skill, memory, cold] = &mut rows;
    for round in 0..sizes.rounds {
        server.measure(to_skill, &mix.to_skill, sizes.skill, false);
        server.measure(of_skill, &mix.of_skill, sizes.skill, false);
        let cards = mix.cards_from_memory(round, sizes.cards);
        server.measure(memory, &cards, cards.len() as u64, false);
        let cards = mix.cold_cards(round, sizes.cards);
        server.measure(cold, &cards, cards.len() as u64, false);
    }
    rows
}

/// Repeats the mix *hot* for a profiler; prints its cost.
pub fn sustain(server: &Path, directory: &Path) {
    leave_measured_core();
    std::fs::create_dir_all(directory).unwrap();
    let signer = Signer::create(directory);
    let templates = Templates::sign(&signer, Sizes { rounds: 0, ..Sizes::QUICK });
    let identity = Process::part(&["identity-side", directory.to_str().unwrap()], Run::OnOtherCore);
    let port = free_port();
    write_configuration(directory, port, identity.port, "");
    let (process, _) = Process::bot_sso(server, directory, port, Run::OnMeasuredCore);
    let mut bench = LoadedServer { identity_port: identity.port, next_id: 1, processes: from_ref(&process) };
    for _ in 0..5 {
        let mut row = Row::new("hot");
        bench.measure(&mut row, templates.known(), 50_000, false);
        println!("{:.1} µs of CPU a request", row.cpu());
    }
}

/// The SDK bot in Node, and the requests that it gets. The bot sends its replies to the service URL of the activity, so
/// these activities name the identity side.
struct SdkBot {
    process: Process,
    identity_port: u16,
    events: Vec<Template>,
    invokes: Vec<Template>,
}

impl SdkBot {
    fn start(directory: &Path, signer: &Signer, identity_port: u16) -> Self {
        let service_url = format!("http://127.0.0.1:{identity_port}/");
        let channel_token = signer.channel_token(&service_url);
        let from = (service_url.as_str(), channel_token.as_str());
        let users = || (0..SDK_USERS).map(User);
        Self {
            process: Process::sdk_bot(directory, identity_port),
            identity_port,
            events: users().map(|user| Template::event(user, from)).collect(),
            invokes: users().map(|user| Template::invoke(user, &signer.user_token(user), from)).collect(),
        }
    }

    fn measure(&self, [event, invoke]: [&mut Row; 2], requests: u64, round: usize) {
        let next_id = 1 + requests * round as u64;
        let mut bench = LoadedServer { identity_port: self.identity_port, next_id, processes: from_ref(&self.process) };
        bench.measure(event, &self.events, requests, false);
        bench.measure(invoke, &self.invokes, requests, false);
    }
}

/// The names of the rows in printing order.
const NAMES: [&str; 10] = [
    "(a) bare handler",
    "(b) bare handler + RS256",
    "(c) bot-sso, hot",
    "(c) bot-sso, hot, log level warn",
    "(c) bot-sso, `GetToken` from L1",
    "(c) bot-sso, dup",
    "(c) bot-sso, cold, store full",
    "(c) bot-sso, cold, store normal",
    "(d) SDK bot, Node: an event it has no use for",
    "(d) SDK bot, Node: token exchange, user signed in",
];

fn measure_all(benches: &mut [LoadedServer<'_>; 5], templates: &Templates, sdk_bot: Option<&SdkBot>) -> [Row; 10] {
    let [bare, verifying, full, normal, quiet] = benches;
    let mut rows = NAMES.map(Row::new);
    let [a, b, hot, hot_quiet, get_token, dup, cold_full, cold_normal, sdk_event, sdk_invoke] = &mut rows;
    let mut warming = Row::new("warming");
    for bench in [&mut *bare, &mut *verifying, &mut *full, &mut *quiet] {
        bench.measure(&mut warming, templates.known(), 2 * KNOWN_USERS as u64, false);
    }
    normal.measure(&mut warming, templates.known(), 8, false);
    let Sizes { rounds, repeating, cold: cold_requests, dup: exchanges, sdk, .. } = templates.sizes;
    if let Some(sdk_bot) = sdk_bot {
        let [mut event, mut invoke] = ["", ""].map(Row::new);
        sdk_bot.measure([&mut event, &mut invoke], sdk, rounds);
    }
    for round in 0..rounds {
        bare.measure(a, templates.known(), repeating, false);
        full.measure(hot, templates.known(), repeating, false);
        full.measure(get_token, &templates.get_tokens, repeating, false);
        quiet.measure(hot_quiet, templates.known(), repeating, false);
        verifying.measure(b, templates.known(), repeating / 2, false);
        full.measure(dup, templates.dup(round), 4 * exchanges as u64, true);
        full.measure(cold_full, templates.cold(round), cold_requests as u64, false);
        normal.measure(cold_normal, templates.cold(round), cold_requests as u64, false);
        if let Some(sdk_bot) = sdk_bot {
            sdk_bot.measure([&mut *sdk_event, &mut *sdk_invoke], sdk, round);
        }
    }
    for row in [a, b, sdk_event, sdk_invoke] {
        row.calls = None;
    }
    rows
}

/// What a report says of the run, beside its rows.
struct RunFacts<'d> {
    sizes: Sizes,
    /// Resident memory of an idle bot-sso, in bytes.
    idle: u64,
    directory: &'d Path,
}

/// Prints the tables, and adds the figures to the history. Short runs have a history of their own, since they measure little.
/// The first two of `further` are the bare proxy and bot-sso's *passing on*.
fn report(rows: &[Row; 10], further: &[&Row], sections: &[Section], facts: &RunFacts<'_>) {
    let RunFacts { sizes, idle, directory } = *facts;
    let [a, b, hot, _, get_token, dup, cold, ..] = rows;
    let [proxy, passing_on] = [further[0], further[1]];
    let measured: Vec<&Row> = rows.iter().chain(further.iter().copied()).filter(|row| !row.is_empty()).collect();
    let (calls, exchanges) = dup.calls.unwrap_or_default();
    let aim = |what, value, most| Aim { what, value, most };
    let aims = [
        aim("hot: CPU / (a)", hot.cpu() / a.cpu(), 1.3),
        aim("`GetToken` from L1: CPU / (a)", get_token.cpu() / a.cpu(), 1.3),
        aim("cold without the store's threads: CPU µs, (b) + 25", cold.cpu_without_store(), b.cpu() + 25.0),
        aim("dup: CPU µs, 1.2 (cold + 3 hot) / 4", dup.cpu(), 1.2 * (cold.cpu() + 3.0 * hot.cpu()) / 4.0),
        aim("dup: upstream calls a request", calls as f64 / (4 * exchanges) as f64, 0.25),
        aim("passing on: requests/s of (e) / bot-sso's", proxy.per_second() / passing_on.per_second(), 1.0 / 0.85),
        aim("resident when idle, MB", idle as f64 / 1e6, 20.0),
    ];
    let history = if sizes.is_quick() { directory.join("history.jsonl") } else { kept_history() };
    let compared = measured.iter().filter(|row| !std::ptr::eq(**row, a) && !std::ptr::eq(**row, b));
    let other = |row: &Row| if std::ptr::eq(row, passing_on) { proxy } else { a };
    let mut figures: Vec<Figures> = compared.map(|row| row.figures(row.name, other(row))).collect();
    figures.extend(sections.iter().flat_map(|section| section.figures.clone()));
    let of_sections: Vec<&str> = sections.iter().map(|section| section.text.as_str()).collect();
    let text = format!(
        "Medians of {} rounds, 32 connections, one worker, {}.\n\n{}\n{}\n{}\n{}",
        sizes.rounds,
        machine(),
        rows_as_markdown(&measured, a, b),
        aims_as_markdown(&aims),
        of_sections.join("\n"),
        append_and_compare(&history, &figures),
    );
    println!("{text}");
    let file = directory.join("table.md");
    std::fs::write(&file, text).unwrap();
    println!("{} holds the same.", file.display());
}

pub fn machine() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("{}, load average {}", cpu_model(), load.split(' ').next().unwrap_or_default())
}
