use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use url::Url;

use crate::config::review::{
    Place, Proposal, Review, has_unclear_port, is_loopback, is_unspecified, right_listen_address, with_https,
};

/// The default of `listen`.
const DEFAULT_LISTEN: &str = "127.0.0.1:3978";

/// Where bot-sso listens, and its public address.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address at which browsers, bots and channels reach bot-sso. It has no path.
    pub public_url: Url,
    /// The addresses that bot-sso listens on; never empty.
    pub listen: Vec<SocketAddr>,
    /// The certificate for TLS; `None` for plain http behind a proxy that terminates TLS.
    pub tls: Option<TlsPair>,
    /// The proxies whose `X-Forwarded-For` headers are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The size limit of a request body, in bytes.
    pub body_limit_bytes: usize,
    /// The number of worker threads; `None` for one per CPU core.
    pub workers: Option<usize>,
}

/// A certificate chain and its private key. The configuration's check proves that they belong together. A reload reads
/// both again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPair {
    /// The chain in PEM form, the server's certificate first.
    pub certificate_file: PathBuf,
    /// The private key in PEM form.
    pub key_file: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawServer {
    public_url: Option<String>,
    listen: Option<Vec<String>>,
    tls: Option<RawTls>,
    trusted_proxies: Option<Vec<String>>,
    body_limit_bytes: Option<u64>,
    workers: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
struct RawTls {
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

impl RawServer {
    /// The public address as it is written.
    pub(in crate::config) fn written_public_url(&self) -> &str {
        self.public_url.as_deref().unwrap_or_default()
    }

    /// The addresses as they are written, or the default.
    pub(in crate::config) fn written_listen(&self) -> Vec<String> {
        self.listen.clone().unwrap_or_else(|| vec![DEFAULT_LISTEN.to_owned()])
    }

    pub(in crate::config) fn validate(self, review: &mut Review<'_>) -> Option<Server> {
        let place = Place::section("server");
        let listening = self.written_listen();
        let public_url = public_url(self.public_url, review, &place.key("public_url"));
        let listen = listen(&listening, review, &place.key("listen"));
        let tls = self.tls.map(|tls| tls.validate(review, &place.key("tls")));
        let trusted_proxies = review.networks(&self.trusted_proxies.unwrap_or_default(), &place.key("trusted_proxies"));
        let body_limit_bytes = review.number(
            self.body_limit_bytes,
            512 * 1024,
            &(1024..=16 * 1024 * 1024),
            &place.key("body_limit_bytes"),
        );
        let workers = self.workers.map(|workers| review.number(Some(workers), 1, &(1..=1024), &place.key("workers")));
        Some(Server {
            public_url: public_url?,
            listen: listen?,
            tls: tls.map_or(Some(None), |tls| tls.map(Some))?,
            trusted_proxies,
            body_limit_bytes: usize::try_from(body_limit_bytes?).ok()?,
            workers: workers.map_or(Some(None), |workers| usize::try_from(workers?).ok().map(Some))?,
        })
    }
}

impl Server {
    /// Reports `allow_emulator` at the places `emulator` unless all listeners are loopback and no proxy is trusted. The
    /// emulator is trusted because it runs on this machine, so no other machine may reach the same listener.
    pub(in crate::config) fn require_loopback_for(&self, emulator: &[Place], review: &mut Review<'_>) {
        if !self.trusted_proxies.is_empty() {
            for place in emulator {
                let message = "is for the emulator on this machine, but server.trusted_proxies lets other machines call: \
                               leave one of them out";
                review.report(place, message.to_owned());
            }
        }
        let Some(address) = self.listen.iter().find(|address| !address.ip().is_loopback()) else { return };
        for place in emulator {
            let message = format!(
                "is for the emulator on this machine, but server.listen has {address}: write loopback addresses only, as \
                 [\"127.0.0.1:3978\"], or leave allow_emulator out"
            );
            review.report(place, message);
        }
    }
}

fn public_url(text: Option<String>, review: &mut Review<'_>, place: &Place) -> Option<Url> {
    let text = review.required(text, place, "the address under which browsers and bots reach this service")?;
    let url = review.url(&text, place)?;
    if is_unspecified(&url) {
        let local = if url.host_str() == Some("0.0.0.0") { "127.0.0.1" } else { "localhost" };
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let complaint = format!("{text:?} has an address that no browser and no bot can call");
        let right = format!("{}://{local}{port}", url.scheme());
        review.propose(place, complaint, Proposal::text(place, right));
        return None;
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        let proposal = Proposal::text(place, with_https(&text)).or("; only a loopback address may be http");
        review.propose(place, format!("{text:?} is plain http"), proposal);
        return None;
    }
    // An SDK resolves absolute paths against this URL and would drop a prefix (docs/protocols/token-service-api.md §1
    // rule 12).
    if url.path() != "/" || url.query().is_some() {
        let complaint = format!("{text:?} has a path, and the service sits at the root of its host");
        review.propose(place, complaint, Proposal::text(place, url.origin().ascii_serialization()));
        return None;
    }
    Some(url)
}

/// Parses the addresses of a listener; `None` if none is valid.
pub(in crate::config) fn listen(texts: &[String], review: &mut Review<'_>, place: &Place) -> Option<Vec<SocketAddr>> {
    if texts.is_empty() {
        review.report(place, "is empty: write at least one address, as [\"127.0.0.1:3978\"]".to_owned());
    }
    let mut addresses = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match text.parse::<SocketAddr>() {
            Ok(address) => addresses.push(address),
            Err(_) if review.refuse_several(texts, index, place) => {}
            Err(_) => report_listen_address(text, DEFAULT_LISTEN, review, &place.index(index)),
        }
    }
    (!addresses.is_empty()).then_some(addresses)
}

/// Reports that `text` at `place` is not an address to listen on; `default` is the default of the key.
pub(in crate::config) fn report_listen_address(text: &str, default: &str, review: &mut Review<'_>, place: &Place) {
    let right = default.parse().ok().and_then(|default| right_listen_address(text, default));
    let proposal = right.map(|right| Proposal::text(place, right));
    let write = if has_unclear_port(text) {
        "an IPv6 address in brackets and the port behind them, as \"[::1]:3978\"".to_owned()
    } else {
        format!("an IP address and a port, as {default:?}")
    };
    review.propose_or(place, &format!("{text:?} is not an address to listen on"), proposal, &write);
}

impl RawTls {
    fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<TlsPair> {
        let at = place.key("certificate_file");
        let certificate =
            review.required(self.certificate_file, &at, "the path of a PEM file with the certificate chain");
        let certificate = certificate.filter(|path| review.refuse_binary_form(path, &at).is_some());
        let content = certificate.as_ref().and_then(|path| review.public_file(path, &at));
        let chain = content.and_then(|pem| chain(&pem, review, &at));
        let at = place.key("key_file");
        let key = review.required(self.key_file, &at, "the path of a PEM file with the private key");
        let key = key.filter(|path| review.refuse_binary_form(path, &at).is_some());
        let key = key.and_then(|path| review.private_file(&path, &at, ""));
        let pair = TlsPair { certificate_file: review.resolve(&certificate?), key_file: key? };
        check_pair(chain?, &pair, review, &at)?;
        Some(pair)
    }
}

fn chain(pem: &[u8], review: &mut Review<'_>, place: &Place) -> Option<Vec<CertificateDer<'static>>> {
    let chain: Option<Vec<_>> = CertificateDer::pem_slice_iter(pem).map(Result::ok).collect();
    let chain = chain.filter(|chain| !chain.is_empty());
    if chain.is_none() {
        review.report(place, "holds no certificate: write a PEM file with BEGIN CERTIFICATE in it".to_owned());
    }
    chain
}

fn check_pair(
    chain: Vec<CertificateDer<'static>>,
    pair: &TlsPair,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<()> {
    let Ok(key) = PrivateKeyDer::from_pem_file(&pair.key_file) else {
        review.report(place, "holds no private key: write a PEM file with BEGIN PRIVATE KEY in it".to_owned());
        return None;
    };
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    if rustls::sign::CertifiedKey::from_der(chain, key, &provider).is_err() {
        review.report(
            place,
            "does not fit the certificate in certificate_file: write the key that it was issued for".to_owned(),
        );
        return None;
    }
    Some(())
}
