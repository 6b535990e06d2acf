use std::cell::RefCell;
use std::sync::Arc;

use super::Secret;

/// Where randomness comes from. Passed as a parameter; every identifier, nonce and key is drawn from it.
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

    /// What an identifier is made of.
    fn id_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }
}

/// A source of randomness shared by the whole process.
pub type SharedEntropy = Arc<dyn Entropy>;

/// 256 random bits as 64 lower-case hexadecimal digits.
#[must_use]
pub fn draw_256_bits(entropy: &dyn Entropy) -> Secret {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    entropy.fill(&mut low);
    entropy.fill(&mut high);
    Secret::new(format!("{:032x}{:032x}", u128::from_be_bytes(low), u128::from_be_bytes(high)))
}

/// The operating system's randomness, through the process's one crypto provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(clippy::disallowed_methods, reason = "the one place that draws the system's randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // A service whose nonces may repeat must not go on: no caller could do anything better.
            std::process::abort();
        }
    }

    /// Out of a block that is drawn for many: a draw costs the processor's own generator, slow in a virtual machine, and
    /// every request has an id. Nonces and keys are drawn one by one.
    fn id_bytes(&self) -> [u8; 16] {
        if let Some(id) = DRAWN.with_borrow_mut(Vec::pop) {
            return id;
        }
        let mut block = [[0; 16]; IDS_DRAWN];
        self.fill(block.as_flattened_mut());
        let [id, others @ ..] = block;
        DRAWN.with_borrow_mut(|drawn| drawn.extend(others));
        id
    }
}

/// Ids that a thread draws at a time.
const IDS_DRAWN: usize = 64;

thread_local! {
    /// Of this thread, each used once.
    static DRAWN: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_comes_twice_whichever_thread_draws_it() {
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
