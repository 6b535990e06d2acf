//! What doors for browsers share: which pages may call, the cookie that tells browsers apart, the parameters that they bring, and the heads of
//! pages and redirects.
//!
//! Owns how a browser is recognised again and what no cache may keep. It deliberately knows no page's content and no sign-in.

mod cookie;
mod cross_origin;
mod form_guard;
mod page_answer;
mod parameters;
mod sso_cookie;

pub use cookie::BrowserCookie;
pub use cross_origin::{CrossOriginPolicy, find_origin, list_methods};
pub use form_guard::{FormGuard, FormToken};
pub use page_answer::{begin_page, finish_page, redirect_browser};
pub use parameters::{find_cookie, find_parameter};
pub use sso_cookie::SsoCookie;
