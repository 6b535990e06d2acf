//! The directory `market` with the providers `staff` (an `oidc-provider`), `local` (the local tenant) and `gone` (where no server
//! listens).

use bot_sso::dev::ConnectionEntry;
use serde_json::{Value, json};
use url::Url;

use crate::directory::browser::{Arrival, Browser, Page};
use crate::directory::fixture::{Directories, MARKET, SHOP, SIGNED_OUT, Setup, TestApp, claims};
use crate::directory::forms::{Form, forms};
use crate::directory::logout::sso_logout;
use crate::generic_provider::fixture::{CLIENT, CLIENT_SECRET, OidcProvider};
use crate::harness::{Answer, Surroundings, write_private};

/// The running application and its provider.
pub struct Federation {
    pub directories: Directories,
    pub staff: OidcProvider,
}

/// The path of a page of the provider `name`.
pub fn path(name: &str, page: &str) -> String {
    MARKET.oauth(&format!("/providers/{name}/{page}"))
}

impl Federation {
    /// `scenario` names the log of the provider.
    pub async fn start(scenario: &str) -> Self {
        Self::with(scenario, Setup::default()).await
    }

    pub async fn with(scenario: &str, setup: Setup) -> Self {
        let surroundings = Surroundings::start().await;
        let redirect_uri = format!("{}{}", surroundings.base, path("staff", "callback"));
        let staff = OidcProvider::start_with(scenario, &[("REDIRECT_URI", &redirect_uri)]).await;
        let tenant = surroundings.stage.directory().main_tenant_id().to_owned();
        let client = surroundings.stage.directory().connections[0].clone();
        let redirect_uri = format!("{}{}", surroundings.base, path("local", "callback"));
        surroundings.stage.allow_redirect(client.client_id, &redirect_uri);
        let tables = tables(&surroundings, &staff.issuer, &client, &tenant);
        Self { directories: Directories::at(surroundings, &setup, &tables).await, staff }
    }

    pub fn browser(&self) -> Browser {
        self.directories.browser()
    }

    /// Opens the sign-in page of `app` and presses the button of the provider `name`; returns where it leads.
    pub async fn press(&self, browser: &mut Browser, app: &TestApp, name: &str, more: &[(&str, &str)]) -> Answer {
        let page = browser.authorize(app, more).await;
        assert_eq!(page.status, 200, "{}", page.text());
        browser.get(&button(&page, name)).await
    }

    /// Signs `login` in at the provider `staff`, to which `answer` leads; returns the address of the return.
    pub async fn sign_in_at_staff(&self, browser: &mut Browser, answer: Answer, login: &str) -> Url {
        let mut page = self.begin_at_staff(browser, answer).await;
        for _ in 0..3 {
            let page_at = match page {
                Ok(back) => return back,
                Err(page) => page,
            };
            let form = forms(&page_at.answer.text()).remove(0);
            let has_login = form.fields.iter().any(|field| field.kind == "password");
            let typed = if has_login { vec![("login", login), ("password", "any")] } else { Vec::new() };
            page = self.submit(browser, &page_at, &form, &typed).await;
        }
        panic!("no way back from the provider");
    }

    /// Follows `answer` to the page of the provider, or to the return if the provider asks nothing.
    pub async fn begin_at_staff(&self, browser: &mut Browser, answer: Answer) -> Result<Url, Page> {
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert!(answer.location().starts_with(&self.staff.issuer), "{}", answer.location());
        let url = Url::parse(&self.directories.harness.base).unwrap();
        self.follow(browser, Page { url, answer }).await
    }

    async fn submit(
        &self,
        browser: &mut Browser,
        page: &Page,
        form: &Form,
        typed: &[(&str, &str)],
    ) -> Result<Url, Page> {
        let answer = browser.send_form(page.url.as_str(), form, typed).await;
        self.follow(browser, Page { url: page.url.clone(), answer }).await
    }

