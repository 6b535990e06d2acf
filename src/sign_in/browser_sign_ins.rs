use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::domain::{RecordKey, Secret, SharedEntropy, draw_256_bits};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue};

/// How far a browser's sign-in has got, and what is remembered of it there. The kind tells the steps apart.
pub trait BrowserStep: Clone {
    /// The kind of the step's records.
    const KIND: &'static Kind;

    /// As [`Content::encode`].
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>>;

    /// As [`Content::decode`].
    fn decode(plain: Plaintext<'_>) -> Option<Self>;
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
/// and once.
pub struct BrowserSignIns {
    records: Records,
    entropy: SharedEntropy,
}

/// A step and the browser it is kept for, which is known by a MAC of its secret.
struct BrowserRecord<T> {
    browser: [u8; 32],
    step: T,
}

impl<T: BrowserStep> Content for BrowserRecord<T> {
    const KIND: &'static Kind = T::KIND;

    /// The browser, the step.
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let step = self.step.encode()?;
        let mut plain = Zeroizing::new(Vec::with_capacity(self.browser.len() + step.len()));
        plain.extend_from_slice(&self.browser);
        plain.extend_from_slice(&step);
        Some(plain)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let (browser, step) = plain.split_first_chunk()?;
        Some(Self { browser: *browser, step: T::decode(step)? })
    }
}

impl BrowserSignIns {
    /// Sign-ins kept in `records`, their handles drawn from `entropy`.
    #[must_use]
    pub fn new(records: &Records, entropy: SharedEntropy) -> Self {
        Self { records: records.clone(), entropy }
    }

    /// Keeps `step` for the browser that has the secret `browser`, and draws the handle: 256 random bits as hexadecimal
    /// digits.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails: the browser must then not be sent on.
    pub async fn put<T: BrowserStep>(&self, browser: &Secret, step: &T) -> Result<Secret, RecordError> {
        let (handle, steps) = (draw_256_bits(self.entropy.as_ref()), self.steps());
        let content = BrowserRecord { browser: self.browser_mac(browser), step: step.clone() };
        steps.put(steps.seal(key(&steps, &handle), &content)?).await?;
        Ok(handle)
    }

    /// What lies under `handle`, which stays there.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find<T: BrowserStep>(&self, handle: &Secret, browser: &Secret) -> Result<Found<T>, RecordError> {
        let steps = self.steps::<T>();
        let Some(record) = steps.get(key(&steps, handle)).await? else { return Ok(Found::Nothing) };
        if !bool::from(record.content.browser.ct_eq(&self.browser_mac(browser))) {
            return Ok(Found::OfAnotherBrowser);
        }
        Ok(Found::Here(record.content.step))
    }

    /// Takes what lies under `handle`: of many callers one gets it. Another browser takes nothing away.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn take<T: BrowserStep>(&self, handle: &Secret, browser: &Secret) -> Result<Found<T>, RecordError> {
        let found = self.find(handle, browser).await?;
        if !matches!(found, Found::Here(_)) {
            return Ok(found);
        }
        // A handle is drawn once, so what is taken is what was found.
        let steps = self.steps::<T>();
        Ok(steps.take(key(&steps, handle)).await?.map_or(Found::Nothing, |record| Found::Here(record.step)))
    }

    fn steps<T: BrowserStep>(&self) -> Collection<BrowserRecord<T>> {
        Collection::new(&self.records)
    }

    fn browser_mac(&self, browser: &Secret) -> [u8; 32] {
        self.records.mac(&catalogue::BROWSER_SECRET, &[browser.expose().as_bytes()])
    }
}

fn key<T: BrowserStep>(steps: &Collection<BrowserRecord<T>>, handle: &Secret) -> RecordKey {
    steps.key(&[handle.expose().as_bytes()])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::SystemEntropy;
    use crate::records::testing::{ThrowawayRecords, throwaway_records};

    #[derive(Clone)]
    struct AtProvider(&'static [u8]);

    #[derive(Clone)]
    struct Identified;

    impl BrowserStep for AtProvider {
        const KIND: &'static Kind = &catalogue::BROWSER_AT_PROVIDER;

        fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
            Some(Zeroizing::new(self.0.to_vec()))
        }

        fn decode(plain: Plaintext<'_>) -> Option<Self> {
            (plain.bytes() == b"content").then_some(Self(b"content"))
        }
    }

    impl BrowserStep for Identified {
        const KIND: &'static Kind = &catalogue::BROWSER_IDENTIFIED;

        fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
            None
        }

        fn decode(_: Plaintext<'_>) -> Option<Self> {
            Some(Self)
        }
    }

    const STEP: AtProvider = AtProvider(b"content");

    fn over(beneath: &ThrowawayRecords) -> BrowserSignIns {
        BrowserSignIns::new(&beneath.records, Arc::new(SystemEntropy))
    }

    fn text<T>(found: &Found<T>) -> &'static str {
        match found {
            Found::Here(_) => "content",
            Found::OfAnotherBrowser => "another browser's",
            Found::Nothing => "nothing",
        }
    }

    async fn taken(sign_ins: &BrowserSignIns, handle: &Secret, browser: &Secret) -> &'static str {
        text(&sign_ins.take::<AtProvider>(handle, browser).await.unwrap())
    }

    #[tokio::test]
    async fn one_browser_takes_it_once_also_after_a_restart() {
        let beneath = throwaway_records();
        let (ours, other) = (Secret::from("ours"), Secret::from("other"));
        let handle = over(&beneath).put(&ours, &STEP).await.unwrap();
        assert_eq!(handle.expose().len(), 64);
        let sign_ins = over(&beneath);
        for _ in 0..2 {
            assert_eq!(taken(&sign_ins, &handle, &other).await, "another browser's");
            assert_eq!(text(&sign_ins.find::<AtProvider>(&handle, &ours).await.unwrap()), "content");
        }
        assert_eq!(text(&sign_ins.take::<Identified>(&handle, &ours).await.unwrap()), "nothing");
        assert_eq!(taken(&sign_ins, &handle, &ours).await, "content");
        assert_eq!(taken(&sign_ins, &handle, &ours).await, "nothing");
        assert_eq!(taken(&sign_ins, &Secret::from(""), &ours).await, "nothing");
    }

    #[tokio::test]
    async fn of_many_takers_one_gets_it() {
        let beneath = throwaway_records();
        let (sign_ins, ours) = (over(&beneath), Secret::from("ours"));
        let handle = sign_ins.put(&ours, &STEP).await.unwrap();
        let takers = (0..8).map(|_| taken(&sign_ins, &handle, &ours));
        let taken = futures_util::future::join_all(takers).await;
        assert_eq!(taken.iter().filter(|taken| **taken == "content").count(), 1);
    }

    #[tokio::test]
    async fn fifteen_minutes_end_it() {
        let beneath = throwaway_records();
        let (sign_ins, ours) = (over(&beneath), Secret::from("ours"));
        let handle = sign_ins.put(&ours, &STEP).await.unwrap();
        beneath.clock.advance(catalogue::CARD_LIFETIME.checked_sub(Duration::from_secs(5)).unwrap());
        assert_eq!(text(&sign_ins.find::<AtProvider>(&handle, &ours).await.unwrap()), "content");
        beneath.clock.advance(Duration::from_secs(5));
        assert_eq!(taken(&sign_ins, &handle, &ours).await, "nothing");
    }
}
