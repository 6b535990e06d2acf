use bot_sso::endpoints::office_pane::{DOOR, RELEASES};

use super::with_an_add_in;
use crate::harness::api_documents::{document_of, documented, operations_of};
use crate::harness::{Answer, Harness};

const NEWEST: &str = "/office/single-sign-on.js";

async fn fetch(harness: &Harness, method: &str, path: &str, more: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("origin", "https://addin.example.com")];
    headers.extend_from_slice(more);
    harness.send(method, path, &headers, Vec::new()).await
}

#[tokio::test]
async fn panes_of_every_origin_load_the_module_and_keep_a_version_for_ever() {
    let harness = Harness::with(with_an_add_in()).await;
    let hash = RELEASES.newest().unwrap().hash();
    let (script, text) = ("text/javascript; charset=utf-8", "text/plain; charset=utf-8");
    let (for_ever, for_a_while) = ("public, max-age=31536000, immutable", "public, max-age=300");
    for (path, content_type, kept) in [
        (format!("/office/{hash}/single-sign-on.js"), script, for_ever),
        (format!("/office/{hash}/single-sign-on.d.ts"), text, for_ever),
        (NEWEST.to_owned(), script, for_a_while),
        ("/office/single-sign-on.d.ts".to_owned(), text, for_a_while),
    ] {
        let got = fetch(&harness, "GET", &path, &[]).await;
        let head = fetch(&harness, "HEAD", &path, &[]).await;
        assert!(got.body.len() > 1000 && head.body.is_empty(), "{path}");
        for answer in [&got, &head] {
            assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{path}");
            assert_eq!(answer.header("cache-control"), Some(kept), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
            assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert!(answer.header("set-cookie").is_none(), "{path}");
        }
        assert_eq!(got.header("etag"), head.header("etag"), "{path}");
    }
    let newest = fetch(&harness, "GET", NEWEST, &[]).await.body;
    assert_eq!(fetch(&harness, "GET", &format!("/office/{hash}/single-sign-on.js"), &[]).await.body, newest);
    for path in ["/office/0123456789abcdef0123456789abcdef/single-sign-on.js", "/office/x", "/office"] {
        assert_eq!(fetch(&harness, "GET", path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(fetch(&harness, "GET", &format!("/office/{hash}/other.js"), &[]).await.status, 404);
    let posted = fetch(&harness, "POST", NEWEST, &[]).await;
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn a_page_that_has_the_content_gets_304_and_no_body() {
    let harness = Harness::with(with_an_add_in()).await;
    for path in [NEWEST, "/office/single-sign-on.d.ts", "/web-chat/single-sign-on.js"] {
        let tag = fetch(&harness, "GET", path, &[]).await.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
        let several = format!("\"other\", W/{tag}");
        for (known, method) in [(tag.as_str(), "GET"), (tag.as_str(), "HEAD"), (several.as_str(), "GET"), ("*", "GET")]
        {
            let answer = fetch(&harness, method, path, &[("if-none-match", known)]).await;
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{method} {path} {known}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
            assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        }
        for other in ["\"other\"", "without quotes"] {
            let answer = fetch(&harness, "GET", path, &[("if-none-match", other)]).await;
            assert!(answer.status == 200 && answer.body.len() > 1000, "{path} {other}");
        }
    }
}

#[tokio::test]
async fn a_configuration_without_add_ins_has_no_module_for_panes() {
    let harness = Harness::start().await;
    let hash = RELEASES.newest().unwrap().hash();
    for path in [NEWEST, &format!("/office/{hash}/single-sign-on.js")] {
        assert_eq!(fetch(&harness, "GET", path, &[]).await.status, 404, "{path}");
    }
    let described = documented(&document_of(&harness, &harness.base).await);
    assert!(described.iter().all(|(_, path)| !path.starts_with("/office")), "{described:?}");
}

#[tokio::test]
async fn the_document_describes_the_module_where_it_is_served() {
    let harness = Harness::with(with_an_add_in()).await;
    let described = documented(&document_of(&harness, &harness.base).await);
    let missing: Vec<_> = operations_of(&[&DOOR]).difference(&described).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}
