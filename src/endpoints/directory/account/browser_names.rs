/// The marks of browsers in `User-Agent`, in the order in which they decide: many browsers carry the marks of others as well.
const BROWSERS: [(&str, &str); 13] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The marks of systems, in the order in which they decide.
const SYSTEMS: [(&str, &str); 8] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// The name of a browser and its system as people know them, by its `User-Agent`: `Firefox, Windows`. `None` if neither is known:
/// what a program writes there is not repeated.
pub(super) fn name_browser(user_agent: &str) -> Option<String> {
    let find = |marks: &[(&str, &'static str)]| {
        marks.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser}, {system}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::name_browser;

    #[test]
    fn browsers_have_the_names_that_people_know() {
        let windows =
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0";
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        for (user_agent, name) in [
            (format!("{windows} Safari/537.36"), Some("Chrome, Windows")),
            (format!("{windows} Safari/537.36 Edg/131.0.0.0"), Some("Edge, Windows")),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0".to_owned(),
                Some("Firefox, Linux"),
            ),
            (format!("{iphone} Version/18.1 Mobile/15E148 Safari/604.1"), Some("Safari, iPhone")),
            (format!("{iphone} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1"), Some("Chrome, iPhone")),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) Version/18.1 Safari/605.1.15".to_owned(),
                Some("Safari, macOS"),
            ),
            ("curl/8.10.1".to_owned(), None),
            ("<script>".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(name_browser(&user_agent).as_deref(), name, "{user_agent}");
        }
    }
}
