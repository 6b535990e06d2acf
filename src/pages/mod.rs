//! What all pages have in common: their frame and style, their content security policy, and the page of a notice.
//!
//! Owns the templates that the pages of all doors extend. It deliberately knows no HTTP, no sign-in and no door: a door fills
//! the frame with its own content.

mod content_policy;
mod notice;

pub use content_policy::{PageFrame, PageSources};
pub use notice::{NoticePage, NoticeTexts};
