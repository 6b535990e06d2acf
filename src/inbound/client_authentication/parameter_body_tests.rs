#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
use std::time::Duration;

use actix_web::FromRequest as _;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::test::TestRequest;
use actix_web::web::Payload;

use super::Form;
use super::parameter_body::{ParameterBodyError, read_parameters};
use crate::inbound::body::BodyLimits;
use crate::inbound::problem::Problem;

const LIMITS: BodyLimits = BodyLimits { bytes: 2000, time: Duration::from_secs(5) };
const MULTIPART: &str = "multipart/form-data; boundary=----b";

async fn read(content_type: &str, body: &str) -> Result<Form<'static>, ParameterBodyError> {
    let request = TestRequest::post().insert_header((CONTENT_TYPE, content_type)).set_payload(body.to_owned());
    let (http, mut payload) = request.to_http_parts();
    let payload = Payload::from_request(&http, &mut payload).await.unwrap();
    read_parameters(&http, payload, LIMITS).await
}

fn field(head: &str, value: &str) -> String {
    format!("------b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n")
}

fn multipart(fields: &[String]) -> String {
    format!("{}------b--\r\n", fields.concat())
}

#[actix_web::test]
async fn the_three_forms_of_a_body_give_the_same_parameters() {
    let fields =
        multipart(&[field("name=\"grant_type\"", "password"), field("name=\"username\"", "ada+x@b.example ü")]);
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", "grant_type=password&username=ada%2Bx%40b.example+%C3%BC"),
        ("application/json; charset=utf-8", r#"{"grant_type":"password","username":"ada+x@b.example ü","scope":null}"#),
        (MULTIPART, fields.as_str()),
    ] {
        let form = read(content_type, body).await.unwrap();
        assert_eq!(form.find("grant_type"), Some("password"), "{content_type}");
        assert_eq!(form.find("username"), Some("ada+x@b.example ü"), "{content_type}");
        assert_eq!((form.find("scope"), form.find_repeated(&[])), (None, None), "{content_type}");
    }
}

#[actix_web::test]
async fn a_repeated_parameter_is_found_in_each_form() {
    let fields = multipart(&[field("name=\"a\"", "1"), field("name=\"a\"", "1")]);
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", "a=1&%61=1"),
        ("application/json", r#"{"a":"1","\u0061":null}"#),
        (MULTIPART, fields.as_str()),
    ] {
        assert_eq!(read(content_type, body).await.unwrap().find_repeated(&[]), Some("a"), "{content_type}");
    }
}

#[actix_web::test]
async fn a_file_a_number_and_a_broken_body_are_malformed() {
    let file = multipart(&[field("name=\"a\"; filename=\"a.txt\"", "1")]);
    let binary = multipart(&[field("name=\"a\"\r\nContent-Type: application/octet-stream", "1")]);
    let nameless = multipart(&[field("x=\"a\"", "1")]);
    let many = multipart(&vec![field("name=\"a\"", ""); 65]);
    let cut = field("name=\"a\"", "1");
    for body in [&file, &binary, &nameless, &many[..], &cut, "nothing"] {
        if body.len() <= LIMITS.bytes {
            assert_eq!(read(MULTIPART, body).await.err(), Some(ParameterBodyError::Malformed), "{body}");
        }
    }
    for body in [r#"{"a":1}"#, r#"{"a":["b"]}"#, r#"["a"]"#, r#"{"a":"b"} x"#, "{", "", r#"{"a":"\u0000"}"#] {
        assert_eq!(read("application/json", body).await.err(), Some(ParameterBodyError::Malformed), "{body}");
    }
    let too_many = format!("{{{}}}", vec![r#""a":"""#; 65].join(","));
    assert_eq!(read("application/json", &too_many).await.err(), Some(ParameterBodyError::Malformed));
}

#[actix_web::test]
async fn another_type_and_a_large_body_are_refused() {
    for content_type in ["text/plain", "multipart/mixed; boundary=----b", "application/json; charset=utf-16"] {
        assert_eq!(read(content_type, "a=1").await.err(), Some(ParameterBodyError::UnknownType), "{content_type}");
    }
    let large = multipart(&[field("name=\"a\"", &"x".repeat(LIMITS.bytes))]);
    let error = read(MULTIPART, &large).await.err();
    assert_eq!(error, Some(ParameterBodyError::NotRead(Problem::PayloadTooLarge)));
}
