#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::*;
use crate::observability::{CallersTrace, ServerSpan};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn settings() -> OutboundSettings {
    OutboundSettings {
        connect_timeout: Duration::from_secs(2),
        plain_http_hosts: vec!["127.0.0.1".into(), "localhost".into()],
        private_hosts: vec!["127.0.0.1".into(), "localhost".into()],
        max_connections_per_host: 4,
        ..OutboundSettings::default()
    }
}

#[test]
fn encoded_form_equals_the_form_that_the_url_library_encodes() {
    let texts = ["", "a", "eJ0.a-b_c", "urn:ietf:params", "a b&c=d", "grüße", "*~'%+"];
    for name in texts {
        for value in texts {
            let pairs = [(name, value), ("next", value)];
            let expected = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            assert_eq!(request::encode_form(&pairs.map(|(name, value)| FormField::new(name, value))), expected);
        }
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

/// Starts an HTTP server on a free port. It runs as long as the test's runtime.
fn start_peer() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = HttpServer::new(|| {
        App::new()
            .route("/large", web::get().to(|| async { HttpResponse::Ok().body(vec![b'x'; 2000]) }))
            .route(
                "/chunks",
                web::get().to(|| async {
                    let chunks = futures_util::stream::iter(
                        (0..10).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 500]))),
                    );
                    HttpResponse::Ok().streaming(chunks)
                }),
            )
            .route("/slow", web::get().to(std::future::pending::<HttpResponse>))
            .route(
                "/away",
                web::get().to(|| async { HttpResponse::Found().insert_header(("location", "/large")).finish() }),
            )
            .route("/echo", web::to(echo))
    })
    .workers(1)
    .listen(listener)
    .unwrap()
    .disable_signals()
    .run();
    tokio::spawn(server);
    Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()
}

async fn echo(request: HttpRequest, body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::build(actix_web::http::StatusCode::IM_A_TEAPOT);
    response.insert_header(("x-method", request.method().as_str()));
    for (name, value) in request.headers() {
        if name.as_str().starts_with("x-") || name.as_str().starts_with("trace") || name == "authorization" {
            response.append_header((format!("seen-{name}"), value.clone()));
        }
    }
    response.body(body)
}

#[actix_web::test]
async fn post_form_sends_an_encoded_form_and_returns_an_error_status_as_a_response() {
    let outbound = Outbound::new(&settings()).unwrap();
    let url = start_peer().join("echo").unwrap();
    let form = [FormField::new("scope", "a b&c"), FormField::new("assertion", "x=y")];
    let answer = outbound.post_form(&url, &[RequestHeader::new("X-One", "1")], &form, soon()).await.unwrap();
    assert_eq!(answer.status, 418);
    assert_eq!(&answer.body[..], b"scope=a+b%26c&assertion=x%3Dy");
    assert_eq!(answer.header("SEEN-x-one"), Some("1"));
}

#[actix_web::test]
async fn prepared_form_carries_the_shared_headers_and_its_own() {
    let outbound = Outbound::new(&settings()).unwrap();
    let url = start_peer().join("echo").unwrap();
    let shared = FormHeaders::default().with("x-shared", "1");
    let own = [RequestHeader::new("X-Own", "2"), RequestHeader::new("authorization", "Basic YQ==")];
    let fields = [FormField::new("a", "b")];
    let post = FormPost { url: &url, shared: &shared, headers: &own, fields: &fields };
    for answer in [
        outbound.post_prepared_form(&post, soon()).await.unwrap(),
        outbound.post_form_unpooled(&post, soon()).await.unwrap(),
    ] {
        let seen = |name: &str| answer.header(name).map(str::to_owned);
        assert_eq!(
            [seen("seen-x-shared"), seen("seen-x-own"), seen("seen-authorization")],
            ["1", "2", "Basic YQ=="].map(|value| Some(value.to_owned()))
        );
        assert_eq!(&answer.body[..], b"a=b");
    }
    let torn = FormPost { headers: &[RequestHeader::new("x-own", "2\r\nx-other: 3")], ..post };
    assert_eq!(outbound.post_prepared_form(&torn, soon()).await, Err(OutboundError::Broken));
}

