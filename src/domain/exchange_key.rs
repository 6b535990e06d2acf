use std::fmt;

/// What makes two invokes the same exchange: a MAC over everything that tells one from another (DESIGN §3, Dedup).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExchangeKey(pub [u8; 32]);

impl ExchangeKey {
    /// The id of the activity that continues this exchange: the same however often it is sent.
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
