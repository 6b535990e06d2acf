use std::sync::Arc;

use bytes::Bytes;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{LIFE, PendingError};
use crate::domain::{Entropy, Secret, SharedClock, SharedEntropy};
use crate::sealing::Sealer;
use crate::store::{Record, RecordKey, Store};

/// Where a browser's sign-in has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserStep {
    /// The browser is at the identity provider; the handle is the `state` of the authorization request.
    AtProvider,
    /// It is back and has been identified; what is left is for its user to confirm.
    Identified,
}

/// What lies under a handle, for the browser that asks.
#[derive(Debug)]
pub enum Found<T> {
    /// This, kept for this very browser.
    Here(T),
    /// Something that was kept for another browser, and still is.
    OfAnotherBrowser,
    /// Nothing: made up, over, or used already.
    Nothing,
}

/// The sign-ins that browsers have under way: each step a record of fifteen minutes that one browser alone can take up,
/// and once. What a record says is its writer's business.
pub struct BrowserSignIns {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: SharedClock,
    entropy: SharedEntropy,
}

impl BrowserStep {
    const fn purpose(self) -> &'static str {
        match self {
            Self::AtProvider => "pending.browser.at_provider",
            Self::Identified => "pending.browser.identified",
        }
    }
}

impl BrowserSignIns {
    /// Sign-ins kept in `store`.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock, entropy: SharedEntropy) -> Self {
        Self { store, sealer, clock, entropy }
    }

    /// Keeps `content` for the browser that has the secret `browser`, and draws the handle: 256 random bits as
    /// hexadecimal digits.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails: the browser must then not be sent on.
    pub async fn put(&self, step: BrowserStep, browser: &Secret, content: &[u8]) -> Result<Secret, PendingError> {
        let handle = draw_256_bits(self.entropy.as_ref());
        let key = self.key(step, &handle);
        let mut plain = Zeroizing::new(Vec::with_capacity(32 + content.len()));
        plain.extend_from_slice(&self.browser_mac(browser));
        plain.extend_from_slice(content);
        let record = Record {
            value: Bytes::from(self.sealer.seal(&[step.purpose().as_bytes(), &key.0], &plain)?),
            expires_at: self.clock.now().plus(LIFE),
            index: None,
        };
        self.store.put(key, record).await?;
        Ok(handle)
    }

    /// What lies under `handle`, which stays there.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn find(
        &self,
        step: BrowserStep,
        handle: &Secret,
        browser: &Secret,
    ) -> Result<Found<Zeroizing<Vec<u8>>>, PendingError> {
        let key = self.key(step, handle);
        let Some(sealed) = self.store.get(key).await? else { return Ok(Found::Nothing) };
        self.open(step, key, (&sealed, browser))
    }

    /// Takes what lies under `handle`: of many callers one gets it. Another browser takes nothing away.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails.
    pub async fn take(
        &self,
        step: BrowserStep,
        handle: &Secret,
        browser: &Secret,
    ) -> Result<Found<Zeroizing<Vec<u8>>>, PendingError> {
        let found = self.find(step, handle, browser).await?;
        if !matches!(found, Found::Here(_)) {
            return Ok(found);
        }
        // A handle is drawn once, so what is taken is what was found.
        Ok(match self.store.take(self.key(step, handle)).await? {
            Some(_) => found,
            None => Found::Nothing,
        })
    }

    fn open(
        &self,
        step: BrowserStep,
        key: RecordKey,
        (sealed, browser): (&[u8], &Secret),
    ) -> Result<Found<Zeroizing<Vec<u8>>>, PendingError> {
        let plain = self.sealer.open(&[step.purpose().as_bytes(), &key.0], sealed)?;
        let (mac, content) = plain.split_first_chunk::<32>().ok_or(PendingError::Unreadable)?;
        if !bool::from(mac.ct_eq(&self.browser_mac(browser))) {
            return Ok(Found::OfAnotherBrowser);
        }
        Ok(Found::Here(Zeroizing::new(content.to_vec())))
    }

    fn key(&self, step: BrowserStep, handle: &Secret) -> RecordKey {
        RecordKey(self.sealer.mac(step.purpose(), &[handle.expose().as_bytes()]))
    }

    fn browser_mac(&self, browser: &Secret) -> [u8; 32] {
        self.sealer.mac("pending.browser", &[browser.expose().as_bytes()])
    }
}

