use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use bot_sso::domain::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

/// A change of the ratio by more than this is called a gain or a loss.
const NOTABLE: f64 = 0.05;

/// The medians of one mix in one run, and how they relate to a compared server of the same run.
#[derive(Clone, Serialize, Deserialize)]
pub struct Figures {
    pub mix: String,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub cpu_micros: f64,
    /// The server that the ratios relate to.
    pub compared_with: String,
    /// This mix's requests per second, divided by those of the compared server.
    pub rate_ratio: f64,
    /// This mix's CPU time of a request, divided by that of the compared server.
    pub cpu_ratio: f64,
}

/// A line of the history.
#[derive(Serialize, Deserialize)]
struct Line {
    date: String,
    commit: String,
    cpu: String,
    #[serde(flatten)]
    figures: Figures,
}

/// Appends a line for each mix to `file`, and returns a Markdown table of what has changed since the newest earlier lines of
/// a processor of the same model.
pub fn append_and_compare(file: &Path, figures: &[Figures]) -> String {
    let earlier: Vec<Line> = std::fs::read_to_string(file)
        .unwrap_or_default()
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line of the history is one mix of one run"))
        .collect();
    let (date, commit, cpu) = (SystemClock.now().to_rfc3339(), commit(), cpu_model());
    let mut to = OpenOptions::new().create(true).append(true).open(file).unwrap();
    for figures in figures {
        let line = Line { date: date.clone(), commit: commit.clone(), cpu: cpu.clone(), figures: figures.clone() };
        writeln!(to, "{}", serde_json::to_string(&line).unwrap()).unwrap();
    }
    let before = |mix: &str| earlier.iter().rev().find(|line| line.cpu == cpu && line.figures.mix == mix);
    let mut table = format!(
        "Compared with the newest earlier run on {cpu}:\n\n\
         | mix | earlier run | CPU / compared server, then | now | change | req/s, then | now | |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
    );
    let mut compared = 0;
    for now in figures {
        let Some(Line { date, commit, figures: then, .. }) = before(&now.mix) else { continue };
        compared += 1;
        let change = now.cpu_ratio / then.cpu_ratio - 1.0;
        let verdict = match change {
            change if change > NOTABLE => "SLOWER",
            change if change < -NOTABLE => "faster",
            _ => "",
        };
        let _ = writeln!(
            table,
            "| {} | {commit}, {} | {:.2} | {:.2} | {:+.1} % | {:.0} | {:.0} | {verdict} |",
            now.mix,
            date.get(..10).unwrap_or(date),
            then.cpu_ratio,
            now.cpu_ratio,
            100.0 * change,
            then.per_second,
            now.per_second,
        );
    }
    match compared {
        0 => format!("The history has no earlier run on {cpu}.\n"),
        _ => table,
    }
}

/// The commit of the working tree, with a mark if it has been changed.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output();
        output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=8", "HEAD"]) else { return "unknown".to_owned() };
    let changes = git(&["status", "--porcelain", "--untracked-files=no", "--", ".", ":!benches/speed/history.jsonl"]);
    let is_changed = changes.is_none_or(|changes| !changes.is_empty());
    format!("{}{}", commit.trim(), if is_changed { "+changes" } else { "" })
}

/// The model of the processor.
pub fn cpu_model() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name\t: "));
    model.unwrap_or("unknown processor").to_owned()
}
