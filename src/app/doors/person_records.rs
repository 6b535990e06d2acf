use std::sync::Arc;

use crate::accounts::AppUserData;
use crate::app::services::Services;
use crate::bot_connector::SkillConversationData;
use crate::domain::{AppId, PersonalData};
use crate::exchange::{PersonPins, PersonTokens, TokenRevocation};
use crate::sign_out::PersonRecords;

/// The kept tokens of persons.
pub(super) fn build_person_tokens(services: &Services) -> PersonTokens {
    let (redemption, registrations) = (services.redemption.clone(), services.registrations.clone());
    let revocation = TokenRevocation::new(redemption, registrations, services.ambient.entropy.clone());
    PersonTokens::new(services.vault.clone(), revocation)
}

/// Everything that is kept of persons. A directory's user is deleted last: until then, a repetition finds the user's keys.
pub(super) fn build_person_records(services: &Services) -> PersonRecords {
    let tokens = build_person_tokens(services);
    let registrations = &services.registrations;
    let apps: Vec<AppId> = registrations.apps().map(|app| app.id.clone()).collect();
    let conversations = services.skills.conversations.clone();
    let mut collections: Vec<Arc<dyn PersonalData>> = vec![
        Arc::new(tokens.clone()),
        Arc::new(PersonPins::new(services.vault.clone())),
        services.cards.clone(),
        services.statements.clone(),
        Arc::new(services.speakers.clone()),
        Arc::new(SkillConversationData::new(conversations, registrations.clone())),
        Arc::new(services.agents.clone()),
        Arc::new(services.back_ends.given.clone()),
        Arc::new(services.provider_sessions.clone()),
        Arc::new(AppUserData::new(services.apps.users.clone(), apps)),
    ];
    if let Some(directories) = &services.directories {
        collections.extend(directories.personal_data());
    }
    PersonRecords::new(services.sign_out.clone(), tokens, &services.records, collections)
}
