use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::OutboundError;

/// The number of hosts whose open connections are counted at a time. The least used host is dropped first.
const MAX_COUNTED_HOSTS: usize = 2048;

/// The requests that may run at a time, by host, port and purpose.
pub(super) struct HostSlots {
    semaphores: Cache<SlotName, Arc<Semaphore>>,
    per_host: usize,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct SlotName {
    host: String,
    port: u16,
    counted_as: String,
}

/// A [`SlotName`] that is looked up.
#[derive(Hash)]
struct SoughtSlot<'a> {
    host: &'a str,
    port: u16,
    counted_as: &'a str,
}

impl Equivalent<SlotName> for SoughtSlot<'_> {
    fn equivalent(&self, name: &SlotName) -> bool {
        self.port == name.port && self.host == name.host && self.counted_as == name.counted_as
    }
}

impl HostSlots {
    /// Admits `per_host` requests at a time.
    pub(super) fn new(per_host: usize) -> Self {
        Self { semaphores: Cache::new(MAX_COUNTED_HOSTS), per_host }
    }

    /// Waits until a request to the host of `url` may run. The request runs until the permit is dropped.
    pub(super) async fn acquire(&self, url: &Url, counted_as: &str) -> Result<OwnedSemaphorePermit, OutboundError> {
        let (host, port) = (url.host_str().unwrap_or(""), url.port_or_known_default().unwrap_or(0));
        let semaphore = match self.semaphores.get(&SoughtSlot { host, port, counted_as }) {
            Some(semaphore) => semaphore,
            None => self.begin(&SlotName { host: host.to_owned(), port, counted_as: counted_as.to_owned() }),
        };
        semaphore.acquire_owned().await.map_err(|_| OutboundError::Broken)
    }

    fn begin(&self, name: &SlotName) -> Arc<Semaphore> {
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(Semaphore::new(self.per_host)));
        let Ok(semaphore) = self.semaphores.get_or_insert_with(name, fresh);
        semaphore
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn requests_are_counted_apart_by_host_port_and_purpose() {
        let slots = HostSlots::new(1);
        let urls = ["https://a.test/", "https://b.test/", "https://a.test:8443/", "http://a.test/"];
        let mut permits = Vec::new();
        for url in urls.map(|url| Url::parse(url).unwrap()) {
            for purpose in ["", "purpose"] {
                permits.push(slots.acquire(&url, purpose).await.unwrap());
            }
        }
        let again = Url::parse("https://A.test:443/other").unwrap();
        let mut waiting = std::pin::pin!(slots.acquire(&again, "purpose"));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(permits);
        drop(waiting.await.unwrap());
    }
}
