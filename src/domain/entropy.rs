use std::sync::Arc;

/// Where randomness comes from. Passed as a parameter; every identifier, nonce and key is drawn from it.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with cryptographically secure random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// 128 random bits as 32 lower-case hexadecimal digits.
    fn hex_id(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.fill(&mut bytes);
        uuid::Uuid::from_bytes(bytes).simple().to_string()
    }

    /// A random UUID (version 4) in its hyphenated form.
    fn uuid(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string()
    }
}

/// A source of randomness shared by the whole process.
pub type SharedEntropy = Arc<dyn Entropy>;

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
}
