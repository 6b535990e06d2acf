/// The texts of a notice.
pub struct NoticeText {
    /// The heading.
    pub title: &'static str,
    /// What has happened.
    pub happened: &'static str,
    /// What the user can do.
    pub advice: &'static str,
}

pub(super) const fn notice(title: &'static str, happened: &'static str, advice: &'static str) -> NoticeText {
    NoticeText { title, happened, advice }
}
