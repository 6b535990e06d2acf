use askama::Template;

use super::PageFrame;

/// Says what has happened and what to do about it.
#[derive(Template)]
#[template(path = "notice.html")]
pub struct NoticePage<'a> {
    frame: PageFrame,
    texts: NoticeTexts<'a>,
    /// Where the user can begin again.
    again: Option<&'a str>,
}

/// The texts of a notice.
#[derive(Clone, Copy, Debug)]
pub struct NoticeTexts<'a> {
    /// The heading, which is the title of the window as well.
    pub title: &'a str,
    /// What has happened.
    pub happened: &'a str,
    /// What the user can do.
    pub advice: &'a str,
    /// The id by which the operator finds the lines of the log.
    pub correlation_id: &'a str,
}

impl<'a> NoticePage<'a> {
    /// The notice with `texts`. `again` is the address at which the user can begin again.
    #[must_use]
    pub const fn new(frame: PageFrame, texts: NoticeTexts<'a>, again: Option<&'a str>) -> Self {
        Self { frame, texts, again }
    }
}
