use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::back_end_keys::{build_assertion_validator, replace_keys};
use crate::config::{AddInSection, AppSection, BackEndProof, BackEndSection, ClientSection, Configuration};
use crate::domain::{AddInName, SecretHash, SharedClock};
use crate::inbound::ClientSecrets;
use crate::token_validation::ClientAssertionValidator;

/// The hashes and the keys by which the callers that are no bots prove who they are. Clones share them, and SIGHUP replaces
/// them.
#[derive(Clone)]
pub(super) struct CallerSecrets {
    /// The callers of each add-in. None of them is a caller of another add-in.
    pub(super) add_ins: Arc<HashMap<AddInName, ClientSecrets>>,
    /// Those of back ends, by client id.
    pub(super) back_ends: ClientSecrets,
    /// Checks the assertions of back ends that have keys.
    pub(super) assertions: ClientAssertionValidator,
    /// The service tokens of apps, by app id.
    pub(super) apps: ClientSecrets,
    is_empty: bool,
    /// The callers that the application was started with, whose rights it knows.
    registered: Arc<HashSet<CallerPlace>>,
}

/// Where the configuration lists a caller. The rights of a caller are those of its section.
#[derive(PartialEq, Eq, Hash)]
struct CallerPlace {
    section: String,
    client_id: String,
}

/// The hashes of some callers, by id.
type Hashes = HashMap<String, Vec<SecretHash>>;

impl CallerSecrets {
    pub(super) fn new(config: &Configuration, clock: SharedClock) -> Self {
        let of_add_in =
            |section: &AddInSection| (section.add_in.name.clone(), ClientSecrets::new(of_callers(&section.callers)));
        Self {
            add_ins: Arc::new(config.add_ins.iter().map(of_add_in).collect()),
            back_ends: ClientSecrets::new(of_back_ends(&config.back_ends)),
            assertions: build_assertion_validator(config, clock),
            apps: ClientSecrets::new(of_apps(&config.apps)),
            is_empty: config.add_ins.is_empty() && config.back_ends.is_empty() && config.apps.is_empty(),
            registered: Arc::new(list_callers(config)),
        }
    }

    /// Whether the application was started without such callers.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Replaces all hashes and keys by those of `config`. A caller that is not in it any more is refused from now on. One that
    /// was added, or whose client id moved to another section, is refused until a restart: the rights that are known for the
    /// client id are those of its section at the start.
    pub(super) fn replace(&self, config: &Configuration) {
        let callers =
            config.add_ins.iter().flat_map(|section| section.callers.iter().map(move |caller| (section, caller)));
        let callers = callers.filter(|(section, caller)| self.is_registered(place_in_add_in(section, caller)));
        let callers: Vec<_> = callers.collect();
        for (name, secrets) in self.add_ins.iter() {
            let own = callers.iter().filter(|(section, _)| section.add_in.name == *name);
            secrets.replace(of_callers(own.map(|(_, caller)| *caller)));
        }
        let back_ends = config.back_ends.iter().filter(|section| self.is_registered(place_of_back_end(section)));
        let back_ends: Vec<&BackEndSection> = back_ends.collect();
        self.back_ends.replace(of_back_ends(back_ends.iter().copied()));
        replace_keys(&self.assertions, back_ends);
        self.apps.replace(of_apps(config.apps.iter().filter(|section| self.is_registered(place_of_app(section)))));
    }

    /// Whether the application was started with the caller. Logs that it was not.
    fn is_registered(&self, place: CallerPlace) -> bool {
        let is_registered = self.registered.contains(&place);
        if !is_registered {
            let CallerPlace { section, client_id } = place;
            tracing::warn!(
                path = section,
                client_id,
                "the caller was added, or its client id changed: restart to apply that; it is refused until then"
            );
        }
        is_registered
    }
}

fn list_callers(config: &Configuration) -> HashSet<CallerPlace> {
    let of_add_in = |section: &AddInSection| {
        section.callers.iter().map(|caller| place_in_add_in(section, caller)).collect::<Vec<_>>()
    };
    let of_add_ins = config.add_ins.iter().flat_map(of_add_in);
    let of_back_ends = config.back_ends.iter().map(place_of_back_end);
    of_add_ins.chain(of_back_ends).chain(config.apps.iter().map(place_of_app)).collect()
}

fn place_in_add_in(section: &AddInSection, caller: &ClientSection) -> CallerPlace {
    CallerPlace { section: format!("add_ins.{}.callers", section.add_in.name), client_id: caller.client_id.clone() }
}

fn place_of_back_end(section: &BackEndSection) -> CallerPlace {
    let BackEndSection { back_end, .. } = section;
    CallerPlace { section: format!("back_ends.{}", back_end.name), client_id: back_end.client_id.clone() }
}

fn place_of_app(section: &AppSection) -> CallerPlace {
    let id = section.app.id.as_str();
    CallerPlace { section: format!("apps.{id}"), client_id: id.to_owned() }
}

fn of_callers<'a>(callers: impl IntoIterator<Item = &'a ClientSection>) -> Hashes {
    callers.into_iter().map(|caller| (caller.client_id.clone(), caller.secrets.clone())).collect()
}

