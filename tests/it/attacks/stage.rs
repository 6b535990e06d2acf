//! Web pages of other machines that make a developer's browser call the stage (docs/security.md §Development).

use crate::harness::Harness;

const CONTROLS: [(&str, &str); 5] = [
    ("/dev/faults", "fault=throttled"),
    ("/dev/keys/rotate", ""),
    ("/dev/calls/reset", ""),
    ("/dev/sessions", "revoke=ada"),
    ("/dev/consent", "user=cleo"),
];

async fn post(url: &str, body: &str, headers: &[(&str, &str)]) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(url).header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_page_of_another_machine_works_no_control_and_gets_no_token() {
    let harness = Harness::start().await;
    let stage = harness.stage.http_base();
    for (path, body) in CONTROLS {
        let url = format!("{stage}{path}");
        for foreign in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "http://localhost.evil.example")],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
        ] {
            assert_eq!(post(&url, body, foreign).await, 403, "{path} {foreign:?}");
        }
    }
    let token = format!("{stage}/{}/oauth2/v2.0/token", harness.user("Ada").tid);
    assert_eq!(post(&token, "grant_type=password", &[("origin", "https://evil.example")]).await, 403);
    let exchange = harness.user_token("Ada", "graph").await;
    let activity = crate::harness::activities::exchange(&harness, &harness.user("Ada"), "x", &exchange);
    assert_eq!(harness.post(&activity).await.status, 200, "no fault was set");
}

#[tokio::test]
async fn a_page_of_this_machine_and_a_program_work_the_controls() {
    let harness = Harness::start().await;
    let stage = harness.stage.http_base();
    for own in [
        &[][..],
        &[("origin", "http://localhost:3000")],
        &[("origin", "http://127.0.0.1:3978"), ("sec-fetch-site", "same-site")],
        &[("origin", "http://[::1]:3000"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
    ] {
        for (path, body) in CONTROLS {
            let status = post(&format!("{stage}{path}"), body, own).await;
            assert!((200..300).contains(&status), "{path} {own:?}: {status}");
        }
    }
}

#[tokio::test]
async fn a_page_of_another_machine_does_not_read_the_manifest_of_development_mode() {
    let harness = Harness::start().await;
    let routes = harness.stage.routes(&harness.base);
    let app = actix_web::test::init_service(actix_web::App::new().configure(routes)).await;
    let status = async |headers: &[(&'static str, &'static str)]| {
        let request =
            actix_web::test::TestRequest::get().uri("/dev/manifest.json").insert_header(("host", "localhost"));
        let request = headers.iter().fold(request, |request, header| request.insert_header(*header));
        actix_web::test::call_service(&app, request.to_request()).await.status().as_u16()
    };
    assert_eq!(status(&[]).await, 200);
    assert_eq!(status(&[("origin", "http://localhost:3000")]).await, 200);
    assert_eq!(status(&[("origin", "https://evil.example")]).await, 403);
    assert_eq!(status(&[("sec-fetch-site", "cross-site")]).await, 403);
}
