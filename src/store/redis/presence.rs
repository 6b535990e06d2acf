//! Which other processes use the store. This file adds to [`RedisStore`].

use std::collections::HashMap;

use super::{RedisStore, unavailable};
use crate::store::StoreError;

impl RedisStore {
    /// Counts the other processes that have the store open: each has a subscription to the changes, as this one has. The server's user
    /// needs the right `+pubsub|numsub`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server does not answer.
    pub async fn count_other_processes(&self) -> Result<u64, StoreError> {
        let channel = self.names.changes();
        let mut command = redis::cmd("PUBSUB");
        command.arg("NUMSUB").arg(&channel);
        let mut count = 0;
        // A server of a cluster counts only the subscriptions on itself.
        for part in self.connection.parts().await.map_err(unavailable)? {
            let subscribed: HashMap<String, u64> =
                self.connection.read_part(&part, &command).await.map_err(unavailable)?;
            count += subscribed.get(&channel).copied().unwrap_or(0);
        }
        Ok(count.saturating_sub(1))
    }
}
