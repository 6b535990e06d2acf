use std::fmt::Write as _;
use std::slice::from_ref;

use super::{Section, Setting};
use crate::load::Template;
use crate::mixes::LoadedServer;
use crate::processes::Run;
use crate::setting::{SERVICE_URL, User};
use crate::signing::Signer;
use crate::table::Row;

/// The number of different bearers, so that what is concluded from one helps little for the next.
const BEARERS: usize = 1000;
const NAMES: [&str; 4] = [
    "served: a channel's invoke, the user's token is in memory",
    "refused: no bearer",
    "refused: a bearer with a forged signature",
    "refused: a bearer of an unknown key",
];

/// Measures what a flood of refused callers costs, against callers that are served by the same process. After its first
/// wrong bearers a caller may be refused by a limit, which counts as refused too.
pub(super) fn measure(setting: &Setting<'_>) -> Section {
    let process = setting.start("refused", 1, Run::OnMeasuredCore);
    let mut flooded = LoadedServer { identity_port: setting.identity_port, next_id: 1, processes: from_ref(&process) };
    let known = setting.templates.known();
    flooded.measure(&mut Row::new("warming"), known, 2 * known.len() as u64, false);
    let floods = [without_bearer(), forged(setting.signer), of_unknown_keys(setting.signer)];
    let mut rows = NAMES.map(Row::new);
    let requests = setting.sizes.back_end;
    for _ in 0..setting.sizes.rounds {
        let [served, refused @ ..] = &mut rows;
        flooded.measure(served, known, requests, false);
        for (row, flood) in refused.iter_mut().zip(&floods) {
            flooded.measure(row, flood, requests, false);
        }
    }
    let [served, ..] = &rows;
    let mut text = "A flood of refused callers, beside callers that are served:\n\n\
                    | callers | req/s | CPU µs/req | CPU / served | |\n| --- | ---: | ---: | ---: | --- |\n"
        .to_owned();
    for row in &rows {
        let ratio = row.cpu() / served.cpu();
        let verdict = if std::ptr::eq(row, served) {
            ""
        } else if ratio < 1.0 {
            "reached"
        } else {
            "missed"
        };
        let _ =
            writeln!(text, "| {} | {:.0} | {:.1} | {ratio:.2} | {verdict} |", row.name, row.per_second(), row.cpu());
    }
    let of_refused = rows.iter().skip(1).map(|row| row.figures(row.name, served)).collect();
    Section { text, figures: of_refused }
}

fn body(number: usize) -> String {
    let user = User(number);
    user.event(SERVICE_URL, "1")
}

/// Requests without a bearer.
pub fn without_bearer() -> Vec<Template> {
    (0..BEARERS).map(|number| Template::post_without_bearer("/api/messages", &body(number)).refused()).collect()
}

/// Requests whose bearers have a forged signature, each another.
pub fn forged(signer: &Signer) -> Vec<Template> {
    let bearer = signer.channel_token(SERVICE_URL);
    let (content, signature) = bearer.rsplit_once('.').unwrap();
    let forged = |number: usize| {
        // Not at the beginning: a signature that is no number below the key's modulus is refused without a calculation.
        let (before, after) = signature.split_at(signature.len() / 2);
        let changed = format!("{number:08}");
        format!("{content}.{before}{changed}{}", &after[changed.len()..])
    };
    let template = |number| Template::post("/api/messages", &body(number), &forged(number)).refused();
    (0..BEARERS).map(template).collect()
}

fn of_unknown_keys(signer: &Signer) -> Vec<Template> {
    let bearer = |number: usize| signer.channel_token_by_key(SERVICE_URL, &format!("unknown-key-{number}"));
    (0..BEARERS).map(|number| Template::post("/api/messages", &body(number), &bearer(number)).refused()).collect()
}
