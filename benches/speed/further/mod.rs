//! The mixes that need servers of their own: a fixed schedule of requests (open loop), callers that are refused, and two
//! workers against one. Each makes a table and lines for the history.

mod open_loop;
mod refused;
mod workers;

use std::path::Path;

use crate::comparisons::Figures;
use crate::mixes::{Sizes, Templates};
use crate::processes::{Process, Run, free_port};
use crate::setting::write_configuration;
use crate::signing::Signer;

pub use open_loop::HalfLoad;
pub use refused::{forged, without_bearer};

/// What all further mixes use.
pub struct Setting<'s> {
    pub server: &'s Path,
    pub directory: &'s Path,
    pub signer: &'s Signer,
    pub templates: &'s Templates,
    pub identity_port: u16,
    pub sizes: Sizes,
}

/// The tables of the further mixes, and their figures for the history.
pub struct Section {
    pub text: String,
    pub figures: Vec<Figures>,
}

impl Setting<'_> {
    /// Starts a bot-sso whose files are in the folder `name`.
    fn start(&self, name: &str, workers: u32, run: Run<'_>) -> Process {
        let (directory, port) = (self.directory.join(name), free_port());
        write_configuration(&directory, port, self.identity_port, "");
        let file = directory.join("bot-sso.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("workers = 1", &format!("workers = {workers}"))).unwrap();
        Process::bot_sso(self.server, &directory, port, run).0
    }
}

/// Measures all further mixes. `half` says which load half of each mix's is, and `bare` is the bare server.
pub fn measure(setting: &Setting<'_>, half: &HalfLoad, bare: &Process) -> Vec<Section> {
    vec![open_loop::measure(setting, half, bare), refused::measure(setting), workers::measure(setting)]
}
