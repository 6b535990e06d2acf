use serde_json::json;

use super::visit::{View, start, visit};

#[tokio::test]
async fn the_page_with_a_chat_and_a_card_is_accessible_in_each_scheme_and_width() {
    let harness = start().await;
    for width in [1200, 360] {
        for scheme in ["light", "dark"] {
            let label = format!("looks-{scheme}-{width}");
            let view = View { scheme, width };
            let steps = json!([
                {"open": true}, {"axe": true}, {"say": "hello"}, {"card": true}, {"look": true}, {"axe": true},
                {"screenshot": "card"},
            ]);
            let seen = visit(&harness, &label, "?user=eve", view, steps).await;
            for found in seen.of("axe") {
                assert_eq!(found["serious"], json!([]), "{label}");
            }
            assert_eq!(seen.last_look()["width"], width, "{label}: the page is wider than the window");
        }
    }
}
