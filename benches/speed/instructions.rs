use std::path::Path;

use crate::back_ends::BackEndMix;
use crate::load::{Load, Template};
use crate::mixes::{Sizes, Templates};
use crate::processes::{Process, Run, free_port, leave_measured_core};
use crate::setting::write_configuration;
use crate::signing::Signer;

/// Enough requests to hide one-time costs. A simulated request takes about ten milliseconds.
const SIZES: Sizes = Sizes { rounds: 1, repeating: 2000, cold: 300, dup: 100, sdk: 0, skill: 0, cards: 0, back_end: 0 };

/// The requests that one server gets.
struct Mix<'t> {
    name: &'static str,
    templates: &'t [Template],
    requests: u64,
    in_copies: bool,
}

/// Counts the user-space instructions of a request for each mix. Other work on the machine hardly changes the counts,
/// which leave out the time in the kernel. The count files stay in `directory` for `callgrind_annotate`.
pub fn run(server: &Path, directory: &Path) {
    leave_measured_core();
    std::fs::create_dir_all(directory).unwrap();
    let signer = Signer::create(directory);
    let templates = Templates::sign(&signer, SIZES);
    let path = directory.to_str().unwrap();
    let identity = Process::part(&["identity-side", path], Run::OnOtherCore);
    let known = |name, requests| Mix { name, templates: templates.known(), requests, in_copies: false };
    let get_token = Mix { templates: &templates.get_tokens, ..known("get-token", SIZES.repeating) };
    let dup = Mix { templates: templates.dup(0), in_copies: true, ..known("dup", 4 * SIZES.dup as u64) };
    let cold = Mix { templates: templates.cold(0), ..known("cold", SIZES.cold as u64) };
    println!("| server and mix | instructions per request, in thousands |\n| --- | ---: |");
    let bare = Process::part(&["bare"], Run::CountingInstructions(directory));
    count("bare", &bare, directory, &[known("warming", 1000), known("hot", SIZES.repeating)]);
    let verifying = Process::part(&["verifying", path], Run::CountingInstructions(directory));
    count("verifying", &verifying, directory, &[known("warming", 1000), known("hot", 500)]);
    let port = free_port();
    write_configuration(directory, port, identity.port, "");
    let (process, _) = Process::bot_sso(server, directory, port, Run::CountingInstructions(directory));
    std::thread::sleep(std::time::Duration::from_secs(2));
    let back_ends = BackEndMix::sign(&signer);
    let cold_exchanges = back_ends.cold(0, SIZES.cold);
    let of = |name, templates, requests| Mix { name, templates, requests, in_copies: false };
    let mixes = [
        known("warming", 1000),
        known("hot", SIZES.repeating),
        get_token,
        dup,
        cold,
        of("warming-downstream", &back_ends.downstream, 1000),
        of("downstream", &back_ends.downstream, SIZES.repeating),
        of("warming-token-exchange", &back_ends.hot, 1000),
        of("token-exchange-hot", &back_ends.hot, SIZES.repeating),
        of("token-exchange-cold", &cold_exchanges, SIZES.cold as u64),
    ];
    count("bot-sso", &process, directory, &mixes);
}

fn count(server: &str, process: &Process, directory: &Path, mixes: &[Mix<'_>]) {
    let mut from = 1;
    process.instructions(directory, "start");
    for mix in mixes {
        let load = Load { templates: mix.templates, from, requests: mix.requests, in_copies: mix.in_copies };
        let seen = load.run(&[process.port]);
        from += mix.requests;
        let each = process.instructions(directory, mix.name) as f64 / seen.latencies.len() as f64;
        println!("| {server}, {} | {:.1} |", mix.name, each / 1000.0);
    }
}
