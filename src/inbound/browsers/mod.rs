//! What doors for browsers share: the cookie that tells browsers apart, the parameters that they bring, and the heads of
//! pages and redirects.
//!
//! Owns how a browser is recognised again and what no cache may keep. It deliberately knows no page's content and no sign-in.

mod cookie;
mod page_answer;
mod parameters;

pub use cookie::BrowserCookie;
pub use page_answer::{begin_page, finish_page, redirect_browser};
pub use parameters::{find_cookie, find_parameter};