fn of_back_ends<'a>(sections: impl IntoIterator<Item = &'a BackEndSection>) -> Hashes {
    let hashes = sections.into_iter().filter_map(|section| match &section.proof {
        BackEndProof::Secrets(hashes) => Some((section.back_end.client_id.clone(), hashes.clone())),
        BackEndProof::Keys(_) => None,
    });
    hashes.collect()
}

fn of_apps<'a>(sections: impl IntoIterator<Item = &'a AppSection>) -> Hashes {
    sections.into_iter().map(|section| (section.app.id.as_str().to_owned(), section.service_tokens.clone())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{Environment, parse};
    use crate::domain::{SystemClock, SystemEntropy};
    use crate::sealing::KeyRing;

    /// The public key of RFC 7517, appendix A.1.
    const JWKS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"1",
        "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;

    /// The smallest configuration with these sections.
    fn configuration(sections: &str) -> Configuration {
        let folder = tempfile::tempdir().unwrap();
        let (keys, jwks) = (folder.path().join("bot-sso.keys"), folder.path().join("back-end.jwks"));
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&keys).unwrap();
        std::fs::write(&jwks, JWKS).unwrap();
        let minimal = include_str!("../../fixtures/config/minimal.toml");
        let sections = sections.replace("JWKS", &format!("{jwks:?}"));
        let text = format!("{minimal}\n{sections}\n[keys]\nfile = {keys:?}\n");
        let environment = [("GRAPH_CLIENT_SECRET", "secret"), ("FILES_SECRET", "secret")];
        parse(&text, &Environment::of(environment)).unwrap()
    }

    fn back_end(name: &str, client_id: &str, proof: &str) -> String {
        format!(
            "[back_ends.{name}]\nclient_id = \"{client_id}\"\n{}\nexchange = {{ connection = \"graph\" }}\n",
            if proof == "JWKS" { "jwks_file = JWKS".to_owned() } else { secret(proof) }
        )
    }

    fn secret(secret: &str) -> String {
        format!("secret_sha256 = [\"{}\"]", SecretHash::of(secret).to_text())
    }

    fn add_in(name: &str, caller: &str, proof: &str) -> String {
        format!(
            "[add_ins.{name}]\nclient_id = \"2c3caa80-93f9-425e-8b85-0745f50c0d24\"\n\
             client_secret = {{ env = \"FILES_SECRET\" }}\ntenants = [\"22222222-2222-4222-8222-222222222222\"]\n\
             scopes = [\"https://graph.microsoft.com/User.Read\"]\norigins = [\"https://addin.example.com\"]\n\
             callers = [{{ client_id = \"{caller}\", {} }}]\n",
            secret(proof)
        )
    }

    fn secrets_of(sections: &[String]) -> CallerSecrets {
        CallerSecrets::new(&configuration(&sections.concat()), Arc::new(SystemClock))
    }

    #[test]
    fn a_client_id_that_moves_to_another_back_end_gets_no_rights_of_the_first_one() {
        let secrets = secrets_of(&[back_end("orders", "strong", "old"), back_end("billing", "weak", "weak-secret")]);
        let moved = [back_end("orders", "strong-2", "newer"), back_end("billing", "strong", "new")];
        secrets.replace(&configuration(&moved.concat()));
        for (client_id, secret) in
            [("strong", "old"), ("strong", "new"), ("strong-2", "newer"), ("weak", "weak-secret")]
        {
            assert!(!secrets.back_ends.check(client_id, secret), "{client_id} {secret}");
        }
        secrets.replace(&configuration(&back_end("orders", "strong", "newest")));
        assert!(secrets.back_ends.check("strong", "newest"), "a new secret in its place is accepted");
    }

    #[test]
    fn the_keys_of_a_client_id_that_moves_to_another_back_end_are_not_taken() {
        let secrets = secrets_of(&[back_end("orders", "strong", "old"), back_end("billing", "weak", "JWKS")]);
        assert_eq!(secrets.assertions.list_algorithms(), ["ES256"]);
        secrets.replace(&configuration(&back_end("billing", "strong", "JWKS")));
        assert!(secrets.assertions.list_algorithms().is_empty());
        secrets.replace(&configuration(&back_end("billing", "weak", "JWKS")));
        assert_eq!(secrets.assertions.list_algorithms(), ["ES256"]);
    }

    #[test]
    fn a_caller_that_moves_to_another_add_in_is_refused_at_both() {
        let secrets = secrets_of(&[add_in("files", "tier", "old"), add_in("notes", "other-tier", "other")]);
        let check = |name: &str, client_id: &str, secret: &str| {
            let found = secrets.add_ins.iter().find(|(add_in, _)| add_in.as_str() == name);
            found.unwrap().1.check(client_id, secret)
        };
        let moved = [add_in("files", "new-tier", "newer"), add_in("notes", "tier", "new")];
        secrets.replace(&configuration(&moved.concat()));
        for (name, client_id, secret) in
            [("files", "tier", "old"), ("files", "new-tier", "newer"), ("notes", "tier", "new")]
        {
            assert!(!check(name, client_id, secret), "{name} {client_id}");
        }
        secrets.replace(&configuration(&add_in("files", "tier", "newest")));
        assert!(check("files", "tier", "newest"));
    }
}
