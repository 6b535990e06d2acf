use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};

/// A file of the page that is a part of the program.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    text: &'static str,
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

static ASSETS: [Asset; 9] = [
    Asset { name: "page.css", media_type: CSS, text: include_str!("page.css") },
    Asset { name: "page.js", media_type: JAVASCRIPT, text: include_str!("page.js") },
    Asset { name: "panel.css", media_type: CSS, text: include_str!("panel/panel.css") },
    Asset { name: "panel.js", media_type: JAVASCRIPT, text: include_str!("panel/panel.js") },
    Asset { name: "panel-diagram.js", media_type: JAVASCRIPT, text: include_str!("panel/diagram.js") },
    Asset { name: "panel-arrows.js", media_type: JAVASCRIPT, text: include_str!("panel/arrows.js") },
    Asset { name: "panel-switches.js", media_type: JAVASCRIPT, text: include_str!("panel/switches.js") },
    Asset { name: "panel-element.js", media_type: JAVASCRIPT, text: include_str!("panel/element.js") },
    Asset { name: "redirect.js", media_type: JAVASCRIPT, text: include_str!("redirect.js") },
];

/// Whether the program has a file of this name for the page.
pub(super) fn has_asset(name: &str) -> bool {
    ASSETS.iter().any(|asset| asset.name == name)
}

/// The routes of the files. A browser asks for them each time, because another version of the program may have the same
/// address a minute later.
pub(super) fn routes(config: &mut ServiceConfig) {
    for asset in &ASSETS {
        config.route(&format!("/playground/{}", asset.name), web::get().to(move || std::future::ready(answer(asset))));
    }
}

fn answer(asset: &'static Asset) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(asset.media_type)
        .insert_header(("Cache-Control", "no-cache"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(asset.text)
}
