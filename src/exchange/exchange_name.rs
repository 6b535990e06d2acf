use crate::domain::ExchangeKey;
use crate::records::{Records, catalogue};

/// Names exchanges, so that one is recognised when it is repeated, also after a restart.
#[derive(Clone)]
pub struct ExchangeNames {
    records: Records,
}

impl ExchangeNames {
    /// Names under the naming key of `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { records: records.clone() }
    }

    /// The key of the exchange that these parts describe. Each part counts as a whole: `["ab", "c"]` is not `["a", "bc"]`.
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
    fn exchange_keys_tell_parts_apart() {
        let names = ExchangeNames::new(&throwaway_records().records);
        let key = names.exchange_key(&["a", "bc"]);
        assert_eq!(key, names.exchange_key(&["a", "bc"]));
        assert_ne!(key, names.exchange_key(&["ab", "c"]));
        assert_ne!(key, names.exchange_key(&["a", "bc", ""]));
        assert_eq!(format!("{key:?}"), "ExchangeKey(..)");
    }
}
