use std::fmt::Write as _;
use std::slice::from_ref;

use super::{Section, Setting};
use crate::comparisons::Figures;
use crate::mixes::LoadedServer;
use crate::processes::Run;
use crate::table::Row;

/// How much the CPU time of a request may rise from one worker to two.
const MOST: f64 = 1.05;
const NAMES: [&str; 2] = ["hot", "cold, store full"];

/// Measures the CPU time of a request with one worker and with two. Both servers may use both cores, which they share with
/// the load and the identity side, so only the CPU times are compared.
pub(super) fn measure(setting: &Setting<'_>) -> Section {
    let processes = [1, 2].map(|workers| setting.start(&format!("workers-{workers}"), workers, Run::OnBothCores));
    let mut servers = [&processes[0], &processes[1]].map(|process| LoadedServer {
        identity_port: setting.identity_port,
        next_id: 1,
        processes: from_ref(process),
    });
    let (known, sizes) = (setting.templates.known(), setting.sizes);
    let mut rows = [NAMES.map(Row::new), NAMES.map(Row::new)];
    for server in &mut servers {
        server.measure(&mut Row::new("warming"), known, 2 * known.len() as u64, false);
    }
    for round in 0..sizes.rounds {
        for (server, [hot, cold]) in servers.iter_mut().zip(&mut rows) {
            server.measure(hot, known, sizes.repeating, false);
            server.measure(cold, setting.templates.cold(round), sizes.cold as u64, false);
        }
    }
    let [one, two] = &rows;
    let mut text = "CPU time of a request, one worker and two:\n\n\
                    | mix | one worker, CPU µs/req | two workers | ratio | |\n| --- | ---: | ---: | ---: | --- |\n"
        .to_owned();
    let mut of_two = Vec::new();
    for (one, two) in one.iter().zip(two) {
        let ratio = two.cpu() / one.cpu();
        let verdict = if ratio <= MOST { "reached" } else { "missed" };
        let _ = writeln!(text, "| {} | {:.1} | {:.1} | {ratio:.2} | {verdict} |", one.name, one.cpu(), two.cpu());
        let figures = two.figures(&format!("two workers: {}", two.name), one);
        of_two.push(Figures { compared_with: "one worker".to_owned(), ..figures });
    }
    Section { text, figures: of_two }
}
