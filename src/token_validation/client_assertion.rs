use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::algorithms::SignaturePolicy;
use super::claims::Claims;
use super::jwks::{self, Keys};
use super::unverified::UnverifiedToken;
use crate::domain::{SharedClock, Timestamp};

/// The longest assertion that is looked at, in bytes.
const LIMIT_BYTES: usize = 8 * 1024;
/// The longest time for which a client may make an assertion.
const MAX_LIFETIME: Duration = Duration::from_mins(10);
/// How far the clock of a client may be from ours.
const MAX_CLOCK_SKEW: Duration = Duration::from_mins(1);
/// The longest `jti` that is kept, in bytes.
const MAX_TOKEN_ID_BYTES: usize = 256;

/// The public keys by which one client signs its assertions.
pub struct ClientKeys(Keys);

/// Validates the JWTs by which clients authenticate (RFC 7523 §3). Clones share the keys, so they can be replaced while a
/// door is open.
#[derive(Clone)]
pub struct ClientAssertionValidator {
    by_client: Arc<ArcSwap<HashMap<String, ClientKeys>>>,
    audience: Arc<str>,
    clock: SharedClock,
}

/// A valid assertion. Whether it was used before is not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssertion {
    /// The client: `iss` and `sub`.
    pub client_id: String,
    /// `jti`, unique among the assertions of the client.
    pub token_id: String,
    /// From this time on the assertion is refused as expired.
    pub ends_at: Timestamp,
}

impl ClientKeys {
    /// Reads the text of a JWKS (RFC 7517 §5). `None` if it has no public key that may verify signatures.
    #[must_use]
    pub fn parse(jwks: &str) -> Option<Self> {
        let keys = jwks::parse(jwks.as_bytes(), SignaturePolicy::ClientAssertion, None, None)?;
        (!keys.is_empty()).then_some(Self(keys))
    }
}

impl ClientAssertionValidator {
    /// Knows the keys of these clients, by client id. Assertions must be for `audience`, the issuer of our metadata.
    #[must_use]
    pub fn new(by_client: HashMap<String, ClientKeys>, audience: &str, clock: SharedClock) -> Self {
        Self { by_client: Arc::new(ArcSwap::from_pointee(by_client)), audience: Arc::from(audience), clock }
    }

    /// Replaces the keys: assertions by the old ones are no longer accepted.
    pub fn replace(&self, by_client: HashMap<String, ClientKeys>) {
        self.by_client.store(Arc::new(by_client));
    }

