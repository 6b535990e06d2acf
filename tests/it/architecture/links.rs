//! The rule on links in Markdown files.

use std::collections::HashMap;

use super::source_tree::{Markdown, SourceTree};

/// Lists relative links to files that do not exist, and anchors that no heading has.
pub fn broken_links(tree: &SourceTree) -> Vec<String> {
    let anchors: HashMap<&str, Vec<String>> =
        tree.markdown.iter().map(|file| (file.path.as_str(), anchors(&file.headings()))).collect();
    let mut problems = Vec::new();
    for file in &tree.markdown {
        for (line, target) in links(&file.text) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if path.is_empty() { Some(file.path.clone()) } else { resolved(file, path) };
            let known = path.filter(|path| exists(tree, path));
            let has_anchor =
                |path: &String| anchors.get(path.as_str()).is_none_or(|of| of.iter().any(|it| it == anchor));
            match known {
                None => problems.push(format!("{}:{line}: there is no file {target}", file.path)),
                Some(path) if !anchor.is_empty() && !has_anchor(&path) => {
                    problems.push(format!("{}:{line}: {path} has no heading #{anchor}", file.path));
                }
                Some(_) => {}
            }
        }
    }
    problems
}

/// A file, or a folder that has files.
fn exists(tree: &SourceTree, path: &str) -> bool {
    let folder = format!("{path}/");
    tree.paths.contains(path) || path.is_empty() || tree.paths.iter().any(|file| file.starts_with(&folder))
}

/// The path relative to `Cargo.toml`; `None` if it leads out of the package.
fn resolved(file: &Markdown, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.path.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The targets of links outside of code, with their lines. Addresses of other sites are left out.
fn links(markdown: &str) -> Vec<(usize, String)> {
    let mut in_code = false;
    let mut links = Vec::new();
    for (number, line) in markdown.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        if in_code || is_fence {
            continue;
        }
        let line = without_code(line);
        let inline = line.match_indices("](").map(|(at, sign)| &line[at + sign.len()..]);
        let defined = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        for text in inline.chain(defined.map(|(_, target)| target)) {
            let target = text.trim_start_matches('<').split([')', ' ', '>']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                links.push((number + 1, target.to_owned()));
            }
        }
    }
    links
}

/// The line without the text between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The anchors that GitHub gives to headings.
fn anchors(headings: &[String]) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for heading in headings {
        let lower_case = heading.to_lowercase();
        let kept = lower_case.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        let plain: String = kept.collect();
        let numbered = (1..).map(|number| format!("{plain}-{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|anchor| !anchors.contains(anchor));
        anchors.extend(free);
    }
    anchors
}
