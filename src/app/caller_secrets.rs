use std::collections::HashMap;
use std::sync::Arc;

use super::back_end_keys::{build_assertion_validator, replace_keys};
use crate::config::{AddInSection, BackEndProof, Configuration};
use crate::domain::{AddInName, SecretHash, SharedClock};
use crate::inbound::ClientSecrets;
use crate::token_validation::ClientAssertionValidator;

/// The hashes and the keys by which the callers that are no bots prove who they are. Clones share them, and SIGHUP replaces
/// them.
#[derive(Clone)]
pub(super) struct CallerSecrets {
    /// The callers of each add-in. None of them is a caller of another add-in.
    pub(super) add_ins: Arc<HashMap<AddInName, ClientSecrets>>,
    /// Those of back ends, by client id.
    pub(super) back_ends: ClientSecrets,
    /// Checks the assertions of back ends that have keys.
    pub(super) assertions: ClientAssertionValidator,
    /// The service tokens of apps, by app id.
    pub(super) apps: ClientSecrets,
    is_empty: bool,
}

/// The hashes of some callers, by id.
type Hashes = HashMap<String, Vec<SecretHash>>;

impl CallerSecrets {
    pub(super) fn new(config: &Configuration, clock: SharedClock) -> Self {
        let of_add_in = |section: &AddInSection| (section.add_in.name.clone(), ClientSecrets::new(of_callers(section)));
        Self {
            add_ins: Arc::new(config.add_ins.iter().map(of_add_in).collect()),
            back_ends: ClientSecrets::new(of_back_ends(config)),
            assertions: build_assertion_validator(config, clock),
            apps: ClientSecrets::new(of_apps(config)),
            is_empty: config.add_ins.is_empty() && config.back_ends.is_empty() && config.apps.is_empty(),
        }
    }

    /// Whether the application was started without such callers.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Replaces all hashes and keys by those of `config`. A caller that is not in it any more is refused from now on; one that was added
    /// is known after a restart.
    pub(super) fn replace(&self, config: &Configuration) {
        for (name, secrets) in self.add_ins.iter() {
            let section = config.add_ins.iter().find(|section| section.add_in.name == *name);
            secrets.replace(section.map(of_callers).unwrap_or_default());
        }
        self.back_ends.replace(of_back_ends(config));
        replace_keys(&self.assertions, config);
        self.apps.replace(of_apps(config));
    }
}

fn of_callers(section: &AddInSection) -> Hashes {
    section.callers.iter().map(|caller| (caller.client_id.clone(), caller.secrets.clone())).collect()
}

fn of_back_ends(config: &Configuration) -> Hashes {
    let sections = config.back_ends.iter().filter_map(|section| match &section.proof {
        BackEndProof::Secrets(hashes) => Some((section.back_end.client_id.clone(), hashes.clone())),
        BackEndProof::Keys(_) => None,
    });
    sections.collect()
}

fn of_apps(config: &Configuration) -> Hashes {
    config.apps.iter().map(|section| (section.app.id.as_str().to_owned(), section.service_tokens.clone())).collect()
}
