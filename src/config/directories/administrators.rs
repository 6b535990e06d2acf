use serde::Deserialize;

use crate::config::back_ends::secret_hashes;
use crate::config::review::{Place, Review};
use crate::domain::{Administrator, AdministratorRole, SecretHash};

use super::section::DirectorySection;

/// The size limit of an administrator's name, in bytes.
const MAX_NAME_BYTES: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawAdministrator {
    name: Option<String>,
    role: Option<RawRole>,
    token_sha256: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawRole {
    Reader,
    Writer,
    Manager,
}

impl From<RawRole> for AdministratorRole {
    fn from(raw: RawRole) -> Self {
        match raw {
            RawRole::Reader => Self::Reader,
            RawRole::Writer => Self::Writer,
            RawRole::Manager => Self::Manager,
        }
    }
}

impl RawAdministrator {
    fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<Administrator> {
        let at = place.key("name");
        let name = review.required(self.name, &at, "the name that the audit stream has, as \"ops\"");
        let name = name.and_then(|name| administrator_name(name, review, &at));
        let role = review.required(self.role, &place.key("role"), "\"reader\", \"writer\" or \"manager\"");
        let tokens = secret_hashes(self.token_sha256, review, &place.key("token_sha256"));
        Some(Administrator { name: name?, role: role?.into(), tokens: tokens? })
    }
}

fn administrator_name(name: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    if !fits {
        review.report(place, format!("is no name for an administrator: write 1 to {MAX_NAME_BYTES} bytes of text"));
    }
    fits.then_some(name)
}

/// The administrators of a directory at `place`, each with a name of its own.
pub(super) fn administrators(
    raw: Vec<RawAdministrator>,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<Vec<Administrator>> {
    let validated: Vec<_> =
        raw.into_iter().enumerate().map(|(index, one)| one.validate(review, &place.index(index))).collect();
    let administrators: Vec<Administrator> = validated.into_iter().collect::<Option<_>>()?;
    for (index, one) in administrators.iter().enumerate() {
        if administrators.iter().take(index).any(|earlier| earlier.name == one.name) {
            let message = format!("{:?} is the name of an earlier administrator, too: write another one", one.name);
            review.report(&place.index(index).key("name"), message);
        }
    }
    Some(administrators)
}

/// Reports the hash of an administrator's token that another administrator has, too: a token says which administrator
/// calls.
pub(super) fn refuse_shared_tokens(sections: &[DirectorySection], review: &mut Review<'_>) {
    let mut known: Vec<(SecretHash, Place)> = Vec::new();
    for section in sections {
        let place = Place::section("directories").key(&section.directory.name).key("administrators");
        for (index, administrator) in section.directory.administrators.iter().enumerate() {
            let at = place.index(index).key("token_sha256");
            for (position, hash) in administrator.tokens.iter().enumerate() {
                match known.iter().find(|(earlier, of)| earlier == hash && *of != at) {
                    Some((_, other)) => {
                        let message = format!(
                            "is a hash at {}, too, and a token belongs to one administrator: draw one for each with bot-sso keys \
                             secret",
                            other.as_str()
                        );
                        review.report(&at.index(position), message);
                    }
                    None => known.push((*hash, at.clone())),
                }
            }
        }
    }
}
