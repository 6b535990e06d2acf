//! The `OpenAPI` documents of an application with directories.

use bot_sso::endpoints::directory::self_service::pages;
use bot_sso::endpoints::directory::{account, authorization, logout, management, oauth, providers};
use bot_sso::endpoints::{
    api_document, bot_gateway, health, metrics, operations, sign_in_pages, skill_host, token_service, web_chat,
};
use bot_sso::inbound::Door;

use super::fixture::Directories;
use crate::harness::api_documents::assert_describes;

#[tokio::test]
async fn the_documents_describe_the_doors_of_directories_and_the_operators_pages() {
    const PUBLIC: [&Door; 13] = [
        &bot_gateway::DOOR,
        &skill_host::DOOR,
        &sign_in_pages::DOOR,
        &token_service::DOOR,
        &web_chat::DOOR,
        &authorization::DOOR,
        &oauth::DOOR,
        &logout::DOOR,
        &management::DOOR,
        &account::DOOR,
        &providers::DOOR,
        &pages::DOOR,
        &api_document::DOOR,
    ];
    const OPERATIONS: [&Door; 6] = [
        &operations::DOOR,
        &operations::RELOAD_DOOR,
        &operations::DIRECTORIES_DOOR,
        &health::DOOR,
        &metrics::DOOR,
        &api_document::DOOR,
    ];
    let directories = Directories::start().await;
    let harness = &directories.harness;
    assert_describes(harness, &harness.base, &PUBLIC).await;
    assert_describes(harness, &harness.operations, &OPERATIONS).await;
}