/// 256 random bits as 64 lower-case hexadecimal digits.
#[must_use]
pub fn draw_256_bits(entropy: &dyn Entropy) -> Secret {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    entropy.fill(&mut low);
    entropy.fill(&mut high);
    Secret::new(format!("{:032x}{:032x}", u128::from_be_bytes(low), u128::from_be_bytes(high)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::time::Duration;

    use super::*;
    use crate::domain::SystemEntropy;
    use crate::sealing::testing::throwaway_sealer;
    use crate::store::testing::{ThrowawayStore, throwaway_store};

    const STEP: BrowserStep = BrowserStep::AtProvider;

    fn over(beneath: &ThrowawayStore, sealer: &Arc<Sealer>) -> BrowserSignIns {
        let clock = beneath.shared_clock.clone();
        BrowserSignIns::new(beneath.store.clone(), sealer.clone(), clock, Arc::new(SystemEntropy))
    }

    fn text(found: &Found<Zeroizing<Vec<u8>>>) -> String {
        match found {
            Found::Here(content) => String::from_utf8(content.to_vec()).unwrap(),
            Found::OfAnotherBrowser => "another browser's".to_owned(),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[tokio::test]
    async fn one_browser_takes_it_once_also_after_a_restart() {
        let (beneath, sealer) = (throwaway_store(), throwaway_sealer());
        let (ours, other) = (Secret::from("ours"), Secret::from("other"));
        let handle = over(&beneath, &sealer).put(STEP, &ours, b"content").await.unwrap();
        assert_eq!(handle.expose().len(), 64);
        let sign_ins = over(&beneath, &sealer);
        for _ in 0..2 {
            assert_eq!(text(&sign_ins.take(STEP, &handle, &other).await.unwrap()), "another browser's");
            assert_eq!(text(&sign_ins.find(STEP, &handle, &ours).await.unwrap()), "content");
        }
        assert_eq!(text(&sign_ins.take(BrowserStep::Identified, &handle, &ours).await.unwrap()), "nothing");
        assert_eq!(text(&sign_ins.take(STEP, &handle, &ours).await.unwrap()), "content");
        assert_eq!(text(&sign_ins.take(STEP, &handle, &ours).await.unwrap()), "nothing");
        assert_eq!(text(&sign_ins.take(STEP, &Secret::from(""), &ours).await.unwrap()), "nothing");
    }

    #[tokio::test]
    async fn of_many_takers_one_gets_it() {
        let (beneath, sealer) = (throwaway_store(), throwaway_sealer());
        let (sign_ins, ours) = (over(&beneath, &sealer), Secret::from("ours"));
        let handle = sign_ins.put(STEP, &ours, b"content").await.unwrap();
        let takers = (0..8).map(|_| sign_ins.take(STEP, &handle, &ours));
        let taken = futures_util::future::join_all(takers).await;
        assert_eq!(taken.iter().filter(|taken| text(taken.as_ref().unwrap()) == "content").count(), 1);
    }

    #[tokio::test]
    async fn fifteen_minutes_end_it() {
        let (beneath, sealer) = (throwaway_store(), throwaway_sealer());
        let (sign_ins, ours) = (over(&beneath, &sealer), Secret::from("ours"));
        let handle = sign_ins.put(STEP, &ours, b"content").await.unwrap();
        beneath.clock.advance(LIFE.checked_sub(Duration::from_secs(5)).unwrap());
        assert_eq!(text(&sign_ins.find(STEP, &handle, &ours).await.unwrap()), "content");
        beneath.clock.advance(Duration::from_secs(5));
        assert_eq!(text(&sign_ins.take(STEP, &handle, &ours).await.unwrap()), "nothing");
    }
}
