use std::io::Write as _;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use super::api::{Api, answer};
use super::fixture::{Fixture, ME, ORIGIN, start};
use crate::harness::raw::{ScriptedServer, Wire, blocking};

#[tokio::test]
async fn the_beginning_of_an_answer_arrives_before_the_api_has_sent_its_end() {
    let (open, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let api = ScriptedServer::start(move |stream| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        gate.lock().unwrap().recv().unwrap();
        for _ in 0..64 {
            stream.write_all(format!("10000\r\n{}\r\n", "x".repeat(0x10000)).as_bytes()).unwrap();
        }
        stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").unwrap();
    });
    let harness = start("", &api.url("/v1.0")).await;
    let token = harness.user_token("Ada", "graph").await;
    let base = harness.base.clone();
    let request = format!(
        "GET {ME} HTTP/1.1\r\nhost: a\r\norigin: {ORIGIN}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    let read = blocking(move || {
        let mut wire = Wire::to(&base);
        let begun = wire.send(request.as_bytes()).read_until("first");
        // Only now the API may go on.
        open.send(()).unwrap();
        (begun, wire.read_all())
    });
    let (begun, rest) = read.await;
    assert!(begun.contains("200 OK") && begun.contains("no-store"), "{begun}");
    assert!(rest.len() > 64 * 0x10000 && rest.ends_with("last\r\n0\r\n\r\n"), "{}", rest.len());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_complete_answer() {
    let api = ScriptedServer::answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    let harness = start("", &api.url("/v1.0")).await;
    let token = harness.user_token("Ada", "graph").await;
    let base = harness.base.clone();
    let request = format!("GET {ME} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    let read = blocking(move || Wire::to(&base).send(request.as_bytes()).read_all()).await;
    assert!(read.contains("first") && !read.contains("0\r\n\r\n"), "{read}");
}

#[tokio::test]
async fn a_long_body_is_sent_on_while_it_arrives_and_a_part_of_one_is_never_taken_for_the_whole() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let send = |announced: usize, sent: usize| {
        let head = format!(
            "POST {ME} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: {announced}\r\nconnection: close\r\n\r\n"
        );
        let base = fixture.base.clone();
        blocking(move || {
            let mut wire = Wire::to(&base);
            wire.send(head.as_bytes()).send(&vec![b'a'; sent]);
            if sent < announced {
                wire.hang_up();
                String::new()
            } else {
                wire.read_all()
            }
        })
    };
    fixture.api.answer_next(answer("201 Created", "", ""));
    assert!(send(300_000, 300_000).await.starts_with("HTTP/1.1 201"));
    assert_eq!(fixture.api.calls()[0].body.len(), 300_000);
    send(300_000, 200_000).await;
    // A whole call afterwards: the broken one has ended by then, since the API serves one call after the other.
    assert_eq!(fixture.get_as(&token, ME).await.json(), Api::ada());
    let posts = fixture.api.calls().into_iter().filter(|call| call.method == "POST").count();
    assert_eq!(posts, 1, "the part of a body did not reach the API as a body");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_or_not_its_length_is_announced() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let answer = fixture.call_as(&token, "POST", ME, &[], vec![b'a'; 600 * 1024]).await;
    assert_eq!((answer.status, answer.json()["type"].as_str()), (413, Some("BodyTooLarge")));
    assert_eq!(fixture.api.calls().len(), 0);
    // This API reads what it gets, and answers nothing.
    let api = ScriptedServer::start(|stream| {
        let _ = std::io::copy(stream, &mut std::io::sink());
    });
    let harness = start("", &api.url("/v1.0")).await;
    let token = harness.user_token("Ada", "graph").await;
    let base = harness.base.clone();
    let request = format!(
        "POST {ME} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n82000\r\n{}",
        "a".repeat(0x82000)
    );
    let answer = blocking(move || Wire::to(&base).send(request.as_bytes()).read_until("\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}
