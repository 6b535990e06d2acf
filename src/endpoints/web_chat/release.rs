use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};

/// How many bytes of the digest name a version.
const HASH_BYTES: usize = 16;

/// One released version of the module.
pub struct Release {
    pub(super) module: &'static str,
    pub(super) declarations: &'static str,
}

/// The versions that are served, the newest first. A new version is a new folder below `versions`, takes the first place
/// here and removes the third: a page that was loaded before an update still finds its version.
pub const RELEASES: &[Release] = &[Release {
    module: include_str!("versions/1/single-sign-on.js"),
    declarations: include_str!("versions/1/single-sign-on.d.ts"),
}];

impl Release {
    /// The name of the version in its address: the first 16 bytes of the module's SHA-256, as hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut text = String::with_capacity(2 * HASH_BYTES);
        for byte in digest(&SHA256, self.module.as_bytes()).as_ref().iter().take(HASH_BYTES) {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use aws_lc_rs::digest::{SHA384, digest};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::RELEASES;

    #[test]
    fn the_guide_for_site_owners_names_the_newest_version() {
        let guide = include_str!("../../../docs/web-chat.md");
        let newest = &RELEASES[0];
        let address = format!("/web-chat/{}/single-sign-on.js", newest.hash());
        assert!(guide.contains(&address), "docs/web-chat.md has to name {address}");
        let integrity = format!("sha384-{}", STANDARD.encode(digest(&SHA384, newest.module.as_bytes()).as_ref()));
        assert!(guide.contains(&integrity), "docs/web-chat.md has to name {integrity}");
        let others = guide.match_indices("sha384-").filter(|(at, _)| !guide[*at..].starts_with(&integrity));
        assert_eq!(others.count(), 0, "docs/web-chat.md names another digest");
    }

    #[test]
    fn at_most_two_versions_are_served_and_no_two_are_equal() {
        assert!((1..=2).contains(&RELEASES.len()));
        assert!(RELEASES.windows(2).all(|pair| pair[0].hash() != pair[1].hash()));
    }
}
