use std::fmt::Write as _;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::domain::{RecordKey, Secret, SharedEntropy, draw_256_bits};
use crate::records::{Collection, Content, Kind, Plaintext, RecordError, Records, SealedRecord, catalogue};

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
    /// No step is kept: the handle was made up, has expired, or led to the next step already.
    Missing,
}

/// The running sign-ins of browsers. Each step is a record that is kept for fifteen minutes and that only the browser
/// it was kept for can read.
pub struct BrowserSignIns {
    pub(super) records: Records,
    entropy: SharedEntropy,
}

/// The names of a browser's return, under which it is worked at and what came of it is remembered.
#[derive(Clone, Copy)]
pub(super) struct ReturnNames {
    /// The name of the browser's step.
    pub(super) step: [u8; 32],
    /// The name of the step and of the code that the browser brings.
    pub(super) code: [u8; 32],
}

/// A step, and a MAC of the secret of the browser that it is kept for.
pub(super) struct BrowserRecord<T> {
    browser_mac: [u8; 32],
    step: T,
}

/// A record that is ready to be kept, behind its collection.
type SealedStep<T> = (Collection<BrowserRecord<T>>, SealedRecord<BrowserRecord<T>>);

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

    /// Draws the handle of a first step: 256 random bits as hexadecimal digits.
    #[must_use]
    pub fn draw_handle(&self) -> Secret {
        draw_256_bits(self.entropy.as_ref())
    }

    /// The handle of the step that follows the step with `handle`. It is always the same, so that a browser which
    /// repeats a step arrives at the same next step.
    #[must_use]
    pub fn derive_next_handle(&self, handle: &Secret) -> Secret {
        let mac = self.records.mac(&catalogue::NEXT_STEP, &[handle.expose().as_bytes()]);
        Secret::new(mac.iter().fold(String::with_capacity(64), |mut digits, byte| {
            // Writing into a String cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        }))
    }

    /// A name for what `browser` does at the step `handle`, for work and its results: the same at every replica. `detail`
    /// separates several names of one step.
    #[must_use]
    pub fn name_step(&self, handle: &Secret, browser: &Secret, detail: &str) -> [u8; 32] {
        let parts = [handle.expose(), browser.expose(), detail].map(str::as_bytes);
        self.records.mac(&catalogue::STEP_NAME, &parts)
    }

    /// The names of the return of `browser` to the step `handle` with `code`.
    pub(super) fn name_return(&self, handle: &Secret, browser: &Secret, code: &Secret) -> ReturnNames {
        let step = self.name_step(handle, browser, "");
        ReturnNames { step, code: self.name_step(handle, browser, code.expose()) }
    }

    /// Keeps `step` under `handle` for the browser that has the secret `browser`.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The browser must then not continue, because its next step is not kept.
    pub async fn put<T: BrowserStep>(&self, handle: &Secret, browser: &Secret, step: &T) -> Result<(), RecordError> {
        let (steps, record) = self.seal(handle, browser, step)?;
        steps.put(record).await
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
        Ok(self.look_up(record.content, browser))
    }

    /// Removes the step under `handle`, because the next one is kept.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails. The step may then still be kept, until it expires.
    pub async fn remove<T: BrowserStep>(&self, handle: &Secret) -> Result<(), RecordError> {
        let steps = self.steps::<T>();
        steps.remove(vec![key(&steps, handle)]).await
    }

    /// The record of `step`, and the collection in which it is kept.
    pub(super) fn seal<T: BrowserStep>(
        &self,
        handle: &Secret,
        browser: &Secret,
        step: &T,
    ) -> Result<SealedStep<T>, RecordError> {
        let steps = self.steps();
        let content = BrowserRecord { browser_mac: self.browser_mac(browser), step: step.clone() };
        let record = steps.seal(key(&steps, handle), &content)?;
        Ok((steps, record))
    }

    /// What `record` is for `browser`.
    pub(super) fn look_up<T>(&self, record: BrowserRecord<T>, browser: &Secret) -> BrowserRecordLookup<T> {
        if bool::from(record.browser_mac.ct_eq(&self.browser_mac(browser))) {
            BrowserRecordLookup::Step(record.step)
        } else {
            BrowserRecordLookup::OfAnotherBrowser
        }
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

    async fn found(sign_ins: &BrowserSignIns, handle: &Secret, browser: &Secret) -> &'static str {
        text(&sign_ins.find::<AtProvider>(handle, browser).await.unwrap())
    }

    async fn begun(sign_ins: &BrowserSignIns, browser: &Secret) -> Secret {
        let handle = sign_ins.draw_handle();
        sign_ins.put(&handle, browser, &STEP).await.unwrap();
        handle
    }

    #[tokio::test]
    async fn only_its_own_browser_finds_a_step_until_it_is_removed_even_after_a_restart() {
        let store = throwaway_records();
        let (own, other) = (Secret::from("own"), Secret::from("other"));
        let handle = begun(&sign_ins_in(&store), &own).await;
        assert_eq!(handle.expose().len(), 64);
        let sign_ins = sign_ins_in(&store);
        for _ in 0..2 {
            assert_eq!(found(&sign_ins, &handle, &other).await, "another browser's");
            assert_eq!(found(&sign_ins, &handle, &own).await, "content");
        }
        assert_eq!(text(&sign_ins.find::<Identified>(&handle, &own).await.unwrap()), "nothing");
        assert_eq!(found(&sign_ins, &Secret::from(""), &own).await, "nothing");
        sign_ins.remove::<AtProvider>(&handle).await.unwrap();
        assert_eq!(found(&sign_ins, &handle, &own).await, "nothing");
    }

    #[test]
    fn the_next_handle_is_always_the_same_and_tells_nothing_of_the_one_before() {
        let store = throwaway_records();
        let sign_ins = sign_ins_in(&store);
        let (first, second) = (sign_ins.draw_handle(), sign_ins.draw_handle());
        let next = sign_ins.derive_next_handle(&first);
        assert_eq!(sign_ins_in(&store).derive_next_handle(&first).expose(), next.expose());
        assert!(next.expose().len() == 64 && next.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(next.expose() != first.expose() && next.expose() != sign_ins.derive_next_handle(&second).expose());
    }

    #[tokio::test]
    async fn a_step_ends_after_fifteen_minutes() {
        let store = throwaway_records();
        let (sign_ins, own) = (sign_ins_in(&store), Secret::from("own"));
        let handle = begun(&sign_ins, &own).await;
        store.clock.advance(catalogue::CARD_LIFETIME.checked_sub(Duration::from_secs(5)).unwrap());
        assert_eq!(found(&sign_ins, &handle, &own).await, "content");
        store.clock.advance(Duration::from_secs(5));
        assert_eq!(found(&sign_ins, &handle, &own).await, "nothing");
    }
}