#[actix_web::test]
async fn client_does_not_follow_redirects() {
    let outbound = Outbound::new(&settings()).unwrap();
    let answer = outbound.get(&start_peer().join("away").unwrap(), soon(), 100).await.unwrap();
    assert_eq!(answer.status, 302);
}

#[actix_web::test]
async fn body_above_the_limit_is_an_error_with_and_without_a_content_length() {
    let outbound = Outbound::new(&settings()).unwrap();
    let base = start_peer();
    assert_eq!(outbound.get(&base.join("large").unwrap(), soon(), 2000).await.unwrap().body.len(), 2000);
    assert_eq!(outbound.get(&base.join("large").unwrap(), soon(), 1999).await, Err(OutboundError::TooLarge));
    assert_eq!(outbound.get(&base.join("chunks").unwrap(), soon(), 5000).await.unwrap().body, vec![b'x'; 5000]);
    assert_eq!(outbound.get(&base.join("chunks").unwrap(), soon(), 4999).await, Err(OutboundError::TooLarge));
}

#[actix_web::test]
async fn deadline_includes_the_wait_for_a_free_connection() {
    let outbound = Outbound::new(&OutboundSettings { max_connections_per_host: 1, ..settings() }).unwrap();
    let slow = start_peer().join("slow").unwrap();
    let first = outbound.get(&slow, Instant::now() + Duration::from_millis(400), 100);
    let second = outbound.get(&slow, Instant::now() + Duration::from_millis(200), 100);
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first, second), (Err(OutboundError::TimedOut), Err(OutboundError::TimedOut)));
}

/// Relays these headers to a peer. Returns which of the trace's headers the peer got.
async fn relay_trace(outbound: &Outbound, headers: &[(&str, &str)]) -> [Vec<String>; 2] {
    let request = RelayRequest {
        method: "POST".into(),
        url: start_peer().join("echo").unwrap(),
        headers: headers.iter().copied().collect(),
        body: Bytes::new(),
        counted_as: "".into(),
    };
    let relayed = outbound.relay(request, soon()).await.unwrap();
    ["seen-traceparent", "seen-tracestate"]
        .map(|name| relayed.headers.get_all(name).map(|value| String::from_utf8(value.to_vec()).unwrap()).collect())
}

#[actix_web::test]
async fn a_malformed_trace_of_a_caller_is_not_relayed_and_a_well_formed_one_is() {
    let outbound = Outbound::new(&settings()).unwrap();
    let (state, later) = (("tracestate", "channel=1"), TRACEPARENT.replacen("00", "cc", 1) + "-more");
    for parent in [TRACEPARENT, &later] {
        let told = relay_trace(&outbound, &[("traceparent", parent), state]).await;
        assert_eq!(told, [[parent], ["channel=1"]]);
    }
    let twice = [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT), state];
    for malformed in [&[("traceparent", "00-no-trace-01"), state][..], &[("traceparent", ""), state], &twice, &[state]]
    {
        assert_eq!(relay_trace(&outbound, malformed).await, [[""; 0]; 2], "{malformed:?}");
    }
}

#[actix_web::test]
async fn a_bot_gets_the_callers_tracestate_and_an_identity_provider_only_its_traceparent() {
    let outbound = Outbound::new(&settings()).unwrap();
    let callers = CallersTrace::read(TRACEPARENT, [b"channel=1".as_slice()].into_iter());
    let span = ServerSpan::begin(None, callers).unwrap();
    let _entered = span.enter();
    assert_eq!(relay_trace(&outbound, &[]).await, [[TRACEPARENT], ["channel=1"]]);
    let url = start_peer().join("echo").unwrap();
    let post = FormPost { url: &url, shared: &FormHeaders::default(), headers: &[], fields: &[] };
    for answer in [
        outbound.post_form(&url, &[], &[], soon()).await.unwrap(),
        outbound.post_prepared_form(&post, soon()).await.unwrap(),
        outbound.post_form_unpooled(&post, soon()).await.unwrap(),
        outbound.get(&url, soon(), 100).await.unwrap(),
    ] {
        assert_eq!((answer.header("seen-traceparent"), answer.header("seen-tracestate")), (Some(TRACEPARENT), None));
    }
}

