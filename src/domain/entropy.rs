use std::cell::RefCell;
use std::sync::Arc;

use super::Secret;

/// The source of randomness for identifiers, nonces and keys. It is passed as a parameter so that tests can replace it.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with cryptographically secure random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// 128 random bits as 32 lower-case hexadecimal digits.
    fn hex_id(&self) -> String {
        uuid::Uuid::from_bytes(self.id_bytes()).simple().to_string()
    }

    /// A random UUID (version 4) in its hyphenated form.
    fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.id_bytes()).into_uuid().hyphenated().to_string()
    }

    /// The 128 random bits of one identifier.
    fn id_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }
}

/// A source of randomness shared by the whole process.
pub type SharedEntropy = Arc<dyn Entropy>;

/// Draws 256 random bits as 64 lower-case hexadecimal digits.
#[must_use]
pub fn draw_256_bits(entropy: &dyn Entropy) -> Secret {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    entropy.fill(&mut low);
    entropy.fill(&mut high);
    Secret::new(format!("{:032x}{:032x}", u128::from_be_bytes(low), u128::from_be_bytes(high)))
}

/// The operating system's randomness, read through the cryptographic library of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(clippy::disallowed_methods, reason = "the one place that draws the system's randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // Without randomness, nonces could repeat. No caller can recover from that, so the process ends.
            std::process::abort();
        }
    }

    /// Takes one id from a block of ids that the thread has drawn at once. A draw uses the processor's generator, which
    /// is slow in a virtual machine, and every request needs an id. Nonces and keys do not come from this block.
    fn id_bytes(&self) -> [u8; 16] {
        if let Some(id) = DRAWN_IDS.with_borrow_mut(Vec::pop) {
            return id;
        }
        let mut block = [[0; 16]; ID_BLOCK_SIZE];
        self.fill(block.as_flattened_mut());
        let [id, others @ ..] = block;
        DRAWN_IDS.with_borrow_mut(|drawn| drawn.extend(others));
        id
    }
}

/// The number of ids that a thread draws at a time.
const ID_BLOCK_SIZE: usize = 64;

thread_local! {
    /// The unused ids that this thread has drawn. Each id is used once.
    static DRAWN_IDS: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_across_threads() {
        let draw = || (0..1000).map(|_| SystemEntropy.uuid()).collect::<Vec<_>>();
        let others: Vec<_> = (0..3).map(|_| std::thread::spawn(draw)).collect();
        let mut ids: HashSet<String> = draw().into_iter().collect();
        for other in others {
            ids.extend(other.join().unwrap_or_default());
        }
        assert_eq!(ids.len(), 4000);
        assert!(ids.iter().all(|id| id.len() == 36 && !id.starts_with("00000000")));
    }
}
