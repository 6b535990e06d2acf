#![allow(clippy::unwrap_used)]
//! Bodies that the application does not read.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::tests::{Fixture, read_to_close, read_until, send};

#[actix_web::test]
async fn a_body_that_is_not_wanted_is_not_drained() {
    let fixture = Fixture::start(10, 10);
    for path in ["/small", "/nowhere"] {
        for head in ["transfer-encoding: chunked\r\n\r\n5\r\n", "content-length: 100000000\r\n\r\n"] {
            let mut client = fixture.connect().await;
            send(&mut client, &format!("POST {path} HTTP/1.1\r\nhost: a\r\n{head}")).await;
            let mut answer = [0; 12];
            client.read_exact(&mut answer).await.unwrap();
            let (mut reading, mut writing) = client.into_split();
            let pouring = tokio::spawn(async move {
                let mut poured = 0;
                while writing.write_all(&[b'x'; 4096]).await.is_ok() {
                    poured += 4096;
                }
                poured
            });
            let mut rest = Vec::new();
            let _ = reading.read_to_end(&mut rest).await;
            let rest = String::from_utf8_lossy(&rest).to_lowercase();
            assert!(rest.contains("connection: close"), "{path} {head}: {rest}");
            // The system's buffers take a few hundred kilobytes more than the server.
            assert!(pouring.await.unwrap() < 16 * 1024 * 1024);
        }
    }
    fixture.server.stop(false).await;
}

#[actix_web::test]
async fn a_body_that_has_arrived_with_its_head_and_is_not_wanted_leaves_the_connection_open() {
    let fixture = Fixture::start(10, 10);
    let mut client = fixture.connect().await;
    for length in [1, 7, 3_000] {
        let body = "x".repeat(length);
        send(&mut client, &format!("POST /small HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")).await;
        let answer = read_until(&mut client, "small").await.to_lowercase();
        assert!(!answer.contains("connection: close"), "{length}: {answer}");
    }
    send(&mut client, "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nthree").await;
    read_until(&mut client, "three").await;
    assert_eq!(fixture.table.len(), 1);
    // A body without an announced length is not waited for, and neither is one after it on the same connection.
    let chunked = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    send(&mut client, chunked).await;
    read_until(&mut client, "abc").await;
    send(&mut client, "POST /small HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx").await;
    let answer = String::from_utf8(read_to_close(&mut client).await).unwrap().to_lowercase();
    assert!(answer.contains("connection: close") && answer.ends_with("small"), "{answer}");
    fixture.server.stop(false).await;
}