    /// The names of the algorithms that the clients' keys may verify, in alphabetical order.
    #[must_use]
    pub fn list_algorithms(&self) -> Vec<&'static str> {
        let by_client = self.by_client.load();
        let names: BTreeSet<&'static str> = by_client.values().flat_map(|ClientKeys(keys)| keys.algorithms()).collect();
        names.into_iter().collect()
    }

    /// Proves that `raw` was signed by the client that it names, a short while ago, for us. `named` is the `client_id`
    /// beside the assertion, which must be the same client (RFC 7521 §4.2).
    ///
    /// # Errors
    /// The check that failed: `form`, `alg`, `crit`, `typ`, `kid`, `sub`, `client_id`, `signature`, `iss`, `aud`, `exp`, `iat`,
    /// `nbf`, `jti`.
    pub fn validate(&self, raw: &str, named: Option<&str>) -> Result<ClientAssertion, &'static str> {
        let token = UnverifiedToken::parse_by(raw, LIMIT_BYTES, SignaturePolicy::ClientAssertion)?;
        let client_id = token.claims.text("sub").ok_or("sub")?;
        if named.is_some_and(|named| named != client_id) {
            return Err("client_id");
        }
        self.check_signature(&token, client_id)?;
        if token.claims.text("iss") != Some(client_id) {
            return Err("iss");
        }
        match token.claims.texts("aud").as_deref() {
            Some([audience]) if **audience == *self.audience => {}
            _ => return Err("aud"),
        }
        let ends_at = self.check_times(&token.claims)?;
        let token_id = token.claims.text("jti").filter(|id| id.len() <= MAX_TOKEN_ID_BYTES).ok_or("jti")?;
        Ok(ClientAssertion { client_id: client_id.to_owned(), token_id: token_id.to_owned(), ends_at })
    }

    fn check_signature(&self, token: &UnverifiedToken<'_>, client_id: &str) -> Result<(), &'static str> {
        let by_client = self.by_client.load();
        let ClientKeys(keys) = by_client.get(client_id).ok_or("sub")?;
        let key = keys.find(token.key_id.as_deref(), token.algorithm).ok_or("kid")?;
        if key.has_signed(token.signed, token.signature, token.algorithm) { Ok(()) } else { Err("signature") }
    }

    /// When the assertion is refused as expired.
    fn check_times(&self, claims: &Claims) -> Result<Timestamp, &'static str> {
        let (lifetime, now) = (claims.lifetime()?, self.clock.now());
        let latest = now.plus(MAX_CLOCK_SKEW);
        let ends_at = lifetime.ends.plus(MAX_CLOCK_SKEW);
        if ends_at <= now || lifetime.ends > latest.plus(MAX_LIFETIME) {
            return Err("exp");
        }
        if lifetime.not_before.is_some_and(|begins| begins > latest) {
            return Err("nbf");
        }
        if lifetime.issued.is_some_and(|issued| issued > latest) {
            return Err("iat");
        }
        Ok(ends_at)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use jsonwebtoken::jwk::{Jwk, JwkSet};
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{Clock as _, OffsetClock};

    const ISSUER: &str = "https://sso.example.com";

    struct Client {
        key: EncodingKey,
        clock: Arc<OffsetClock>,
        validator: ClientAssertionValidator,
    }

    fn jwks_of(key: &EncodingKey, algorithm: Algorithm) -> String {
        let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
        jwk.common.key_id = Some("1".to_owned());
        serde_json::to_string(&JwkSet { keys: vec![jwk] }).unwrap()
    }

    fn new_key() -> EncodingKey {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap()
    }

    fn client() -> Client {
        let (key, clock) = (new_key(), Arc::new(OffsetClock::default()));
        let keys = ClientKeys::parse(&jwks_of(&key, Algorithm::ES256)).unwrap();
        let by_client = HashMap::from([("orders".to_owned(), keys)]);
        let validator = ClientAssertionValidator::new(by_client, ISSUER, clock.clone());
        Client { key, clock, validator }
    }

    impl Client {
        fn claims(&self) -> Value {
            let now = self.clock.now().unix_seconds();
            json!({"iss": "orders", "sub": "orders", "aud": ISSUER, "exp": now + 60, "iat": now, "nbf": now, "jti": "a"})
        }

        fn sign(&self, claims: &Value) -> String {
            let header = Header { kid: Some("1".to_owned()), ..Header::new(Algorithm::ES256) };
            jsonwebtoken::encode(&header, claims, &self.key).unwrap()
        }

        fn validate(&self, changes: &Value) -> Result<ClientAssertion, &'static str> {
            let mut claims = self.claims();
            for (name, value) in changes.as_object().unwrap() {
                claims[name] = value.clone();
            }
            self.validator.validate(&self.sign(&claims), None)
        }
    }

    #[test]
    fn a_fresh_assertion_of_the_client_for_this_issuer_is_valid() {
        let client = client();
        let assertion = client.validate(&json!({})).unwrap();
        assert_eq!((assertion.client_id.as_str(), assertion.token_id.as_str()), ("orders", "a"));
        assert!(client.validate(&json!({"aud": [ISSUER], "nbf": null, "iat": null})).is_ok());
        let raw = client.sign(&client.claims());
        assert!(client.validator.validate(&raw, Some("orders")).is_ok());
        assert_eq!(client.validator.validate(&raw, Some("other")), Err("client_id"));
    }

    #[test]
    fn an_assertion_for_another_party_or_without_its_claims_is_refused() {
        let client = client();
        let now = client.clock.now().unix_seconds();
        for (changes, check) in [
            (json!({"aud": format!("{ISSUER}/")}), "aud"),
            (json!({"aud": format!("{ISSUER}/oauth2/token")}), "aud"),
            (json!({"aud": [ISSUER, "https://other.example.com"]}), "aud"),
            (json!({"aud": []}), "aud"),
            (json!({"aud": null}), "aud"),
            (json!({"iss": "other"}), "iss"),
            (json!({"iss": null}), "iss"),
            (json!({"sub": "other", "iss": "other"}), "sub"),
            (json!({"sub": null}), "sub"),
            (json!({"exp": null}), "exp"),
            (json!({"exp": now - 61}), "exp"),
            (json!({"exp": now + 12 * 60}), "exp"),
            (json!({"nbf": now + 90}), "nbf"),
            (json!({"iat": now + 90}), "iat"),
            (json!({"jti": null}), "jti"),
            (json!({"jti": ""}), "jti"),
            (json!({"jti": "j".repeat(257)}), "jti"),
        ] {
            assert_eq!(client.validate(&changes), Err(check), "{changes}");
        }
    }

    #[test]
    fn another_key_and_an_altered_assertion_are_refused_and_a_replaced_key_too() {
        let client = client();
        let raw = client.sign(&client.claims());
        let stranger = Client { key: new_key(), ..super::tests::client() };
        let forged = stranger.sign(&client.claims());
        assert_eq!(client.validator.validate(&forged, None), Err("signature"));
        let altered = format!("{}A{}", &raw[..raw.len() - 9], &raw[raw.len() - 8..]);
        assert!(client.validator.validate(&altered, None).is_err());
        let keys = ClientKeys::parse(&jwks_of(&stranger.key, Algorithm::ES256)).unwrap();
        client.validator.replace(HashMap::from([("orders".to_owned(), keys)]));
        assert_eq!(client.validator.validate(&raw, None), Err("signature"));
        assert!(client.validator.validate(&forged, None).is_ok());
    }

    #[test]
    fn a_header_of_another_kind_of_token_is_refused() {
        let client = client();
        let sign = |header: Header| jsonwebtoken::encode(&header, &client.claims(), &client.key).unwrap();
        let header = |typ: Option<&str>, key_id: &str| Header {
            typ: typ.map(str::to_owned),
            kid: Some(key_id.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        for typ in [None, Some("JWT"), Some("client-authentication+jwt")] {
            assert!(client.validator.validate(&sign(header(typ, "1")), None).is_ok(), "{typ:?}");
        }
        assert_eq!(client.validator.validate(&sign(header(Some("at+jwt"), "1")), None), Err("typ"));
        assert_eq!(client.validator.validate(&sign(header(None, "2")), None), Err("kid"));
        let secret = EncodingKey::from_secret(b"secret");
        let symmetric = jsonwebtoken::encode(&Header::default(), &client.claims(), &secret).unwrap();
        assert_eq!(client.validator.validate(&symmetric, None), Err("alg"));
    }

    #[test]
    fn what_has_no_public_signing_key_is_no_key_set() {
        for text in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
            assert!(ClientKeys::parse(text).is_none(), "{text}");
        }
    }
}
