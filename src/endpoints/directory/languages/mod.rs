//! The languages of the pages.

mod notice_text;
mod provider_texts;
mod texts;

use actix_web::HttpRequest;
use actix_web::http::header;

pub use self::notice_text::NoticeText;
pub use self::provider_texts::ProviderTexts;
pub use self::texts::PageTexts;

/// A language in which the pages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, where the browser wants none of the others.
    #[default]
    English,
    /// Japanese.
    Japanese,
    /// German.
    German,
}

/// The longest list of languages that is read, in entries.
const MAX_ENTRIES: usize = 32;

impl Language {
    /// The texts of all pages.
    #[must_use]
    pub const fn texts(self) -> &'static PageTexts {
        match self {
            Self::English => &texts::ENGLISH,
            Self::Japanese => &texts::JAPANESE,
            Self::German => &texts::GERMAN,
        }
    }

    /// Chooses the language: `ui_locales` (OpenID Connect Core §3.1.2.1) counts first, then `language` of App ID's SDK, then
    /// what the browser asks for. Unknown languages are passed over.
    #[must_use]
    pub fn choose(http: &HttpRequest, ui_locales: Option<&str>, language: Option<&str>) -> Self {
        let asked = ui_locales.into_iter().flat_map(str::split_ascii_whitespace).chain(language);
        let asked = asked.take(MAX_ENTRIES).find_map(Self::find);
        asked.or_else(|| Self::of_browser(http)).unwrap_or_default()
    }

    /// The language of a tag such as `de-AT` (RFC 5646 §2.1): its first part alone decides.
    fn find(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        let languages = [("en", Self::English), ("ja", Self::Japanese), ("de", Self::German)];
        languages.into_iter().find(|(name, _)| primary.eq_ignore_ascii_case(name)).map(|(_, language)| language)
    }

    /// The language with the greatest weight in `Accept-Language` (RFC 9110 §12.5.4); of equal ones the first.
    fn of_browser(http: &HttpRequest) -> Option<Self> {
        let header = http.headers().get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best: Option<(f32, Self)> = None;
        for entry in header.split(',').take(MAX_ENTRIES) {
            let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
            let known = weight.filter(|weight| *weight > 0.0).zip(Self::find(tag.trim()));
            best = match (best, known) {
                (Some(best), Some(other)) if other.0 > best.0 => Some(other),
                (None, other) => other,
                (best, _) => best,
            };
        }
        best.map(|(_, language)| language)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn choose(accepted: &str, ui_locales: Option<&str>, language: Option<&str>) -> Language {
        let http = TestRequest::default().insert_header((header::ACCEPT_LANGUAGE, accepted)).to_http_request();
        Language::choose(&http, ui_locales, language)
    }

    #[test]
    fn the_request_counts_before_the_browser_and_unknown_languages_are_passed_over() {
        assert_eq!(choose("de", Some("fr ja-JP en"), Some("en")), Language::Japanese);
        assert_eq!(choose("de", Some("fr"), Some("JA")), Language::Japanese);
        assert_eq!(choose("de-AT", Some("fr pt-br"), Some("xx")), Language::German);
        assert_eq!(choose("fr", None, None), Language::English);
        assert_eq!(choose("", Some(""), None), Language::English);
    }

    #[test]
    fn the_greatest_weight_of_the_browser_counts() {
        assert_eq!(choose("fr-CH, en;q=0.5, ja;q=0.9", None, None), Language::Japanese);
        assert_eq!(choose("de;q=0, ja;q=0.1", None, None), Language::Japanese);
        assert_eq!(choose("de, ja", None, None), Language::German);
        assert_eq!(choose("de;q=x, ja;q=NaN, en-GB;q=0.2", None, None), Language::English);
    }
}