#[actix_web::test]
async fn relay_forwards_body_and_headers_unchanged() {
    let outbound = Outbound::new(&settings()).unwrap();
    let request = RelayRequest {
        method: "PUT".into(),
        url: start_peer().join("echo").unwrap(),
        headers: [
            ("Authorization", "Bearer abc"),
            ("x-twice", "1"),
            ("x-twice", "2"),
            ("Host", "elsewhere"),
            ("content-length", "99999"),
        ]
        .into_iter()
        .collect(),
        body: Bytes::from_static(b"{\"a\" : 1}\r\n"),
        counted_as: "".into(),
    };
    let relayed = outbound.relay(request, soon()).await.unwrap();
    assert_eq!(relayed.status, 418);
    let values = |name: &str| relayed.headers.get_all(name).collect::<Vec<_>>();
    assert_eq!(values("seen-authorization"), [b"Bearer abc"]);
    assert_eq!(values("seen-x-twice"), [b"1", b"2"]);
    assert_eq!(relayed.body_length(), Some(11));
    let body: Vec<u8> = relayed.into_stream().map(|chunk| chunk.unwrap().to_vec()).collect::<Vec<_>>().await.concat();
    assert_eq!(body, b"{\"a\" : 1}\r\n");
}

#[actix_web::test]
async fn unreachable_host_and_refused_host_are_different_errors() {
    let outbound = Outbound::new(&settings()).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = Url::parse(&format!("http://127.0.0.1:{free}/")).unwrap();
    assert_eq!(outbound.get(&url, soon(), 10).await, Err(OutboundError::Unreachable));

    let strict = Outbound::new(&OutboundSettings { private_hosts: vec![], ..settings() }).unwrap();
    let refused = |host: &str| Err(OutboundError::HostRefused { host: host.into() });
    assert_eq!(strict.get(&url, soon(), 10).await, refused("127.0.0.1"));
    let named = Url::parse(&format!("http://localhost:{free}/")).unwrap();
    assert_eq!(strict.get(&named, soon(), 10).await, refused("localhost"), "a name that resolves to loopback");
    let networked = OutboundSettings {
        private_hosts: vec![],
        private_networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        ..settings()
    };
    let networked = Outbound::new(&networked).unwrap();
    assert_eq!(networked.get(&named, soon(), 10).await, Err(OutboundError::Unreachable));
}

#[actix_web::test]
async fn client_refuses_plain_http_to_unlisted_hosts_other_schemes_and_user_info() {
    let outbound = Outbound::new(&settings()).unwrap();
    for url in ["http://bot.example/", "ftp://127.0.0.1/", "https://user:secret@bot.example/", "file:///etc/passwd"] {
        let answer = outbound.get(&Url::parse(url).unwrap(), soon(), 10).await;
        assert!(matches!(answer, Err(OutboundError::HostRefused { .. })), "{url}: {answer:?}");
    }
}

proptest::proptest! {
    #[test]
    fn host_is_normalized_as_by_a_plain_conversion(host in "[\\[\\]A-Za-z0-9.:-]{0,12}") {
        let plain = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        assert_eq!(host_rules::normalize_host(&host), plain);
    }
}

#[test]
fn is_public_recognises_private_addresses_in_all_notations() {
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.31.0.1",
        "192.168.1.1",
        "198.19.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
    ] {
        assert!(!host_rules::is_public(address.parse().unwrap()), "{address}");
    }
    for address in [
        "1.1.1.1",
        "20.190.128.1",
        "172.32.0.1",
        "100.128.0.1",
        "2603:1006:2000::1",
        "64:ff9b::101:101",
        "::ffff:1.1.1.1",
    ] {
        assert!(host_rules::is_public(address.parse().unwrap()), "{address}");
    }
}

