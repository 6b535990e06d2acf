//! Manifests of Teams apps and of Office add-ins, as far as a sign-in depends on them.
//!
//! Both forms are read: JSON (Teams, and the unified manifest of Microsoft 365) and the XML of Office add-ins.

mod comparison;
mod office;
mod teams;
#[cfg(test)]
mod tests;

pub(super) use self::comparison::compare;

/// What a manifest says of the sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// `webApplicationInfo`: for which app the client gets its token; `None` if the manifest has none.
    pub(super) application: Option<ManifestApplication>,
    /// `validDomains`; `None` in the XML form, which has no such list.
    pub(super) valid_domains: Option<Vec<String>>,
    /// The app ids of the bots, and of the message extensions.
    pub(super) bot_ids: Vec<String>,
    /// Whether it is in the XML form, which only Office add-ins have.
    pub(super) is_of_office: bool,
}

/// `webApplicationInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ManifestApplication {
    /// The app registration.
    pub(super) id: Option<String>,
    /// Its App ID URI.
    pub(super) resource: Option<String>,
    /// `Scopes`; `None` in the JSON form, which has none.
    pub(super) scopes: Option<Vec<String>>,
}

impl Manifest {
    /// Reads a manifest. The form shows in its first character.
    ///
    /// # Errors
    /// What is wrong with `text`, for a person.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        match text.bytes().next() {
            Some(b'<') => office::read(text),
            Some(b'{') => teams::read(text),
            Some(b'P') => Err("is a package: unpack it, and give the manifest that is in it".to_owned()),
            _ => Err("is neither the JSON of a Teams manifest nor the XML of an Office add-in's".to_owned()),
        }
    }
}
