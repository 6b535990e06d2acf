use std::fmt;

/// The identity of an exchange, by which duplicates are found: a MAC over account, conversation, connection, exchange
/// id or token hash, and user (docs/architecture.md §Dedup).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExchangeKey(pub [u8; 32]);

impl ExchangeKey {
    /// The id of the `tokens/response` activity that follows this exchange. Every delivery attempt sends the same id.
    #[must_use]
    pub fn activity_id(&self) -> String {
        let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.0;
        uuid::Builder::from_custom_bytes(bytes).into_uuid().hyphenated().to_string()
    }
}

impl fmt::Debug for ExchangeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ExchangeKey(..)")
    }
}
