use std::path::Path;

use crate::back_ends::BackEndMix;
use crate::comparisons::{CountedMix, check_budgets, set_budgets};
use crate::further::{forged, without_bearer};
use crate::load::{Load, Template};
use crate::mixes::{Sizes, Templates};
use crate::passing;
use crate::processes::{Process, Run, free_port, leave_measured_core};
use crate::setting::write_configuration;
use crate::signing::Signer;

/// Enough requests to hide one-time costs. A simulated request takes about ten milliseconds.
const SIZES: Sizes =
    Sizes { rounds: 1, repeating: 2000, cold: 300, dup: 100, sdk: 0, skill: 0, passing: 0, cards: 0, back_end: 0 };

/// The requests that one server gets.
struct Mix<'t> {
    name: &'static str,
    templates: &'t [Template],
    requests: u64,
    in_copies: bool,
}

/// Counts the user-space instructions of a request for each mix, and compares the mixes with their budgets, or sets these
/// if `sets_budgets`. Other work on the machine hardly changes the counts, which leave out the time in the kernel. The count
/// files stay in `directory` for `callgrind_annotate`. Returns whether
/// no mix is above its budget.
pub fn run(server: &Path, directory: &Path, sets_budgets: bool) -> bool {
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
    let of_bare = count("bare", &bare, directory, &[known("warming", 1000), known("hot", SIZES.repeating)]);
    let verifying = Process::part(&["verifying", path], Run::CountingInstructions(directory));
    count("verifying", &verifying, directory, &[known("warming", 1000), known("hot", 500)]);
    let messages = passing::messages(&signer);
    let of = |name, templates, requests| Mix { name, templates, requests, in_copies: false };
    let passing_on = || [of("warming-passing-on", &messages, 1000), of("passing-on", &messages, SIZES.repeating)];
    let proxy = passing::start_proxy(identity.port, Run::CountingInstructions(directory));
    count("bare proxy", &proxy, directory, &passing_on());
    let port = free_port();
    write_configuration(directory, port, identity.port, "");
    let (process, _) = Process::bot_sso(server, directory, port, Run::CountingInstructions(directory));
    std::thread::sleep(std::time::Duration::from_secs(2));
    let back_ends = BackEndMix::sign(&signer);
    let cold_exchanges = back_ends.cold(0, SIZES.cold);
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
    let mut counted = count("bot-sso", &process, directory, &mixes);
    counted.extend(count("bot-sso", &process, directory, &passing_on()));
    let (without_bearer, forged) = (without_bearer(), forged(&signer));
    let refused = [of("refused-no-bearer", &without_bearer, 1000), of("refused-forged-bearer", &forged, 1000)];
    counted.extend(count("bot-sso", &process, directory, &refused));
    let [CountedMix { instructions, .. }] = of_bare.as_slice() else { panic!("the bare handler has one mix") };
    if sets_budgets {
        set_budgets(&counted, *instructions);
        return true;
    }
    check_budgets(&counted, *instructions)
}

/// Returns the counts of all mixes but those that warm.
fn count(server: &str, process: &Process, directory: &Path, mixes: &[Mix<'_>]) -> Vec<CountedMix> {
    let (mut from, mut counted) = (1, Vec::new());
    process.instructions(directory, "start");
    for mix in mixes {
        let load = Load { templates: mix.templates, from, requests: mix.requests, in_copies: mix.in_copies };
        let seen = load.run(&[process.port]);
        from += mix.requests;
        let instructions = process.instructions(directory, mix.name) as f64 / seen.latencies.len() as f64;
        println!("| {server}, {} | {:.1} |", mix.name, instructions / 1000.0);
        if !mix.name.starts_with("warming") {
            counted.push(CountedMix { name: mix.name, instructions });
        }
    }
    counted
}
