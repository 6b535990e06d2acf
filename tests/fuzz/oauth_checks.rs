//! As `checks`, for what OAuth clients send.

use std::collections::HashMap;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use bot_sso::domain::SecretHash;
use bot_sso::inbound::{ClientSecrets, Form, PresentedClient, read_client};

/// The first line is the `Authorization` header, the rest is the body. A client with a secret of its own is authenticated at
/// most as itself, and a body that states its credentials beside the header authenticates no client.
pub fn client_credentials(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (header, body) = bytes.split_at(end);
    let Ok(form) = Form::parse(body.strip_prefix(b"\n").unwrap_or(body)) else { return };
    let mut headers = HeaderMap::new();
    let has_header =
        !header.is_empty() && HeaderValue::from_bytes(header).map(|value| headers.insert(AUTHORIZATION, value)).is_ok();
    let Ok(presented) = read_client(&headers, &form) else { return };
    let secrets = ClientSecrets::new(HashMap::from([("a".to_owned(), vec![SecretHash::of("b")])]));
    match presented {
        PresentedClient::Secret(secret) => {
            assert!(secrets.authenticate(&secret).is_none_or(|client| client == "a"));
            assert!(!has_header || form.find("client_secret").is_none(), "credentials in two places");
        }
        PresentedClient::Assertion { assertion, .. } => {
            assert_eq!(form.find("client_assertion"), Some(assertion));
            assert!(!has_header && form.find("client_secret").is_none(), "credentials in two places");
        }
        PresentedClient::None => assert!(!has_header),
    }
    assert!(form.find_repeated(&[]).is_none_or(|name| form.is_repeated(name)));
}
