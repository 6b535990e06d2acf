use std::path::Path;

use crate::mixes::{LoadedServer, Sizes, Templates, machine};
use crate::processes::{Process, RedisServer, Run, free_port, leave_measured_core};
use crate::setting::write_configuration;
use crate::signing::Signer;
use crate::table::{Row, rows_as_markdown};

/// The rows of one replica and of three.
const NAMES: [[&str; 4]; 2] = [
    ["one replica, hot", "one replica, `GetToken` from L1", "one replica, dup", "one replica, cold"],
    ["three replicas, hot", "three replicas, `GetToken` from L1", "three replicas, dup", "three replicas, cold"],
];

/// Measures the mixes with one and with three replicas over a Redis that appends to its file every second, and prints the
/// table. The replicas share the measured core; Redis, the identity side and the load share the other one.
pub fn run(server: &Path, directory: &Path, sizes: Sizes) {
    leave_measured_core();
    std::fs::create_dir_all(directory).unwrap();
    let signer = Signer::create(directory);
    let templates = Templates::sign(&signer, sizes);
    let path = directory.to_str().unwrap();
    let identity = Process::part(&["identity-side", path], Run::OnOtherCore);
    let (bare, verifying) =
        (Process::part(&["bare"], Run::OnMeasuredCore), Process::part(&["verifying", path], Run::OnMeasuredCore));
    let mut compared = ["bare handler", "bare handler + RS256"].map(Row::new);
    for (row, process) in compared.iter_mut().zip([&bare, &verifying]) {
        let processes = std::slice::from_ref(process);
        let mut bench = LoadedServer { identity_port: identity.port, next_id: 1, processes };
        for _ in 0..sizes.rounds {
            bench.measure(row, templates.known(), sizes.repeating, false);
        }
        row.calls = None;
    }
    let [bare_row, verifying_row] = &compared;
    let mut rows = vec![bare_row, verifying_row];
    let measured = [1, 3].map(|count| {
        let redis = RedisServer::start(&directory.join(format!("redis-{count}")));
        let store = format!("[store]\nurl = \"{}\"\n", redis.url());
        let replicas: Vec<Process> = (0..count)
            .map(|_| {
                // All replicas have the same files, the key ring among them.
                let (own, port) = (directory.join(format!("replicas-{count}")), free_port());
                write_configuration(&own, port, identity.port, &store);
                Process::bot_sso(server, &own, port, Run::OnMeasuredCore).0
            })
            .collect();
        measure(&mut LoadedServer { identity_port: identity.port, next_id: 1, processes: &replicas }, &templates, sizes)
    });
    rows.extend(measured.iter().flatten());
    let text = format!(
        "Medians of {} rounds, 32 connections, one worker a replica, {}.\n\n{}",
        sizes.rounds,
        machine(),
        rows_as_markdown(&rows, bare_row, verifying_row)
    );
    println!("{text}");
    std::fs::write(directory.join("replicas.md"), text).unwrap();
}

fn measure(bench: &mut LoadedServer<'_>, templates: &Templates, sizes: Sizes) -> [Row; 4] {
    let mut rows = NAMES[usize::from(bench.processes.len() > 1)].map(Row::new);
    let [hot, get_token, dup, cold] = &mut rows;
    bench.measure(&mut Row::new("warming"), templates.known(), 4 * templates.known().len() as u64, false);
    for round in 0..sizes.rounds {
        bench.measure(hot, templates.known(), sizes.repeating, false);
        bench.measure(get_token, &templates.get_tokens, sizes.repeating, false);
        bench.measure(dup, templates.dup(round), 4 * sizes.dup as u64, true);
        bench.measure(cold, templates.cold(round), sizes.cold as u64, false);
    }
    rows
}
