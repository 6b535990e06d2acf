use std::borrow::Cow;

/// A client id and a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ClientReading<'a> {
    pub(super) client_id: Cow<'a, str>,
    pub(super) secret: Cow<'a, str>,
}

impl ClientReading<'_> {
    pub(super) fn into_owned(self) -> ClientReading<'static> {
        ClientReading { client_id: self.client_id.into_owned().into(), secret: self.secret.into_owned().into() }
    }
}
