use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use super::history::{Figures, append_and_compare};

/// The server of the stand that does only the necessary: it keeps and logs nothing.
const CEILING: &str = "ceiling-best";
/// The mixes, with the least ratio to the ceiling's requests per second that is aimed at.
const AIMS: [Aim; 3] =
    [Aim { mix: "hot", least: 0.75 }, Aim { mix: "dup", least: 0.65 }, Aim { mix: "cold", least: 0.35 }];

struct Aim {
    mix: &'static str,
    least: f64,
}

/// A line of the stand's results: one run of one mix.
#[derive(Deserialize)]
struct StandRun {
    label: String,
    mix: String,
    #[serde(default)]
    failed: Option<String>,
    #[serde(default)]
    rps: f64,
    #[serde(default)]
    p50_us: f64,
    #[serde(default)]
    p99_us: f64,
    #[serde(default)]
    p999_us: f64,
    #[serde(default)]
    server_us_per_req: f64,
}

/// Prints the ratios of bot-sso to the stand's ceiling, and adds them to `history`. `results` is the stand's file, of which
/// the first `skipped` lines belong to earlier runs.
pub fn compare_with_ceiling(results: &Path, skipped: usize, history: &Path) {
    let text = std::fs::read_to_string(results).expect("the stand has written its results");
    let mut by_server: BTreeMap<String, BTreeMap<String, Vec<StandRun>>> = BTreeMap::new();
    for line in text.lines().skip(skipped) {
        let run: StandRun = serde_json::from_str(line).expect("each line of the results is a run");
        match &run.failed {
            Some(reason) => println!("{} {} failed: {reason}", run.label, run.mix),
            None => by_server.entry(run.label.clone()).or_default().entry(run.mix.clone()).or_default().push(run),
        }
    }
    let Some(ceiling) = by_server.remove(CEILING) else {
        println!("The stand has no run of {CEILING}.");
        return;
    };
    let mut table =
        "| the stand's mix | req/s | CPU µs/req | the ceiling's req/s | CPU µs/req | ratio of req/s | aim | |\n\
                     | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n"
            .to_owned();
    let mut figures = Vec::new();
    for (server, mixes) in &by_server {
        for Aim { mix, least } in AIMS {
            let (Some(runs), Some(compared)) = (mixes.get(mix), ceiling.get(mix)) else { continue };
            let of = medians(&format!("stand: {server}, {mix}"), runs, compared);
            let verdict = if of.rate_ratio >= least { "reached" } else { "missed" };
            let _ = writeln!(
                table,
                "| {server}, {mix} | {:.0} | {:.1} | {:.0} | {:.1} | {:.2} | {least:.2} | {verdict} |",
                of.per_second,
                of.cpu_micros,
                of.per_second / of.rate_ratio,
                of.cpu_micros / of.cpu_ratio,
                of.rate_ratio,
            );
            figures.push(of);
        }
    }
    println!("{table}\n{}", append_and_compare(history, &figures));
}

fn medians(mix: &str, runs: &[StandRun], compared: &[StandRun]) -> Figures {
    let (per_second, cpu_micros) = (median(runs, |run| run.rps), median(runs, |run| run.server_us_per_req));
    Figures {
        mix: mix.to_owned(),
        per_second,
        p50_ms: median(runs, |run| run.p50_us) / 1e3,
        p99_ms: median(runs, |run| run.p99_us) / 1e3,
        p999_ms: median(runs, |run| run.p999_us) / 1e3,
        cpu_micros,
        compared_with: CEILING.to_owned(),
        rate_ratio: per_second / median(compared, |run| run.rps),
        cpu_ratio: cpu_micros / median(compared, |run| run.server_us_per_req),
    }
}

fn median(runs: &[StandRun], of: impl Fn(&StandRun) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
