use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::domain::{RecordKey, Secret, SharedEntropy, draw_256_bits};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, catalogue};

/// One step of a browser's sign-in, and what is kept until the browser continues from it. Each step has its own record
/// kind.
pub trait BrowserStep: Clone {
    /// The kind of record that keeps the step.
    const KIND: &'static Kind;

    /// As [`Content::encode`].
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>>;

    /// As [`Content::decode`].
    fn decode(plain: Plaintext<'_>) -> Option<Self>;
}

/// The result of looking up a handle for a browser.
#[derive(Debug)]
pub enum BrowserRecordLookup<T> {
    /// The step that is kept for this browser.
    Step(T),
    /// The step is kept for another browser, and stays kept.
    OfAnotherBrowser,
    /// No step is kept: the handle was made up, has expired, or was used already.
    Missing,
}

/// The running sign-ins of browsers. Each step is a record that is kept for fifteen minutes and that only the browser
/// it was
/// kept for can take, once.
pub struct BrowserSignIns {
    records: Records,
    entropy: SharedEntropy,
}

/// A step, and a MAC of the secret of the browser that it is kept for.
struct BrowserRecord<T> {
    browser_mac: [u8; 32],
    step: T,
}

impl<T: BrowserStep> Content for BrowserRecord<T> {
    const KIND: &'static Kind = T::KIND;

    /// Layout: MAC of the browser's secret (32 bytes), step.
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let step = self.step.encode()?;
        let mut plain = Zeroizing::new(Vec::with_capacity(self.browser_mac.len() + step.len()));
        plain.extend_from_slice(&self.browser_mac);
        plain.extend_from_slice(&step);
        Some(plain)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let (browser_mac, step) = plain.split_first_chunk()?;
        Some(Self { browser_mac: *browser_mac, step: T::decode(step)? })
    }
}

impl BrowserSignIns {
    /// Keeps steps in `records` and draws their handles from `entropy`.
    #[must_use]
    pub fn new(records: &Records, entropy: SharedEntropy) -> Self {
        Self { records: records.clone(), entropy }
    }

    /// Keeps `step` for the browser that has the secret `browser`. Returns a new handle: 256 random bits as hexadecimal
    /// digits.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The browser must then not continue, because its next step is not kept.
    pub async fn put<T: BrowserStep>(&self, browser: &Secret, step: &T) -> Result<Secret, RecordError> {
        let (handle, steps) = (draw_256_bits(self.entropy.as_ref()), self.steps());
        let content = BrowserRecord { browser_mac: self.browser_mac(browser), step: step.clone() };
        steps.put(steps.seal(key(&steps, &handle), &content)?).await?;
        Ok(handle)
    }

    /// Looks up the step under `handle`, which stays kept.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find<T: BrowserStep>(
        &self,
        handle: &Secret,
        browser: &Secret,
    ) -> Result<BrowserRecordLookup<T>, RecordError> {
        let steps = self.steps::<T>();
        let Some(record) = steps.get(key(&steps, handle)).await? else { return Ok(BrowserRecordLookup::Missing) };
        if !bool::from(record.content.browser_mac.ct_eq(&self.browser_mac(browser))) {
            return Ok(BrowserRecordLookup::OfAnotherBrowser);
        }
        Ok(BrowserRecordLookup::Step(record.content.step))
    }

    /// Takes the step under `handle`. Of several callers one gets it. A call with the secret of another browser removes
    /// nothing.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn take<T: BrowserStep>(
        &self,
        handle: &Secret,
        browser: &Secret,
    ) -> Result<BrowserRecordLookup<T>, RecordError> {
        let found = self.find(handle, browser).await?;
        if !matches!(found, BrowserRecordLookup::Step(_)) {
            return Ok(found);
        }
        // A handle is never reused, so the step taken is the step found, and the check of the browser holds for it.
        let steps = self.steps::<T>();
        Ok(steps
            .take(key(&steps, handle))
            .await?
            .map_or(BrowserRecordLookup::Missing, |record| BrowserRecordLookup::Step(record.step)))
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

    fn sign_ins_in(store: &ThrowawayRecords) -> BrowserSignIns {
        BrowserSignIns::new(&store.records, Arc::new(SystemEntropy))
    }

    fn text<T>(found: &BrowserRecordLookup<T>) -> &'static str {
        match found {
            BrowserRecordLookup::Step(_) => "content",
            BrowserRecordLookup::OfAnotherBrowser => "another browser's",
            BrowserRecordLookup::Missing => "nothing",
        }
    }

    async fn taken(sign_ins: &BrowserSignIns, handle: &Secret, browser: &Secret) -> &'static str {
        text(&sign_ins.take::<AtProvider>(handle, browser).await.unwrap())
    }

    #[tokio::test]
    async fn only_its_own_browser_takes_a_step_and_only_once_even_after_a_restart() {
        let store = throwaway_records();
        let (own, other) = (Secret::from("own"), Secret::from("other"));
        let handle = sign_ins_in(&store).put(&own, &STEP).await.unwrap();
        assert_eq!(handle.expose().len(), 64);
        let sign_ins = sign_ins_in(&store);
        for _ in 0..2 {
            assert_eq!(taken(&sign_ins, &handle, &other).await, "another browser's");
            assert_eq!(text(&sign_ins.find::<AtProvider>(&handle, &own).await.unwrap()), "content");
        }
        assert_eq!(text(&sign_ins.take::<Identified>(&handle, &own).await.unwrap()), "nothing");
        assert_eq!(taken(&sign_ins, &handle, &own).await, "content");
        assert_eq!(taken(&sign_ins, &handle, &own).await, "nothing");
        assert_eq!(taken(&sign_ins, &Secret::from(""), &own).await, "nothing");
    }

    #[tokio::test]
    async fn one_of_many_concurrent_callers_takes_the_step() {
        let store = throwaway_records();
        let (sign_ins, own) = (sign_ins_in(&store), Secret::from("own"));
        let handle = sign_ins.put(&own, &STEP).await.unwrap();
        let takers = (0..8).map(|_| taken(&sign_ins, &handle, &own));
        let taken = futures_util::future::join_all(takers).await;
        assert_eq!(taken.iter().filter(|taken| **taken == "content").count(), 1);
    }

    #[tokio::test]
    async fn a_step_ends_after_fifteen_minutes() {
        let store = throwaway_records();
        let (sign_ins, own) = (sign_ins_in(&store), Secret::from("own"));
        let handle = sign_ins.put(&own, &STEP).await.unwrap();
        store.clock.advance(catalogue::CARD_LIFETIME.checked_sub(Duration::from_secs(5)).unwrap());
        assert_eq!(text(&sign_ins.find::<AtProvider>(&handle, &own).await.unwrap()), "content");
        store.clock.advance(Duration::from_secs(5));
        assert_eq!(taken(&sign_ins, &handle, &own).await, "nothing");
    }
}
