//! Links of Markdown files.

use super::super::links::broken_links;
use super::{assert_fine, assert_one, tree};

const SPEED: &str = "# Speed\n## 1.2 How `it` is measured, twice\n## Again\n## Again\n```\n# No heading\n```\n";

fn found(path: &str, text: &str) -> Vec<String> {
    broken_links(&tree(&[(path, text), ("docs/speed.md", SPEED), ("fixtures/config/full.toml", "# Keys")]))
}

#[test]
fn a_link_to_no_file_or_no_heading_is_found() {
    for text in [
        "[a](docs/spead.md)",
        "See\n[a](speed.md).",
        "[`a`](docs/speed.md#again-2)",
        "[a](docs/speed.md#no-heading)",
        "[a](#speed)",
        "![a](docs/speed.png)",
        "[a](<docs/other.md> \"A title\")",
        "[a]: docs/other.md",
        "[a](fixtures/conf)",
        "[a](../speed.md)",
        "`code` and [a](docs/other.md) and `code`",
    ] {
        assert_eq!(found("README.md", text).len(), 1, "{text}");
    }
    assert_one(&found("docs/a/b.md", "\n[a](speed.md)"), "docs/a/b.md:2: there is no file speed.md", "the place");
    assert_one(&found("docs/b.md", "[a](speed.md#x)"), "docs/b.md:1: docs/speed.md has no heading #x", "the heading");
}

#[test]
fn a_link_that_leads_somewhere_passes() {
    for text in [
        "[a](docs/speed.md) and [b](docs/speed.md#speed)",
        "[a](docs/speed.md#12-how-it-is-measured-twice)",
        "[a](docs/speed.md#again) [b](docs/speed.md#again-1)",
        "# Here it is\n[a](#here-it-is)",
        "[a](fixtures/config/full.toml) [b](fixtures/config) [c](docs/) [d](./docs/speed.md)",
        "[a](https://example.org/docs/none.md) [b](mailto:a@example.org)",
        "`[a](docs/none.md)`",
        "```\n[a](docs/none.md)\n```",
        "[a]: docs/speed.md",
    ] {
        assert_fine(&found("README.md", text), text);
    }
    assert_fine(&found("docs/a/b.md", "[a](../speed.md#speed) [b](../../src/lib.rs)"), "a folder below");
}
