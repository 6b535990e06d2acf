use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};

/// How many bytes of the digest name a version.
const HASH_BYTES: usize = 16;

/// One released version of a module.
pub struct Release {
    /// The text of the module.
    pub module: &'static str,
    /// The text of TypeScript's declarations of the module.
    pub declarations: &'static str,
}

/// The versions of a module that are served, the newest first. A new version takes the first place and removes the third: a
/// page that was loaded before an update still finds its version.
pub struct Releases(pub &'static [Release]);

impl Release {
    /// The name of the version in its address: the first 16 bytes of the module's SHA-256, as hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        digest_of(self.module)
    }
}

impl Releases {
    /// The newest version.
    #[must_use]
    pub fn newest(&self) -> Option<&'static Release> {
        self.0.first()
    }

    /// The version with this [name](Release::hash).
    #[must_use]
    pub fn find(&self, hash: &str) -> Option<&'static Release> {
        self.0.iter().find(|release| release.hash() == hash)
    }
}

/// The first 16 bytes of the SHA-256 of a text, as hexadecimal digits.
pub(super) fn digest_of(text: &str) -> String {
    let mut digits = String::with_capacity(2 * HASH_BYTES);
    for byte in digest(&SHA256, text.as_bytes()).as_ref().iter().take(HASH_BYTES) {
        // Writing into a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// What every module that is released keeps to; the doors' tests call it with their own.
#[cfg(test)]
pub mod testing {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::missing_panics_doc
    )]
    use aws_lc_rs::digest::{SHA384, digest};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::Releases;

    /// Asserts that a guide names the newest version at `place` (such as `/web-chat`), with its digest, and no other.
    pub fn assert_guide_names_the_newest(guide: &str, place: &str, releases: &Releases) {
        let newest = releases.newest().unwrap();
        let address = format!("{place}/{}/single-sign-on.js", newest.hash());
        assert!(guide.contains(&address), "the guide has to name {address}");
        let integrity = format!("sha384-{}", STANDARD.encode(digest(&SHA384, newest.module.as_bytes()).as_ref()));
        assert!(guide.contains(&integrity), "the guide has to name {integrity}");
        let others = guide.match_indices("sha384-").filter(|(at, _)| !guide[*at..].starts_with(&integrity));
        assert_eq!(others.count(), 0, "the guide names another digest");
    }

    /// Asserts that one or two versions are served, and that they differ.
    pub fn assert_at_most_two_versions(releases: &Releases) {
        assert!((1..=2).contains(&releases.0.len()));
        assert!(releases.0.windows(2).all(|pair| pair[0].hash() != pair[1].hash()));
    }
}
