use std::cell::RefCell;
use std::fmt::Write as _;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Section, Setting};
use crate::client::Connection;
use crate::comparisons::Figures;
use crate::load::{COPIES, Load, LoadResult, Template};
use crate::mixes::LoadedServer;
use crate::passing;
use crate::processes::{Process, Run};
use crate::table::{Measurement, Row};

/// Enough connections that a request rarely waits for a free one; if it does, the time counts.
const GROUPS: usize = 64;
/// How long a round of a mix takes, as far as there are requests.
const SECONDS: f64 = 3.0;
/// How much bot-sso may add to the bare server's p99.
const MOST_ADDED_MS: f64 = 1.0;

/// Half of the requests per second that bot-sso has answered in each mix without a schedule.
pub struct HalfLoad {
    pub hot: f64,
    pub get_token: f64,
    pub dup: f64,
    pub cold: f64,
    pub passing_on: f64,
}

/// The requests of a mix, at fixed times.
struct Scheduled<'t> {
    load: Load<'t>,
    /// Requests per second, all copies counted.
    per_second: f64,
}

/// A mix in one round.
struct OpenMix<'t> {
    name: &'static str,
    templates: &'t [Template],
    per_second: f64,
    in_copies: bool,
    /// What the compared server gets. The bare handler knows invokes only.
    for_compared: &'t [Template],
    compared: &'t Process,
    /// Whether the users may come more than once.
    repeats: bool,
}

/// The servers that the latencies are compared with, and the messages that are passed on.
struct Compared<'t> {
    bare: &'t Process,
    proxy: Process,
    messages: Vec<Template>,
}

/// A request that is to be sent.
struct Due {
    number: u64,
    at: Instant,
}

/// Measures latencies at half load: the requests come by a fixed schedule, whether or not earlier ones are answered, and a
/// latency counts from the scheduled time. The bare server, or the bare proxy, gets requests at the
/// same times.
pub(super) fn measure(setting: &Setting<'_>, half: &HalfLoad, bare: &Process) -> Section {
    let process = setting.start("open-loop", 1, Run::OnMeasuredCore);
    let proxy = passing::start_proxy(setting.identity_port, Run::OnMeasuredCore);
    let compared = Compared { bare, proxy, messages: passing::messages(setting.signer) };
    let known = setting.templates.known();
    let mut server = LoadedServer { identity_port: setting.identity_port, next_id: 1, processes: from_ref(&process) };
    server.measure(&mut Row::new("warming"), known, 4 * known.len() as u64, false);
    server.measure(&mut Row::new("warming"), &compared.messages, 2 * known.len() as u64, false);
    let mut next_id = server.next_id;
    let mut rows: Vec<[Row; 2]> = Vec::new();
    for round in 0..setting.sizes.rounds {
        for (at, mix) in mixes(setting, half, &compared, round).into_iter().enumerate() {
            if round == 0 {
                rows.push([Row::new(mix.name), Row::new(mix.name)]);
            }
            let [of_server, of_compared] = &mut rows[at];
            let requests = mix.requests(setting);
            for (row, process, templates) in
                [(of_compared, mix.compared, mix.for_compared), (of_server, &process, mix.templates)]
            {
                let load = Load { templates, from: next_id, requests, in_copies: mix.in_copies };
                let before = process.cpu_time();
                let seen = Scheduled { load, per_second: mix.per_second }.run(process.port);
                row.add(Measurement::of(&seen, process.cpu_time() - before));
            }
            next_id += requests;
        }
    }
    report(&rows)
}

fn mixes<'t>(
    setting: &'t Setting<'_>,
    half: &HalfLoad,
    Compared { bare, proxy, messages }: &'t Compared<'t>,
    round: usize,
) -> [OpenMix<'t>; 5] {
    let templates = setting.templates;
    let of = |name, templates, per_second| OpenMix {
        name,
        templates,
        per_second,
        in_copies: false,
        for_compared: templates,
        compared: bare,
        repeats: true,
    };
    let get_token = of("`GetToken` from memory", templates.get_tokens.as_slice(), half.get_token);
    let dup = of("dup", templates.dup(round), half.dup);
    [
        of("hot", templates.known(), half.hot),
        OpenMix { for_compared: templates.known(), ..get_token },
        OpenMix { in_copies: true, repeats: false, ..dup },
        OpenMix { repeats: false, ..of("cold, store full", templates.cold(round), half.cold) },
        OpenMix { compared: proxy, ..of("passing on, beside the bare proxy", messages, half.passing_on) },
    ]
}

