//! Which requests the stage answers: those to this machine's own names, and of browsers only those that a page of an admitted
//! origin made.
//!
//! Owns the list of origins and the refusals. It deliberately knows no route.

mod foreign_page;
mod loopback_host;
mod page_origins;

pub(super) use foreign_page::RequestHead;
pub(super) use loopback_host::{host_header, is_loopback_host, is_loopback_url};
pub(super) use page_origins::{PageOrigins, UnreadableOrigin, admit_page_origins, foreign_origin, page_origin};
