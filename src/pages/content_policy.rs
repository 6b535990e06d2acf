use crate::domain::Entropy;

/// What each page has of its own: the nonce of its styles and scripts.
#[derive(Clone, Debug)]
pub struct PageFrame {
    /// 128 random bits as hexadecimal digits.
    pub nonce: String,
}

/// What a page may load and do beside its own styles and scripts. Each is a source of a content security policy, or several
/// with spaces between them; empty for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageSources<'a> {
    /// Where its scripts may load further scripts from.
    pub scripts: &'a str,
    /// What its scripts may call.
    pub connects: &'a str,
    /// Which pages may frame it.
    pub ancestors: &'a str,
    /// Where its forms may lead beside this service. Chromium counts every redirect that follows a form.
    pub forms: &'a str,
}

impl PageFrame {
    /// Draws the nonce of one page.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self { nonce: entropy.hex_id() }
    }

    /// The content security policy of the page: its own styles and scripts, and `sources`.
    #[must_use]
    pub fn content_policy(&self, sources: &PageSources<'_>) -> String {
        let nonce = &self.nonce;
        let scripts = if sources.scripts.is_empty() { String::new() } else { format!(" {}", sources.scripts) };
        let connects =
            if sources.connects.is_empty() { String::new() } else { format!("connect-src {}; ", sources.connects) };
        let ancestors = if sources.ancestors.is_empty() { "'none'" } else { sources.ancestors };
        let forms = if sources.forms.is_empty() { String::new() } else { format!(" {}", sources.forms) };
        format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'{scripts}; {connects}form-action \
             'self'{forms}; base-uri 'none'; frame-ancestors {ancestors}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_do_nothing_but_what_its_door_names() {
        let frame = PageFrame { nonce: "n".to_owned() };
        assert_eq!(
            frame.content_policy(&PageSources::default()),
            "default-src 'none'; style-src 'nonce-n'; script-src 'nonce-n'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        let sources = PageSources {
            scripts: "https://s.example",
            connects: "https://c.example",
            ancestors: "https://a.example",
            forms: "https://f.example",
        };
        let policy = frame.content_policy(&sources);
        for part in [
            "script-src 'nonce-n' https://s.example;",
            "connect-src https://c.example;",
            "frame-ancestors https://a.example",
            "form-action 'self' https://f.example;",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
    }
}
