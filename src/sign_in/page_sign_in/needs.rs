//! What a sign-in has to ask the user for, by [`PageSignIn`].

use super::PageSignIn;
use super::records::PagePlace;
use crate::domain::{Account, ConnectionRevision, Realm, Secret, SubjectId, TokenSlot};
use crate::exchange::SignInNeed;
use crate::sign_in::flow::{BrowserSecret, SignInFailure};
use crate::sign_in::page_sign_in::request::PageRealm;

impl PageSignIn {
    /// The slot that stands for `browser` until its user is known: what a refused sign-in needs is noted for it. No person
    /// has such an account, because the key of a person contains an `@`.
    pub(super) fn slot_of_browser(&self, place: &PagePlace, browser: &BrowserSecret) -> TokenSlot {
        let name = self.browsers.sign_ins.name_step(&Secret::from(""), browser.secret(), "needs");
        let name = format!("browser/{:032x}", u128::from_be_bytes(first_half(name)));
        TokenSlot::new(&account_without_person(place, &name), &place.connection)
    }

    /// What earlier refusals of this browser need.
    pub(super) async fn find_need_of_browser(
        &self,
        place: &PagePlace,
        browser: &BrowserSecret,
    ) -> Result<SignInNeed, SignInFailure> {
        Ok(self.tokens.requirements().for_browser(&self.slot_of_browser(place, browser), None).await?)
    }

    /// What the person of `slot` has to be asked for and was not, as `asked` says. A need that is older than the kept token
    /// is met. The consent that a silent attempt lacked is there: the provider has just issued a token with the same scopes.
    pub(super) async fn find_need_of_person(
        &self,
        slot: &TokenSlot,
        revision: ConnectionRevision,
        asked: &SignInNeed,
    ) -> Result<Option<SignInNeed>, SignInFailure> {
        let kept = self.tokens.vault().find(slot, revision).await?;
        let obtained_at = kept.map(|token| token.obtained_at);
        let claims = self.tokens.requirements().for_browser(slot, obtained_at).await?.claims;
        let is_new = claims.is_some() && claims != asked.claims;
        Ok(is_new.then(|| SignInNeed { claims, ..SignInNeed::default() }))
    }

    /// Removes what the completed sign-in has answered. If that fails, it expires by itself.
    pub(super) async fn end_needs(&self, slot: &TokenSlot, of_browser: TokenSlot) {
        let requirements = self.tokens.requirements();
        let ended = async {
            requirements.end(&[of_browser]).await?;
            requirements.end_challenge(slot).await
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "what a finished sign-in has answered stays noted until it expires");
        }
    }
}

/// The account by which the attempts of browsers that are not signed in are counted.
pub(super) fn account_without_person(place: &PagePlace, name: &str) -> Account {
    let realm = match place.realm {
        PageRealm::BackEnd => Realm::BackEnd,
        PageRealm::App => Realm::App,
    };
    Account { realm, holder: place.holder.clone(), subject: SubjectId::new(name) }
}

fn first_half(name: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.iter_mut().zip(name).for_each(|(to, from)| *to = from);
    half
}
