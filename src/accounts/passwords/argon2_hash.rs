//! One hash of a password: made, checked, and judged by its parameters.

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};

use crate::domain::Entropy;

/// Bytes of a salt (RFC 9106 §3.1).
const SALT_BYTES: usize = 16;
/// Hashes that want more memory than this are not checked: 1 GiB, in KiB.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
/// Hashes that want more passes than this are not checked.
const MOST_PASSES: u32 = 64;
/// Hashes with more lanes than this are not checked.
const MOST_LANES: u32 = 16;

/// The parameters of new hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashParameters {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl HashParameters {
    /// The parameters as the algorithm takes them: those of the type's default where they are out of its range.
    fn of_algorithm(self) -> Params {
        Params::new(self.memory_kib, self.passes, 1, Some(Params::DEFAULT_OUTPUT_LEN)).unwrap_or(Params::DEFAULT)
    }

    /// Hashes `password` with a new salt: a PHC string. `None` if the algorithm refuses.
    pub(super) fn hash(self, password: &str, entropy: &dyn Entropy) -> Option<String> {
        let algorithm = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.of_algorithm());
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let hash = algorithm.hash_password_with_salt(password.as_bytes(), &salt).ok()?;
        Some(hash.to_string())
    }

    /// A hash with these parameters that no password has: its output is drawn. `None` if it cannot be written.
    pub(super) fn draw_hash(self, entropy: &dyn Entropy) -> Option<String> {
        let (mut salt, mut output) = ([0; SALT_BYTES], [0; Params::DEFAULT_OUTPUT_LEN]);
        entropy.fill(&mut salt);
        entropy.fill(&mut output);
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&self.of_algorithm()).try_into().ok()?,
            salt: Some(Salt::new(&salt).ok()?),
            hash: Some(Output::new(&output).ok()?),
        };
        Some(hash.to_string())
    }

    /// The parameters of `hash`; `None` if it would not be checked, or has several lanes, which ours have not.
    pub(super) fn of_hash(hash: &str) -> Option<Self> {
        let hash = PasswordHash::new(hash).ok().filter(is_argon2id)?;
        let made = Params::try_from(&hash).ok().filter(is_affordable).filter(|made| made.p_cost() == 1)?;
        Some(Self { memory_kib: made.m_cost(), passes: made.t_cost() })
    }

    /// Whether `hash` was made with other parameters.
    pub(super) fn differ_from(self, hash: &str) -> bool {
        let Ok(hash) = PasswordHash::new(hash) else { return true };
        let present = self.of_algorithm();
        !is_argon2id(&hash)
            || Params::try_from(&hash).map_or(true, |made| {
                (made.m_cost(), made.t_cost(), made.p_cost()) != (present.m_cost(), present.t_cost(), present.p_cost())
            })
    }
}

/// Whether `password` is that of `hash`. `None` if the hash is malformed, of another algorithm, or would cost absurdly much.
pub(super) fn verify(password: &str, hash: &str) -> Option<bool> {
    let hash = PasswordHash::new(hash).ok().filter(is_argon2id)?;
    let made = Params::try_from(&hash).ok()?;
    is_affordable(&made).then(|| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

fn is_affordable(made: &Params) -> bool {
    made.m_cost() <= MOST_MEMORY_KIB && made.t_cost() <= MOST_PASSES && made.p_cost() <= MOST_LANES
}

fn is_argon2id(hash: &PasswordHash) -> bool {
    hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into())
}
