use roxmltree::{Document, Node};

use super::{Manifest, ManifestApplication};

/// Reads the XML form. `WebApplicationInfo` stands in a `VersionOverrides`; of several, the innermost one counts
/// (docs/office-add-ins.md §The manifest). A document type declaration is refused.
pub(super) fn read(text: &str) -> Result<Manifest, String> {
    let document = Document::parse(text).map_err(|error| format!("is no XML: {error}"))?;
    let root = document.root_element();
    if root.tag_name().name() != "OfficeApp" {
        return Err(format!("is no manifest of an Office add-in: its root is {:?}", root.tag_name().name()));
    }
    let infos = root.descendants().filter(|node| node.tag_name().name() == "WebApplicationInfo");
    let innermost = infos.max_by_key(|node| node.ancestors().count());
    Ok(Manifest {
        application: innermost.map(read_application),
        valid_domains: None,
        bot_ids: Vec::new(),
        is_of_office: true,
    })
}

fn read_application(info: Node<'_, '_>) -> ManifestApplication {
    let scopes = info.children().find(|node| node.tag_name().name() == "Scopes");
    let scopes = scopes.map(|scopes| scopes.children().filter_map(|scope| read_text(scope, "Scope")).collect());
    let find = |name: &str| info.children().find_map(|child| read_text(child, name));
    ManifestApplication { id: find("Id"), resource: find("Resource"), scopes: Some(scopes.unwrap_or_default()) }
}

/// The text of the element `name`.
fn read_text(node: Node<'_, '_>, name: &str) -> Option<String> {
    let text = node.text().filter(|_| node.tag_name().name() == name)?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
