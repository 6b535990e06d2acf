//! The ids of a directory's users in memory, with the texts by which a list of users is searched.

use std::collections::BTreeMap;

use memchr::memmem::Finder;
use uuid::Uuid;

use super::records::UserRecord;

/// All users of a directory, ordered by id: about 150 bytes a user.
#[derive(Default)]
pub(super) struct UserList {
    /// The user name and the addresses in lower case, with line feeds between them, which none of them contains.
    texts: BTreeMap<Uuid, Box<str>>,
}

/// A part of a [`UserList`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListedIds {
    pub(super) ids: Vec<String>,
    /// The users that match in all.
    pub(super) total: usize,
}

impl UserList {
    /// Notes a user that was written. Ids are UUIDs, because they are drawn.
    pub(super) fn note(&mut self, user: &UserRecord) {
        let Ok(id) = Uuid::try_parse(&user.id) else { return };
        let logins = user.logins();
        let texts: Vec<_> = logins.iter().map(super::records::Login::text).collect();
        self.texts.insert(id, texts.join("\n").into());
    }

    pub(super) fn remove(&mut self, id: &str) {
        if let Ok(id) = Uuid::try_parse(id) {
            self.texts.remove(&id);
        }
    }

    /// `count` ids from the `start`-th on, of users with a text that contains `query`, which is in lower case.
    pub(super) fn page(&self, start: usize, count: usize, query: Option<&str>) -> ListedIds {
        let Some(query) = query else {
            let ids = self.texts.keys().skip(start).take(count).map(Uuid::to_string).collect();
            return ListedIds { ids, total: self.texts.len() };
        };
        let finder = Finder::new(query);
        let (mut ids, mut total) = (Vec::new(), 0);
        for (id, text) in &self.texts {
            if finder.find(text.as_bytes()).is_some() {
                if total >= start && ids.len() < count {
                    ids.push(id.to_string());
                }
                total += 1;
            }
        }
        ListedIds { ids, total }
    }
}
