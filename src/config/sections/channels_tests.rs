//! How channels are recognised, and the defaults of each cloud.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{MINIMAL, problem_of, read};

#[test]
fn a_channel_issuer_comes_with_its_keys() {
    let text = format!("[channels]\nissuer = \"https://issuer.example.com\"\n{MINIMAL}");
    assert!(problem_of(&text).starts_with("channels.issuer: comes without its keys"));
}

#[test]
fn a_cloud_brings_its_addresses() {
    for (cloud, channels, keys, authority) in [
        ("public", "api.botframework.com", "login.botframework.com", "login.microsoftonline.com"),
        ("us_gov", "api.botframework.us", "login.botframework.azure.us", "login.microsoftonline.us"),
        ("china", "api.botframework.azure.cn", "login.botframework.azure.cn", "login.partner.microsoftonline.cn"),
    ] {
        let configuration = read(&format!("[channels]\ncloud = {cloud:?}\n{MINIMAL}")).unwrap();
        assert_eq!(configuration.channels.issuer, format!("https://{channels}"));
        assert_eq!(configuration.channels.keys.address().host_str(), Some(keys));
        assert_eq!(configuration.identity_providers["entra"].authority, format!("https://{authority}"));
        assert_eq!(configuration.token_service.audiences, [format!("https://{channels}")]);
        let teams = match cloud {
            "us_gov" => "teams.microsoft.us",
            "china" => "teams.microsoftonline.cn",
            _ => "teams.microsoft.com",
        };
        let ancestors = &configuration.sign_in.frame_ancestors;
        assert!(ancestors.contains(&format!("https://{teams}")), "{ancestors:?}");
        assert!(ancestors.contains(&format!("https://*.{teams}")), "{ancestors:?}");
        let other =
            ancestors.iter().any(|origin| origin.ends_with("microsoft.com") || origin.ends_with(".cloud.microsoft"));
        assert_eq!(other, cloud == "public", "no origin of another cloud: {ancestors:?}");
    }
}

#[test]
fn every_cloud_has_its_own_name_for_its_channels() {
    for (cloud, caller_id) in
        [("public", Some("urn:botframework:azure")), ("us_gov", Some("urn:botframework:azureusgov")), ("china", None)]
    {
        let text = format!("{MINIMAL}\n[channels]\ncloud = \"{cloud}\"\n");
        assert_eq!(read(&text).unwrap().channels.caller_id, caller_id, "{cloud}");
    }
}

#[test]
fn written_frame_ancestors_take_the_place_of_the_clouds() {
    let text =
        format!("[channels]\ncloud = \"us_gov\"\n[sign_in]\nframe_ancestors = [\"https://a.example\"]\n{MINIMAL}");
    assert_eq!(read(&text).unwrap().sign_in.frame_ancestors, ["https://a.example"]);
}

#[test]
fn examples_in_messages_are_the_clouds() {
    let scopes = MINIMAL.replace("\"https://graph.microsoft.com/User.Read\"", "\"openid\"");
    let problem = problem_of(&format!("[channels]\ncloud = \"us_gov\"\n{scopes}"));
    assert!(problem.contains("https://graph.microsoft.us/User.Read"), "{problem}");
}
