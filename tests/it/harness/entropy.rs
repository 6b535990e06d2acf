//! Randomness that marks its UUIDs. All tests share one log, and a test finds its own lines by the mark in the request
//! id.

use std::sync::atomic::{AtomicU32, Ordering};

use bot_sso::domain::{Entropy, SystemEntropy};

static APPLICATIONS: AtomicU32 = AtomicU32::new(0);

/// The prefix of the request ids of the next application.
pub fn next_tag() -> String {
    format!("7e57{:04x}-", APPLICATIONS.fetch_add(1, Ordering::SeqCst))
}

/// The system's randomness, except that UUIDs begin with a tag.
pub struct TaggedEntropy(String);

impl TaggedEntropy {
    pub fn new(tag: &str) -> Self {
        Self(tag.to_owned())
    }
}

impl Entropy for TaggedEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        SystemEntropy.fill(bytes);
    }

    fn uuid(&self) -> String {
        let uuid = SystemEntropy.uuid();
        format!("{}{}", self.0, &uuid[self.0.len()..])
    }
}
