use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use uuid::Uuid;

use crate::config;
use crate::dev::{BotHosts, OwnBot, PlanProblem, StageEntries, add_own_bot, read_stage_file, write_stage_file};
use crate::domain::Sdk;

/// The head of what `--print-config` prints.
const HEAD: &str = "# A stage of bot-sso: bot-sso dev --config FILE. docs/playground.md describes the keys.\n";

/// The options that choose the bots, connections and users of a stage.
#[derive(Debug, Args)]
pub(super) struct PlanOptions {
    /// A bot of your own, by the address at which it takes activities (`http://127.0.0.1:3999/api/messages`). It is put behind
    /// the gateway beside the demo bots, with one connection `graph`; its settings are printed.
    #[arg(long, value_name = "URL")]
    bot: Option<String>,
    /// The app id of that bot; default: a fixed one.
    #[arg(long, value_name = "GUID", requires = "bot")]
    app_id: Option<Uuid>,
    /// The SDK of that bot, whose settings are printed by the names that it reads.
    #[arg(long, value_name = "NAME", requires = "bot", value_parser = sdk_parser())]
    sdk: Option<Sdk>,
    /// A file with the bots, connections and users of the stage (TOML, docs/playground.md).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints the stage as such a file, and starts nothing.
    #[arg(long)]
    pub(super) print_config: bool,
    /// Allow bots on other machines. Users' messages and tokens then leave this one.
    #[arg(long)]
    allow_remote_bot: bool,
}

impl PlanOptions {
    /// The bots, connections and users of the stage.
    pub(super) fn entries(&self) -> anyhow::Result<StageEntries> {
        let hosts = if self.allow_remote_bot { BotHosts::Any } else { BotHosts::Loopback };
        let mut entries = match &self.config {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("--config: {}", file.display()))?;
                read_stage_file(&text, hosts)
                    .map_err(|problems| anyhow!("{} cannot be used:\n{}", file.display(), explain_all(&problems)))?
            }
            None => StageEntries::fixed(),
        };
        if let Some(endpoint) = self.bot.clone() {
            let own = OwnBot { endpoint, app_id: self.app_id, sdk: self.sdk };
            add_own_bot(&mut entries, own, hosts).map_err(|problems| anyhow!("{}", explain_all(&problems)))?;
        }
        Ok(entries)
    }
}

/// The text of a file that makes the same stage.
pub(super) fn stage_file(entries: &StageEntries) -> anyhow::Result<String> {
    Ok(format!("{HEAD}\n{}", write_stage_file(entries)?.trim_end()))
}

/// The problems as lines, with the near match of an unknown key or word.
fn explain_all(problems: &[PlanProblem]) -> String {
    let explained = problems.iter().map(|problem| {
        let message = config::explain_complaint(&problem.message);
        PlanProblem { place: problem.place.clone(), message }.to_string()
    });
    explained.collect::<Vec<_>>().join("\n")
}

fn sdk_parser() -> impl clap::builder::TypedValueParser<Value = Sdk> {
    PossibleValuesParser::new(Sdk::ALL.map(Sdk::name)).try_map(|name| {
        let found = Sdk::ALL.into_iter().find(|sdk| sdk.name() == name);
        found.ok_or_else(|| format!("{name} is no SDK"))
    })
}
