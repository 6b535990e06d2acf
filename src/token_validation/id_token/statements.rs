use super::shown_text;
use crate::domain::{Secret, Timestamp};
use crate::token_validation::check_explanation::SightedToken;

/// What an ID token says that came from its issuer's token endpoint. Its signature is not checked: TLS to the endpoint stands
/// in its place (`OpenID` Connect Core §3.1.3.7, rule 6).
#[derive(Clone, Debug)]
pub struct IdTokenStatements {
    /// The end of the token's lifetime.
    pub ends: Timestamp,
    /// How the token names its user.
    pub names: ShownNames,
    issuer: String,
    subject: String,
    audiences: Vec<String>,
    authorized_party: Option<String>,
}

/// How an ID token names its user. Names are shown and never compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownNames {
    /// `name`.
    pub full_name: Option<String>,
    /// `email`, or `preferred_username` if that has the form of an address.
    pub email: Option<String>,
}

impl IdTokenStatements {
    /// Reads `raw`; `None` if it is no ID token with issuer, subject, audience and end.
    #[must_use]
    pub fn read(raw: &Secret) -> Option<Self> {
        let claims = SightedToken::read(raw.expose()).claims;
        let text = |name: &str| claims.text(name).map(str::to_owned);
        let shown = |name: &str| claims.text(name).and_then(shown_text);
        let address = || shown("preferred_username").filter(|name| name.contains('@'));
        let mut audiences = claims.texts("aud").filter(|listed| !listed.is_empty())?;
        audiences.sort();
        Some(Self {
            ends: claims.lifetime().ok()?.ends,
            names: ShownNames { full_name: shown("name"), email: shown("email").or_else(address) },
            issuer: text("iss")?,
            subject: text("sub")?,
            audiences,
            authorized_party: text("azp"),
        })
    }

    /// Whether `renewed`, which a refresh has brought, names another issuer or another user than this token, the sign-in's
    /// (`OpenID` Connect Core §12.2). `renewed` is judged even if it lacks what [`IdTokenStatements::read`] asks for. A claim
    /// that it does not have contradicts nothing.
    #[must_use]
    pub fn is_contradicted_by(&self, renewed: &Secret) -> bool {
        let claims = SightedToken::read(renewed.expose()).claims;
        let differs = |name: &str, first: &str| claims.has(name) && claims.text(name) != Some(first);
        differs("iss", &self.issuer) || differs("sub", &self.subject)
    }

    /// Whether this token, which a refresh has brought, may take the place of `first`, the sign-in's (`OpenID` Connect Core
    /// §12.2).
    ///
    /// # Errors
    /// The claim that differs: `iss`, `sub`, `aud` or `azp`.
    pub fn continues(&self, first: &Self) -> Result<(), &'static str> {
        for (is_same, claim) in [
            (self.issuer == first.issuer, "iss"),
            (self.subject == first.subject, "sub"),
            (self.audiences == first.audiences, "aud"),
            (self.authorized_party == first.authorized_party, "azp"),
        ] {
            if !is_same {
                return Err(claim);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    fn sample() -> Value {
        json!({"iss": "https://issuer.example", "sub": "ada", "aud": ["b", "a"], "exp": 2000, "iat": 1000, "azp": "a"})
    }

    fn token(claims: &Value) -> Secret {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        Secret::new(format!("{}.{}.{}", encoded(r#"{"alg":"RS256"}"#), encoded(&claims.to_string()), encoded("s")))
    }

    fn changed(name: &str, value: Value) -> Option<IdTokenStatements> {
        let mut claims = sample();
        claims[name] = value;
        IdTokenStatements::read(&token(&claims))
    }

    #[test]
    fn a_refreshed_token_continues_the_first_one_of_the_same_issuer_user_and_client() {
        let first = IdTokenStatements::read(&token(&sample())).unwrap();
        assert_eq!(first.ends, Timestamp::from_unix_seconds(2000));
        for (name, value) in [("exp", json!(9000)), ("aud", json!(["a", "b"])), ("nonce", json!("n"))] {
            assert_eq!(changed(name, value).unwrap().continues(&first), Ok(()), "{name}");
        }
        for (name, value) in
            [("iss", json!("https://issuer.example/")), ("sub", json!("ben")), ("aud", json!("a")), ("azp", json!("b"))]
        {
            assert_eq!(changed(name, value).unwrap().continues(&first), Err(name));
        }
    }

    #[test]
    fn a_refreshed_token_of_another_issuer_or_user_contradicts_the_first_one_whatever_else_it_lacks() {
        let first = IdTokenStatements::read(&token(&sample())).unwrap();
        for (lacks, value) in [("exp", Value::Null), ("aud", json!([])), ("aud", Value::Null), ("exp", json!("soon"))] {
            let mut claims = sample();
            claims[lacks] = value;
            assert!(!first.is_contradicted_by(&token(&claims)), "{claims}");
            for (name, other) in [
                ("iss", json!("https://issuer.example/")),
                ("sub", json!("ben")),
                ("sub", json!("")),
                ("sub", json!(7)),
            ] {
                let mut claims = claims.clone();
                claims[name] = other;
                assert!(first.is_contradicted_by(&token(&claims)), "{claims}");
            }
        }
        for silent in [json!({}), json!({ "iss": null, "sub": "ada" })] {
            assert!(!first.is_contradicted_by(&token(&silent)), "{silent}");
        }
        assert!(!first.is_contradicted_by(&Secret::from("opaque")));
    }

    #[test]
    fn a_text_without_the_claims_of_an_id_token_is_none() {
        for name in ["iss", "sub", "aud", "exp"] {
            assert!(changed(name, Value::Null).is_none(), "{name}");
        }
        for text in ["", "a.b.c", "opaque"] {
            assert!(IdTokenStatements::read(&Secret::from(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn the_names_are_those_that_can_be_shown() {
        let names = |claims: Value| {
            let mut all = sample();
            all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
            IdTokenStatements::read(&token(&all)).unwrap().names
        };
        assert_eq!(names(json!({})), ShownNames::default());
        let both =
            names(json!({"name": "Ada \u{202e}L", "email": "a@example.com", "preferred_username": "b@example.com"}));
        assert_eq!((both.full_name.as_deref(), both.email.as_deref()), (Some("Ada L"), Some("a@example.com")));
        assert_eq!(names(json!({"preferred_username": "b@example.com"})).email.as_deref(), Some("b@example.com"));
        assert_eq!(names(json!({"preferred_username": "ada"})).email, None);
    }
}
