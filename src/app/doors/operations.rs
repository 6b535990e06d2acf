use std::sync::Arc;

use super::directories::list_operated;
use super::person_records::build_person_records;
use crate::app::services::Services;
use crate::endpoints::operations::{OperatedApps, OperationsParts};
use crate::exchange::{AccountOwners, PersonOffers, PersonPins};
use crate::sign_out::PersonElements;

/// What the operator's door works with.
pub(super) fn list_parts(services: &Services) -> OperationsParts {
    let (persons, sign_out) = (build_person_records(services), services.sign_out.clone());
    let (pins, offers) = (PersonPins::new(services.vault.clone()), PersonOffers::new(services.cards.clone()));
    OperationsParts {
        elements: PersonElements::new(sign_out.clone(), persons.clone(), pins, offers),
        sign_out,
        persons,
        owners: AccountOwners::new(services.vault.clone(), services.registrations.clone()),
        counter: services.lasting.kept_counter.clone(),
        directories: services.directories.as_ref().map(|directory| Arc::new(list_operated(directory))),
        apps: OperatedApps {
            registrations: services.registrations.clone(),
            users: services.apps.users.clone(),
            tokens: services.tokens.clone(),
        },
    }
}
