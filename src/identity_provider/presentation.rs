use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use super::client_auth::Proof;
use super::token_client::TokenRequest;

/// How a token endpoint wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Entra's: secrets in the form, headers of its own, refusals by number.
    Entra,
    /// What the standards say, and nothing else.
    Standard(SecretMethod),
}

/// Where a client's secret goes (RFC 6749 §2.3.1). Assertions always go into the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretMethod {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// A token request as it goes out.
pub(super) struct Presented<'a> {
    pub(super) headers: Vec<(&'static str, Cow<'a, str>)>,
    pub(super) form: Vec<(&'static str, &'a str)>,
}

impl TokenRequest<'_> {
    /// With who the client is, and its proof of that.
    pub(super) fn present<'a>(&'a self, client_id: &'a str, proof: &'a Proof) -> Presented<'a> {
        let mut presented =
            Presented { headers: vec![("accept", "application/json".into())], form: self.fields.clone() };
        let in_header = self.dialect == Dialect::Standard(SecretMethod::Basic) && matches!(proof, Proof::Secret(_));
        if in_header {
            presented.headers.push(("authorization", basic(client_id, proof).into()));
        } else {
            presented.form.push(("client_id", client_id));
            presented.form.extend(proof.fields());
        }
        if self.dialect == Dialect::Entra {
            self.add_entras_headers(&mut presented.headers);
        }
        presented
    }

    fn add_entras_headers<'a>(&'a self, headers: &mut Vec<(&'static str, Cow<'a, str>)>) {
        headers.extend([
            ("x-client-sku", "bot-sso".into()),
            ("x-client-ver", env!("CARGO_PKG_VERSION").into()),
            // Without it the issuer breaks loops with invalid_grant, which would show the user a card.
            ("x-ms-lib-capability", "retry-after, h429".into()),
        ]);
        headers.extend(self.anchor.as_deref().map(|anchor| ("x-anchormailbox", anchor.into())));
        // It may have come from outside; an id that cannot be a header must not cost the exchange.
        let correlation_id = self.attempt.correlation_id.as_str();
        if correlation_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            headers.push(("client-request-id", correlation_id.into()));
            headers.push(("return-client-request-id", "true".into()));
        }
    }
}

/// Both parts are encoded as in a form first: a colon or a letter beyond ASCII may be in either.
fn basic(client_id: &str, proof: &Proof) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let secret = proof.fields().first().map_or("", |(_, value)| *value);
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;

    #[test]
    fn both_parts_of_basic_credentials_are_encoded_as_in_a_form() {
        // The example of RFC 6749 §2.3.1, then one that needs the encoding.
        let of = |id: &str, secret: &str| basic(id, &Proof::Secret(Secret::from(secret)));
        assert_eq!(of("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"), "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
        assert_eq!(of("a:b", "p +\u{e9}\n"), format!("Basic {}", STANDARD.encode("a%3Ab:p+%2B%C3%A9")));
    }
}