impl OpenMix<'_> {
    /// The number of requests in a round. The users of *dup* and *cold* must not repeat.
    fn requests(&self, setting: &Setting<'_>) -> u64 {
        let seconds = if setting.sizes.is_quick() { SECONDS / 10.0 } else { SECONDS };
        let scheduled = (self.per_second * seconds) as u64;
        let copies = if self.in_copies { COPIES as u64 } else { 1 };
        let most = if self.repeats { u64::MAX } else { self.templates.len() as u64 * copies };
        scheduled.clamp(copies, most) / copies * copies
    }
}

fn report(rows: &[[Row; 2]]) -> Section {
    let mut text = "Open loop at half load; latencies count from the scheduled time:\n\n\
                    | mix | req/s | p50 ms | p99 ms | p99.9 ms | compared server: p50 | p99 | p99.9 | added to p99 | |\n\
                    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n"
        .to_owned();
    let mut of_server = Vec::new();
    for [row, compared] in rows {
        let ([p50, p99, p999], [of_compared_50, of_compared_99, of_compared_999]) =
            (row.percentiles(), compared.percentiles());
        let verdict = if p99 - of_compared_99 < MOST_ADDED_MS { "reached" } else { "missed" };
        let _ = writeln!(
            text,
            "| {} | {:.0} | {p50:.2} | {p99:.2} | {p999:.2} | {of_compared_50:.2} | {of_compared_99:.2} | {of_compared_999:.2} | {:.2} \
             | {verdict} |",
            row.name,
            row.per_second(),
            p99 - of_compared_99,
        );
        let figures = row.figures(&format!("open loop at half load: {}", row.name), compared);
        of_server.push(Figures { compared_with: "the bare server at the same times".to_owned(), ..figures });
    }
    Section { text, figures: of_server }
}

impl Scheduled<'_> {
    /// Sends all requests to `port` at their times, and asserts that every answer has the template's status.
    fn run(&self, port: u16) -> LoadResult {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.send(port))
    }

    async fn send(&self, port: u16) -> LoadResult {
        let copies = if self.load.in_copies { COPIES } else { 1 };
        let mut groups = Vec::new();
        for _ in 0..GROUPS {
            let mut group = Vec::new();
            for _ in 0..copies {
                group.push(Connection::open(port).await);
            }
            groups.push(group);
        }
        let interval = Duration::from_secs_f64(copies as f64 / self.per_second);
        let begun = Instant::now();
        let exchanges = self.load.requests / copies as u64;
        let (due, dues) = unbounded_channel();
        // A thread of its own, because the runtime's timers have a resolution of a millisecond.
        let schedule = std::thread::spawn(move || {
            for number in 0..exchanges {
                let at = begun + interval.mul_f64(number as f64);
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                due.send(Due { number, at }).unwrap();
            }
        });
        let (dues, latencies) = (Mutex::new(dues), RefCell::new(Vec::new()));
        join_all(groups.into_iter().map(|group| self.serve(group, &dues, &latencies))).await;
        schedule.join().unwrap();
        let mut latencies = latencies.take();
        latencies.sort_unstable();
        LoadResult { elapsed: begun.elapsed(), latencies }
    }

    async fn serve(
        &self,
        mut group: Vec<Connection>,
        dues: &Mutex<UnboundedReceiver<Due>>,
        latencies: &RefCell<Vec<u64>>,
    ) {
        let mut request = Vec::new();
        loop {
            let next = dues.lock().await.recv().await;
            let Some(Due { number, at }) = next else { return };
            let template = self.load.write(number, &mut request);
            let request = &request;
            join_all(group.iter_mut().map(|connection| async move {
                let status = connection.call(request).await;
                template.expect_status(status, connection);
                latencies.borrow_mut().push(u64::try_from(at.elapsed().as_nanos()).unwrap());
            }))
            .await;
        }
    }
}
