//! `[add_ins.<name>]`, `[back_ends.<name>]` and `[apps.<id>]`: the callers that are no bots.
//!
//! Owns their keys and checks, and derives the only connection of each from its own section, or from the connection or
//! add-in that it names. It deliberately does not know how a caller proves who it is, and calls nothing.

mod add_in;
mod app;
mod app_token;
mod back_end;
mod client;
mod downstream;
mod exchange;
mod key_set;
mod origins;
mod secret_hashes;
mod user_data;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use add_in::AddInSection;
pub use app::AppSection;
pub use back_end::{BackEndProof, BackEndSection};
pub use client::ClientSection;
pub use user_data::OWN_PATHS;

pub(in crate::config) use add_in::RawAddIn;
pub(in crate::config) use app::RawApp;
pub(in crate::config) use back_end::RawBackEnd;
pub(in crate::config) use client::client_id;
pub(in crate::config) use secret_hashes::{HASHES_FORM, has_hashes, is_hash, secret_hashes};

use crate::config::connections::ConnectionSection;
use crate::config::identity_providers::EntraSection;
use crate::config::review::{Context, Place, Review};
use crate::domain::{AddInName, AppId, BackEndName};

use exchange::Sources;

/// The three tables as they are written.
pub(in crate::config) struct RawBackEnds {
    pub(in crate::config) add_ins: BTreeMap<String, RawAddIn>,
    pub(in crate::config) back_ends: BTreeMap<String, RawBackEnd>,
    pub(in crate::config) apps: BTreeMap<String, RawApp>,
}

/// The callers that are no bots, and the only connection of each.
#[derive(Default)]
pub(in crate::config) struct ValidatedBackEnds {
    pub(in crate::config) add_ins: Vec<AddInSection>,
    pub(in crate::config) back_ends: Vec<BackEndSection>,
    pub(in crate::config) apps: Vec<AppSection>,
    pub(in crate::config) connections: Vec<ConnectionSection>,
}

/// What the callers' sections refer to.
pub(in crate::config) struct OtherSections<'a> {
    /// The sections `[connections.<key>]`.
    pub(in crate::config) connections: &'a [ConnectionSection],
    /// The providers of kind `entra`.
    pub(in crate::config) entra: &'a BTreeMap<String, EntraSection>,
}

/// The keys of the connections that the sections name.
pub(in crate::config) fn named_connections(
    back_ends: &BTreeMap<String, RawBackEnd>,
    apps: &BTreeMap<String, RawApp>,
) -> BTreeSet<String> {
    let of_back_ends = back_ends.values().filter_map(RawBackEnd::named_connection);
    of_back_ends.chain(apps.values().filter_map(RawApp::named_connection)).map(str::to_owned).collect()
}

impl RawBackEnds {
    /// The sections of all three tables.
    pub(in crate::config) fn validate(
        self,
        others: &OtherSections<'_>,
        context: &Context,
        review: &mut Review<'_>,
    ) -> ValidatedBackEnds {
        let mut validated = ValidatedBackEnds::default();
        validated.add_add_ins(self.add_ins, context, review);
        let sources = Sources { add_ins: validated.connections.clone(), others, context };
        validated.add_back_ends(self.back_ends, &sources, review);
        validated.add_apps(self.apps, &sources, review);
        validated
    }
}

impl ValidatedBackEnds {
    fn add_add_ins(&mut self, raw: BTreeMap<String, RawAddIn>, context: &Context, review: &mut Review<'_>) {
        for (name, add_in) in raw {
            let place = Place::section("add_ins").key(&name);
            review.path_name(&name, "an add-in", &place);
            let Some((section, connection)) = add_in.validate(AddInName::new(&name), context, review, &place) else {
                continue;
            };
            refuse_same_path(&self.add_ins, &section, review, &place);
            self.add_ins.push(section);
            self.connections.push(connection);
        }
    }

    fn add_back_ends(&mut self, raw: BTreeMap<String, RawBackEnd>, sources: &Sources<'_>, review: &mut Review<'_>) {
        for (name, back_end) in raw {
            let place = Place::section("back_ends").key(&name);
            review.path_name(&name, "a back end", &place);
            let Some((section, connection)) = back_end.validate(BackEndName::new(&name), sources, review, &place)
            else {
                continue;
            };
            let client_id = &section.back_end.client_id;
            if let Some(other) = self.back_ends.iter().find(|other| other.back_end.client_id == *client_id) {
                let message = format!(
                    "is also the client id of the back end {:?}: each back end has its own",
                    other.back_end.name.as_str()
                );
                review.report(&place.key("client_id"), message);
            }
            self.back_ends.push(section);
            self.connections.push(connection);
        }
    }

    fn add_apps(&mut self, raw: BTreeMap<String, RawApp>, sources: &Sources<'_>, review: &mut Review<'_>) {
        for (id, app) in raw {
            let place = Place::section("apps").key(&id);
            review.path_name(&id, "an app", &place);
            let Some((section, connection)) = app.validate(AppId::new(&id), sources, review, &place) else { continue };
            self.apps.push(section);
            self.connections.push(connection);
        }
    }
}

/// Reports the path of `section`, whose place is `place`, if one of `others` has it, too.
fn refuse_same_path(others: &[AddInSection], section: &AddInSection, review: &mut Review<'_>, place: &Place) {
    let path_of = |section: &AddInSection| section.add_in.user_data.as_ref().map(|data| data.path.clone());
    let Some(path) = path_of(section) else { return };
    if let Some(other) = others.iter().find(|other| path_of(other).as_ref() == Some(&path)) {
        let message = format!(
            "{path:?} is also the path of the add-in {:?}: write another one, as \"/{}/getuserdata\"",
            other.add_in.name.as_str(),
            section.add_in.name
        );
        review.report(&place.key("user_data").key("path"), message);
    }
}
