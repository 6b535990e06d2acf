//! Counts that all replicas add to. This file adds to [`Records`].

use std::time::Duration;

use crate::domain::RecordKey;
use crate::records::{MacPurpose, Records};
use crate::store::StoreError;

impl Records {
    /// Counts one event of the name `parts`, and returns how many all replicas have counted in the present window. Windows
    /// of the length `window` begin at multiples of it, by the clock of this process.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn count_in_window(
        &self,
        purpose: &'static MacPurpose,
        parts: &[&[u8]],
        window: Duration,
    ) -> Result<u64, StoreError> {
        let millis = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1);
        let number = (self.clock().now().unix_millis() / millis).to_be_bytes();
        let parts: Vec<&[u8]> = parts.iter().copied().chain(std::iter::once(number.as_slice())).collect();
        let sum = self.add_to_count(purpose, &parts, 1, window * 2).await?;
        Ok(u64::try_from(sum).unwrap_or(0))
    }

    /// Adds `amount` to the count of the name `parts` and returns the sum. The count ends `life` after its first addition,
    /// by the clock of the store.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn add_to_count(
        &self,
        purpose: &'static MacPurpose,
        parts: &[&[u8]],
        amount: i64,
        life: Duration,
    ) -> Result<i64, StoreError> {
        self.store.add_to_count(RecordKey(self.mac(purpose, parts)), amount, life).await
    }
}
