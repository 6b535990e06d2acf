use crate::domain::ExchangeKey;
use crate::records::{Records, catalogue};

/// Derives a lasting name for each exchange, so that a repeated exchange is recognised even after a restart.
#[derive(Clone)]
pub struct ExchangeNames {
    records: Records,
}

impl ExchangeNames {
    /// Derives names with the MAC key of `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { records: records.clone() }
    }

    /// The key of the exchange that these parts describe. The boundaries of the parts count: `["ab", "c"]` and `["a",
    /// "bc"]` give different keys.
    #[must_use]
    pub fn exchange_key(&self, parts: &[&str]) -> ExchangeKey {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        ExchangeKey(self.records.mac(&catalogue::EXCHANGE_NAME, &parts))
    }
}

#[cfg(test)]
mod tests {
    use super::ExchangeNames;
    use crate::records::testing::throwaway_records;

    #[test]
    fn an_exchange_key_depends_on_the_boundaries_of_its_parts() {
        let names = ExchangeNames::new(&throwaway_records().records);
        let key = names.exchange_key(&["a", "bc"]);
        assert_eq!(key, names.exchange_key(&["a", "bc"]));
        assert_ne!(key, names.exchange_key(&["ab", "c"]));
        assert_ne!(key, names.exchange_key(&["a", "bc", ""]));
        assert_eq!(format!("{key:?}"), "ExchangeKey(..)");
    }
}