    /// Follows redirects to a page, or to the application.
    async fn follow(&self, browser: &mut Browser, mut page: Page) -> Result<Url, Page> {
        while (301..=308).contains(&page.answer.status) {
            page.url = page.url.join(page.answer.location()).unwrap();
            if page.url.as_str().starts_with(&self.directories.harness.base) {
                return Ok(page.url);
            }
            page.answer = browser.get(page.url.as_str()).await;
        }
        Err(page)
    }

    /// Signs `login` in to `app` at the provider `staff`.
    pub async fn sign_in(&self, browser: &mut Browser, app: &TestApp, login: &str) -> Arrival {
        let to_provider = self.press(browser, app, "staff", &[]).await;
        let back = self.sign_in_at_staff(browser, to_provider, login).await;
        Arrival::of(&browser.get(back.as_str()).await, app)
    }

    /// Links the user `id` to Ada of the local tenant, as an administrator does, and lets her show it by a sign-in there, whose session
    /// she ends. Returns her key there.
    pub async fn link_ada(&self, id: &str) -> String {
        let directories = &self.directories;
        let there = directories.harness.user("Ada");
        let identity = json!({ "provider": "local", "issuer": format!("entra:{}", there.tid), "id": there.oid });
        let linked =
            directories.manage(&MARKET, "PUT", &format!("/cloud_directory/Users/{id}/identities"), &identity).await;
        assert_eq!(linked.status, 200, "{}", linked.text());
        let mut browser = self.browser();
        let to_provider = self.press(&mut browser, &SHOP, "local", &[]).await;
        let authorize = Url::parse(to_provider.location()).unwrap();
        let back = directories.harness.browser().log_in(&authorize, "Ada").await;
        assert_ne!(Arrival::of(&browser.get(&back).await, &SHOP).code, "");
        let logout = sso_logout(&[("redirect_uri", SIGNED_OUT), ("client_id", SHOP.client_id)]);
        assert_eq!(browser.get(&logout).await.status, 302);
        format!("{}@{}", there.oid, there.tid)
    }

    /// The claims of the ID token of `login`, who signs in to the shop in a new browser.
    pub async fn claims_of(&self, login: &str) -> Value {
        let arrival = self.sign_in(&mut self.browser(), &SHOP, login).await;
        claims(self.directories.redeem(&SHOP, &arrival.code).await["id_token"].as_str().unwrap())
    }
}

fn tables(surroundings: &Surroundings, issuer: &str, client: &ConnectionEntry, tenant: &str) -> String {
    let secret = |name: &str, text: &str| {
        let file = surroundings.directory().join(name);
        write_private(&file, text);
        file.display().to_string()
    };
    let (staff, local) = (secret("staff.secret", CLIENT_SECRET), secret("local.secret", client.client_secret));
    format!(
        "[identity_providers.elsewhere]\nkind = \"oidc\"\nissuer = \"{issuer}\"\n\
         [identity_providers.nowhere]\nkind = \"oidc\"\nissuer = \"http://127.0.0.1:1\"\n\
         [directories.market.providers.staff]\nidentity_provider = \"elsewhere\"\nlabel = \"Contoso & Staff\"\n\
         client_id = \"{CLIENT}\"\nclient_secret = {{ file = \"{staff}\" }}\n\
         [directories.market.providers.gone]\nidentity_provider = \"nowhere\"\nclient_id = \"{CLIENT}\"\n\
         client_secret = {{ file = \"{staff}\" }}\n\
         [directories.market.providers.local]\nidentity_provider = \"entra\"\nlabel = \"the local tenant\"\n\
         client_id = \"{client_id}\"\nclient_secret = {{ file = \"{local}\" }}\ntenants = [\"{tenant}\"]\n",
        client_id = client.client_id,
    )
}

/// The address of the button of the provider `name` on the sign-in page.
pub fn button(page: &Answer, name: &str) -> String {
    let text = page.text();
    let mut addresses = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let address = addresses.find(|address| address.contains(&path(name, "login")));
    address.unwrap_or_else(|| panic!("no button of {name}: {text}")).replace("&amp;", "&").replace("&#38;", "&")
}
