//! The hashes that are checked for users that do not exist.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::argon2_hash::HashParameters;
use crate::domain::Entropy;

/// The most parameters that are remembered. An operator changes them seldom.
const MOST_PARAMETERS: usize = 8;

/// Hashes that no password has: one with the parameters of new hashes, and one with each of the older parameters that the hash of a user
/// was seen to have. Without the older ones, a check that takes as long as before a change of the parameters would say that there
/// is a user (docs/directory.md §Users and passwords). Each replica knows the parameters that it has seen itself.
pub(super) struct DecoyHashes {
    hashes: Mutex<Vec<DecoyHash>>,
    /// Chooses for each login. The key is drawn with the process, so a stranger cannot tell which login has which parameters.
    choice: RandomState,
}

struct DecoyHash {
    parameters: HashParameters,
    hash: Arc<str>,
}

impl DecoyHashes {
    pub(super) fn new(present: HashParameters, entropy: &dyn Entropy) -> Self {
        let decoys = Self { hashes: Mutex::default(), choice: RandomState::new() };
        decoys.note(present, entropy);
        decoys
    }

    /// Notes that hashes of users have `parameters`.
    pub(super) fn note(&self, parameters: HashParameters, entropy: &dyn Entropy) {
        let mut hashes = self.lock();
        let is_known = hashes.iter().any(|known| known.parameters == parameters);
        if !is_known && hashes.len() < MOST_PARAMETERS {
            let hash = parameters.draw_hash(entropy).unwrap_or_default().into();
            hashes.push(DecoyHash { parameters, hash });
        }
    }

    /// The hash that is checked for a `login` that no user has: always the same one for the same `login` as long as no parameters are added.
    pub(super) fn choose(&self, login: &[&str]) -> Arc<str> {
        let hashes = self.lock();
        let chosen = hashes.iter().max_by_key(|known| self.choice.hash_one((login, known.parameters)));
        chosen.map(|known| known.hash.clone()).unwrap_or_default()
    }

    /// The hash with the parameters of new ones.
    pub(super) fn present(&self) -> Arc<str> {
        self.lock().first().map(|present| present.hash.clone()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<DecoyHash>> {
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
