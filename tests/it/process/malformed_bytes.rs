//! Bytes that are no HTTP or no TLS: anybody can send them, so they write no error line into the log.

use std::path::PathBuf;

use super::setting::{Service, Setting};
use crate::harness::raw::{Wire, blocking};
use crate::harness::write_private;

/// What clients send, and whether they hang up themselves because the service would wait for more.
const MALFORMED: [(&[u8], bool); 12] = [
    (b"\x00\xff\xfe\x01\x02\x80 garbage\r\n\r\n", false),
    (b"GET / HTTP/9.9\r\n\r\n", false),
    (b"GET /a b c HTTP/1.1\r\nhost: x\r\n\r\n", false),
    (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", false),
    (b"GET / HTTP/1.1\r\nhost: x\r\nx: \x00\r\n\r\n", false),
    (b"POST /api/messages HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n", false),
    (b"POST /api/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\nx", true),
    (b"POST /api/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n", true),
    (b"POST /api/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{\"type\":", true),
    // The hello of TLS 1.2, and one that ends early.
    (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", true),
    (b"\x16\x03\x01\x02\x00\x01\x00", true),
    (b"\x15\x03\x03\x00\x02\x02\x46", true),
];

async fn send_all(address: String) {
    blocking(move || {
        let base = format!("http://{address}");
        for (bytes, hangs_up) in MALFORMED {
            let mut wire = Wire::to(&base);
            wire.send(bytes);
            if hangs_up { wire.hang_up() } else { drop(wire.read_all()) }
        }
        let mut wire = Wire::to(&base);
        wire.send(b"GET / HTTP/1.1\r\n");
        // A head beyond every limit. The service may close before all of it is written.
        for _ in 0..40 {
            wire.send(&[b"x: ".as_slice(), &[b'y'; 4000], b"\r\n"].concat());
        }
        drop(wire.read_all());
    })
    .await;
}

fn assert_no_error_line(service: &Service) {
    let errors: Vec<_> = service.lines().into_iter().filter(|line| line.contains("\"level\":\"ERROR\"")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[tokio::test]
async fn malformed_bytes_write_no_error_line() {
    let mut setting = Setting::new().await;
    let mut service = setting.serve().await;
    send_all(service.address.clone()).await;
    // The line of a later request is written after theirs.
    setting.harness.send("GET", "/the-last-one", &[], Vec::new()).await;
    service.wait_for_line("/the-last-one").await;
    assert_no_error_line(&service);
}

#[tokio::test]
async fn malformed_bytes_write_no_error_line_where_tls_is_served() {
    let mut setting = Setting::new().await;
    let [certificate, key]: [PathBuf; 2] = ["certificate.pem", "certificate.key"].map(|name| setting.path(name));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    write_private(&key, &made.signing_key.serialize_pem());
    setting.set("server.tls.certificate_file", certificate.to_str().unwrap());
    setting.set("server.tls.key_file", key.to_str().unwrap());
    let mut service = setting.serve().await;
    send_all(service.address.clone()).await;
    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
    let port = service.address.rsplit(':').next().unwrap().to_owned();
    let answer = client.get(format!("https://localhost:{port}/the-last-one")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    service.wait_for_line("/the-last-one").await;
    assert_no_error_line(&service);
}
