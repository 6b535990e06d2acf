use super::{SAMPLE, read};
use crate::config::BackEndProof;
use crate::domain::{
    AudienceRule, DownstreamMethod, DownstreamPath, ErrorConvention, HolderName, RedirectToken, TenantPolicy,
};

#[test]
fn the_sample_without_bots_loads_with_the_written_values_and_the_defaults() {
    let configuration = read(SAMPLE).unwrap();
    assert_eq!(configuration.warnings, []);
    assert!(configuration.bots.is_empty());
    let [files] = configuration.add_ins.as_slice() else { panic!("one add-in") };
    assert_eq!(files.add_in.resource, "api://2c3caa80-93f9-425e-8b85-0745f50c0d24");
    let downstream = files.add_in.downstream.as_ref().unwrap();
    assert_eq!(downstream.url.as_str(), "https://graph.microsoft.com/v1.0");
    assert_eq!(
        downstream.paths,
        [DownstreamPath::Exact("/me".to_owned()), DownstreamPath::Below("/me/drive/".to_owned())]
    );
    assert_eq!(downstream.methods, [DownstreamMethod::Get]);
    let data = files.add_in.user_data.as_ref().unwrap();
    assert_eq!((data.path.as_str(), data.errors), ("/getuserdata", ErrorConvention::Inline));
    assert_eq!(files.add_in.errors, ErrorConvention::Status);
    assert_eq!((files.callers[0].client_id.as_str(), files.callers[0].secrets.len()), ("middle-tier", 1));
    let [orders] = configuration.back_ends.as_slice() else { panic!("one back end") };
    assert!(matches!(&orders.proof, BackEndProof::Secrets(hashes) if hashes.len() == 1));
    assert_eq!(orders.back_end.audiences, ["https://graph.microsoft.com"]);
    assert!(orders.app_client.is_none() && orders.back_end.app_scopes.is_empty());
    let [app] = configuration.apps.as_slice() else { panic!("one app") };
    assert!(app.app.allows_service_only && !app.app.allows_cross_user);
    assert_eq!(app.app.redirect_token, RedirectToken::Code);
}

#[test]
fn each_add_in_back_end_and_app_has_one_connection_of_its_own() {
    let configuration = read(SAMPLE).unwrap();
    let [files, orders, app] = configuration.connections.as_slice() else {
        panic!("the connection that only the app names is no connection by itself")
    };
    assert_eq!(files.connection.holder, HolderName::new("add-in/files"));
    assert_eq!((files.place().as_str(), files.connection.name.as_str()), ("add_ins.files", "files"));
    assert_eq!(files.connection.exchange.required_scopes, ["access_as_user"]);
    assert_eq!(files.connection.exchange.tenants, TenantPolicy::AnyAccount);
    let resource = AudienceRule::Uri("api://2c3caa80-93f9-425e-8b85-0745f50c0d24".to_owned());
    assert!(files.connection.exchange.audiences.contains(&resource));
    assert_eq!(orders.connection.holder, HolderName::new("back-end/orders"));
    assert_eq!((orders.place().as_str(), orders.connection.name.as_str()), ("back_ends.orders", "files"));
    assert_eq!(orders.connection.client_id, files.connection.client_id);
    assert_eq!(orders.connection.revision, files.connection.revision, "the same client, scopes and provider");
    assert_eq!(app.connection.holder, HolderName::new("app/app1"));
    assert_eq!((app.place().as_str(), app.connection.name.as_str()), ("apps.app1", "graph"));
    assert!(app.connection.asks_offline_access());
}
