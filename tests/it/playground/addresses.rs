use bot_sso::endpoints::web_chat::RELEASES;

use super::visit::start;
use crate::harness::{Answer, Harness};

async fn fetch(harness: &Harness, method: &str, path: &str) -> Answer {
    harness.send(method, path, &[("origin", "https://www.example.com")], Vec::new()).await
}

#[tokio::test]
async fn pages_of_every_origin_load_the_module_and_keep_a_version_for_ever() {
    let harness = Harness::start().await;
    let hash = RELEASES.newest().unwrap().hash();
    let (script, text) = ("text/javascript; charset=utf-8", "text/plain; charset=utf-8");
    let (for_ever, for_a_while) = ("public, max-age=31536000, immutable", "public, max-age=300");
    for (path, content_type, kept) in [
        (format!("/web-chat/{hash}/single-sign-on.js"), script, for_ever),
        (format!("/web-chat/{hash}/single-sign-on.d.ts"), text, for_ever),
        ("/web-chat/single-sign-on.js".to_owned(), script, for_a_while),
        ("/web-chat/single-sign-on.d.ts".to_owned(), text, for_a_while),
    ] {
        let got = fetch(&harness, "GET", &path).await;
        let head = fetch(&harness, "HEAD", &path).await;
        assert!(got.body.len() > 1000 && head.body.is_empty(), "{path}");
        for answer in [&got, &head] {
            assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{path}");
            assert_eq!(answer.header("cache-control"), Some(kept), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        }
    }
    let newest = fetch(&harness, "GET", "/web-chat/single-sign-on.js").await.body;
    assert_eq!(fetch(&harness, "GET", &format!("/web-chat/{hash}/single-sign-on.js")).await.body, newest);
    for path in ["/web-chat/0123456789abcdef0123456789abcdef/single-sign-on.js", "/web-chat/x", "/web-chat"] {
        assert_eq!(fetch(&harness, "GET", path).await.status, 404, "{path}");
    }
    assert_eq!(fetch(&harness, "GET", &format!("/web-chat/{hash}/other.js")).await.status, 404);
}

#[tokio::test]
async fn the_page_has_one_address_and_no_other_page_may_frame_it() {
    let harness = Harness::start().await;
    let page = harness.stage.manifest(&harness.base)["web_chat"]["page"].as_str().unwrap().to_owned();
    let got = harness.send("GET", &page, &[], Vec::new()).await;
    assert_eq!(got.status, 200);
    let policy = got.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("script-src 'unsafe") && !policy.contains("'unsafe-eval'"), "{policy}");
    let elsewhere = page.replacen("127.0.0.1", "localhost", 1);
    let led = harness.browser().get(&format!("{elsewhere}?user=ben")).await;
    assert_eq!((led.status, led.header("location")), (307, Some(format!("{page}?user=ben").as_str())));
    for headers in [[("host", "rebound.example")], [("origin", "https://evil.example")]] {
        for path in ["", "playground/settings.json", "playground/page.js"] {
            let answer = harness.send("GET", &format!("{page}{path}"), &headers, Vec::new()).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn browsers_keep_the_libraries_and_check_their_digests() {
    let harness = start().await;
    let base = harness.stage.http_base();
    let settings = harness.send("GET", &format!("{base}/playground/settings.json"), &[], Vec::new()).await.json();
    for file in ["webchat.js", "msal-browser.min.js", "msal-redirect-bridge.min.js"] {
        let library = &settings["libraries"][file];
        let url = format!("{base}{}", library["url"].as_str().unwrap());
        let answer = harness.send("GET", &url, &[], Vec::new()).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("text/javascript; charset=utf-8")),
            "{url}"
        );
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"), "{url}");
        assert!(library["integrity"].as_str().unwrap().starts_with("sha384-"), "{library}");
    }
    let beside = harness.send("GET", &format!("{base}/playground/libraries/pins"), &[], Vec::new()).await;
    assert_eq!(beside.status, 404, "no other file of the folder is served");
    let missing = harness.stage.load_web_chat("/nowhere".as_ref()).unwrap_err().to_string();
    assert!(missing.contains("/nowhere/webchat.js") && missing.contains("scripts/web-chat"), "{missing}");
}
