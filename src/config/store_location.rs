use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::load;
use super::review::{Place, Problems, Review};
use super::sections::{StoreDurability, StoreFileSection, StorePlace, validate_shared_store_at};

/// The store that `text` names for a command: the configuration file (`….toml`) that configures it, the address of a server,
/// or the database file. The command needs no password for an address, so a server that asks for one takes a configuration.
///
/// # Errors
/// All problems of the configuration or of the address.
pub fn find_store(text: &str) -> Result<StorePlace, Problems> {
    if Path::new(text).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        return Ok(load(Path::new(text))?.store.place);
    }
    if !text.contains("://") {
        return Ok(StorePlace::File(StoreFileSection { path: PathBuf::from(text), durability: StoreDurability::Full }));
    }
    let environment = BTreeMap::new();
    let mut review = Review::new(&environment, Path::new(""));
    match validate_shared_store_at(text.to_owned(), &mut review, &Place::section("store")) {
        Some(shared) => Ok(StorePlace::Shared(Box::new(shared))),
        None => Err(review.into_problems(&|_| Vec::new())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_store_is_named_by_a_file_or_an_address() {
        let StorePlace::File(file) = find_store("./bot-sso.db").unwrap() else { panic!("a file") };
        assert_eq!(file.path, Path::new("./bot-sso.db"));
        let StorePlace::Shared(shared) = find_store("rediss://redis.internal:6380/2").unwrap() else {
            panic!("a server")
        };
        assert_eq!((shared.url.as_str(), shared.prefix.as_str()), ("rediss://redis.internal:6380/2", "bot-sso:"));
        for (text, start) in [
            ("http://redis.internal", "store.url: begins with \"http\""),
            ("redis://me:hunter2@redis.internal", "store.url: has a user or a password"),
            ("nowhere.toml", "nowhere.toml cannot be read"),
        ] {
            let problems = find_store(text).unwrap_err().to_string();
            assert!(problems.starts_with(start) && !problems.contains("hunter2"), "{problems}");
        }
    }
}