#[actix_web::test]
async fn egress_proxy_receives_public_names_unresolved() {
    let proxy = start_peer();
    let outbound = Outbound::new(&OutboundSettings {
        egress_proxy: Some(proxy.clone()),
        plain_http_hosts: vec!["peer.invalid".into(), "127.0.0.1".into()],
        ..settings()
    })
    .unwrap();
    let far = Url::parse("http://peer.invalid/echo").unwrap();
    assert_eq!(outbound.get(&far, soon(), 10).await.unwrap().status, 418, "answered by the proxy");
    let near = start_peer().join("large").unwrap();
    assert_eq!(outbound.get(&near, soon(), 2000).await.unwrap().status, 200, "reached directly");
    let excepted = Outbound::new(&OutboundSettings {
        egress_proxy: Some(proxy),
        proxy_exceptions: ProxyExceptions { domains: vec!["invalid".into()], ..ProxyExceptions::default() },
        plain_http_hosts: vec!["peer.invalid".into()],
        ..settings()
    })
    .unwrap();
    assert_eq!(excepted.get(&far, soon(), 10).await, Err(OutboundError::Unreachable), "looked up on this machine");
}

#[actix_web::test]
async fn each_thread_has_connections_of_its_own_and_uses_them_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let callers_port = |request: HttpRequest| async move { request.peer_addr().unwrap().port().to_string() };
    let server = HttpServer::new(move || App::new().route("/", web::get().to(callers_port))).workers(1);
    tokio::spawn(server.listen(listener).unwrap().disable_signals().run());

    for (threads, is_shared) in [(1, true), (64, false)] {
        let outbound = Outbound::new(&OutboundSettings { threads, ..settings() }).unwrap();
        let here = ask_for_callers_port(&outbound, &url).await;
        let asked_elsewhere = (outbound.clone(), url.clone());
        let elsewhere = tokio::task::spawn_blocking(move || {
            let (outbound, url) = asked_elsewhere;
            actix_web::rt::System::new().block_on(async {
                let first = ask_for_callers_port(&outbound, &url).await;
                assert_eq!(ask_for_callers_port(&outbound, &url).await, first);
                first
            })
        });
        assert_eq!(elsewhere.await.unwrap() == here, is_shared);
        assert_eq!(ask_for_callers_port(&outbound, &url).await, here);
    }
}

async fn ask_for_callers_port(outbound: &Outbound, url: &Url) -> Bytes {
    outbound.get(url, soon(), 10).await.unwrap().body
}

#[actix_web::test]
async fn single_host_client_reaches_only_its_host_and_the_default_client_does_not_reach_it() {
    let metadata = Url::parse("http://169.254.169.254/metadata/identity/oauth2/token").unwrap();
    let refused = |host: &str| Err(OutboundError::HostRefused { host: host.into() });
    assert_eq!(Outbound::new(&settings()).unwrap().get(&metadata, soon(), 10).await, refused("169.254.169.254"));

    let url = start_peer().join("echo").unwrap();
    let alone = Outbound::for_single_host(&url, Duration::from_secs(1)).unwrap();
    let answer = alone.get_with(&url, &[RequestHeader::new("X-One", "1")], soon(), 100).await.unwrap();
    assert_eq!((answer.status, answer.header("seen-x-one")), (418, Some("1")));
    for other in ["https://example.com/", "http://localhost/", "http://169.254.169.254/", "https://127.0.0.2/"] {
        let other = Url::parse(other).unwrap();
        assert_eq!(alone.get(&other, soon(), 10).await, refused(other.host_str().unwrap()));
    }
    let alone = Outbound::for_single_host(&metadata, Duration::from_millis(100)).unwrap();
    assert_eq!(alone.get(&url, soon(), 10).await, refused("127.0.0.1"));
}
