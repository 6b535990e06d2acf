//! An issuer for this room's tests: real RSA keys, a real HTTP listener, switchable documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use crate::domain::{Clock, OffsetClock, SystemEntropy};
use crate::outbound::{Outbound, OutboundSettings};
use crate::token_validation::{ChannelTrust, EntraTrust, KeySet, KeySetSource};

pub(in crate::token_validation) const BOT: &str = "7a1c0f5e-0000-4000-8000-00000000b001";
pub(in crate::token_validation) const TENANT: &str = "11111111-2222-4333-8444-555555555555";
pub(in crate::token_validation) const OTHER_TENANT: &str = "99999999-2222-4333-8444-555555555555";
pub(in crate::token_validation) const USER: &str = "0aa00aa0-1111-4222-8333-444444444444";
pub(in crate::token_validation) const TEAMS: &str = "1fec8e78-bce4-4aaf-ab1b-5451cc387264";
pub(in crate::token_validation) const CHANNEL: &str = "https://api.botframework.com";

/// A signing key, made once for the whole test run.
pub(in crate::token_validation) struct IssuerKey {
    key: EncodingKey,
    pub(in crate::token_validation) modulus: String,
    pub(in crate::token_validation) exponent: String,
    pub(in crate::token_validation) public_pem: String,
}

impl IssuerKey {
    fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let pem = |label: &str, der: &[u8]| {
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
        };
        let public = pair.public_key();
        Self {
            key: EncodingKey::from_rsa_pem(pem("PRIVATE KEY", der.as_ref()).as_bytes()).unwrap(),
            modulus: URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            exponent: URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
            public_pem: pem("RSA PUBLIC KEY", public.as_ref()),
        }
    }

    pub(in crate::token_validation) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, Algorithm::RS256).unwrap();
        format!("{signed}.{signature}")
    }

    pub(in crate::token_validation) fn jwk(&self, key_id: &str, more: &Value) -> Value {
        let mut jwk = json!({"kty": "RSA", "use": "sig", "kid": key_id, "n": self.modulus, "e": self.exponent});
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    }
}

pub(in crate::token_validation) fn key(number: usize) -> &'static IssuerKey {
    static KEYS: OnceLock<[IssuerKey; 2]> = OnceLock::new();
    &KEYS.get_or_init(|| [IssuerKey::generate(), IssuerKey::generate()])[number]
}

pub(in crate::token_validation) fn header(key_id: &str) -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": key_id})
}

/// `base` with some claims replaced; `null` removes one.
pub(in crate::token_validation) fn with(mut base: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(&name);
        } else {
            base[name] = value;
        }
    }
    base
}

/// What the listener answers with, and how often it was asked.
#[derive(Default)]
pub(in crate::token_validation) struct Published {
    pub(in crate::token_validation) body: Mutex<String>,
    pub(in crate::token_validation) status: AtomicU16,
    age_seconds: AtomicUsize,
    held: watch::Sender<bool>,
    pub(in crate::token_validation) fetches: AtomicUsize,
}

impl Published {
    pub(in crate::token_validation) fn set_keys(&self, keys: &[Value]) {
        *self.body.lock().unwrap() = json!({ "keys": keys }).to_string();
    }

    pub(in crate::token_validation) fn set_status(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// From now on answers are as old as this, as those of a cache are.
    pub(in crate::token_validation) fn set_age(&self, seconds: usize) {
        self.age_seconds.store(seconds, Ordering::SeqCst);
    }

    /// From now on the listener answers only once it is released.
    pub(in crate::token_validation) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(in crate::token_validation) fn release(&self) {
        self.held.send_replace(false);
    }

    pub(in crate::token_validation) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

/// A listener with `/keys` and `/metadata`, a moving clock, and an HTTP client that may reach it.
pub(in crate::token_validation) struct TestIssuer {
    pub(in crate::token_validation) published: Arc<Published>,
    pub(in crate::token_validation) clock: Arc<OffsetClock>,
    pub(in crate::token_validation) base: Url,
    pub(in crate::token_validation) outbound: Outbound,
}

impl TestIssuer {
    pub(in crate::token_validation) fn start() -> Self {
        let published = Arc::new(Published { status: AtomicU16::new(200), ..Published::default() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = Url::parse(&format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port())).unwrap();
        let shared = web::Data::from(Arc::clone(&published));
        let server =
            HttpServer::new(move || App::new().app_data(shared.clone()).route("/{document}", web::get().to(serve)));
        tokio::spawn(server.workers(1).listen(listener).unwrap().disable_signals().run());
        let outbound = Outbound::new(&OutboundSettings {
            connect_timeout: Duration::from_secs(2),
            plain_http_hosts: vec!["127.0.0.1".into()],
            private_hosts: vec!["127.0.0.1".into()],
            max_connections_per_host: 8,
            ..OutboundSettings::default()
        })
        .unwrap();
        Self { published, clock: Arc::new(OffsetClock::default()), base, outbound }
    }

    pub(in crate::token_validation) fn key_set(&self) -> Arc<KeySet> {
        self.key_set_from(KeySetSource::Jwks(self.base.join("keys").unwrap()))
    }

    /// The key set of a provider of kind `oidc`.
    pub(in crate::token_validation) fn openid_key_set(&self) -> Arc<KeySet> {
        let source = KeySetSource::Jwks(self.base.join("keys").unwrap());
        let (clock, entropy) = (self.clock.clone(), Arc::new(SystemEntropy));
        KeySet::of_openid_provider("test", source, self.outbound.clone(), clock, entropy)
    }

    pub(in crate::token_validation) fn key_set_from(&self, source: KeySetSource) -> Arc<KeySet> {
        KeySet::new("test", source, self.outbound.clone(), self.clock.clone(), Arc::new(SystemEntropy))
    }

    pub(in crate::token_validation) fn now(&self) -> i64 {
        self.clock.now().unix_seconds()
    }

    /// An Entra cloud whose keys are `entra-1` (key 0) and `personal` (key 1, one tenant's only).
    pub(in crate::token_validation) fn entra(&self) -> EntraTrust {
        self.published.set_keys(&[
            key(0).jwk("entra-1", &json!({"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"})),
            key(1)
                .jwk("personal", &json!({"issuer": format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0")})),
        ]);
        EntraTrust {
            v2_issuer: "https://login.microsoftonline.com/{tenantid}/v2.0".into(),
            v1_issuer: "https://sts.windows.net/{tenantid}/".into(),
            key_set: self.key_set(),
            v1_key_set: None,
        }
    }

    /// The channel issuer, key `channel-1` (key 0) endorsed for Teams.
    pub(in crate::token_validation) fn channel(&self) -> ChannelTrust {
        self.published.set_keys(&[key(0).jwk("channel-1", &json!({"endorsements": ["msteams"]}))]);
        ChannelTrust { issuer: CHANNEL.into(), key_set: self.key_set() }
    }
}

async fn serve(document: web::Path<String>, published: web::Data<Published>) -> HttpResponse {
    published.fetches.fetch_add(1, Ordering::SeqCst);
    published.held.subscribe().wait_for(|held| !held).await.unwrap();
    let status = actix_web::http::StatusCode::from_u16(published.status.load(Ordering::SeqCst)).unwrap();
    let body = match document.as_str() {
        "elsewhere" => r#"{"jwks_uri": "http://keys.example/keys"}"#.to_owned(),
        _ => published.body.lock().unwrap().clone(),
    };
    let age = published.age_seconds.load(Ordering::SeqCst);
    HttpResponse::build(status).insert_header(("age", age.to_string())).body(body)
}
