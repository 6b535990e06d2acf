use std::sync::Mutex;

use url::Url;

use super::lock::lock_ignoring_poison;

/// The address of the gateway in front of the bots. It is unknown until the gateway is attached to the stage. If the gateway has
/// replicas, they take turns.
#[derive(Default)]
pub(super) struct GatewayAddress(Mutex<Turns>);

#[derive(Default)]
struct Turns {
    first: Option<Url>,
    others: Vec<Url>,
    /// How many callers have asked.
    asked: usize,
}

impl GatewayAddress {
    /// Sets the gateway's base URL.
    pub(super) fn set(&self, url: Url) {
        lock_ignoring_poison(&self.0).first = Some(url);
    }

    /// Sets the base URLs of the replicas beside the first.
    pub(super) fn set_others(&self, urls: Vec<Url>) {
        lock_ignoring_poison(&self.0).others = urls;
    }

    /// The gateway's base URL, if it is known; that of each replica in turn.
    pub(super) fn find(&self) -> Option<Url> {
        let mut turns = lock_ignoring_poison(&self.0);
        let turn = turns.asked % (turns.others.len() + 1);
        turns.asked = turns.asked.wrapping_add(1);
        turn.checked_sub(1).and_then(|other| turns.others.get(other)).or(turns.first.as_ref()).cloned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn replicas_take_turns() {
        let url = |port: u16| Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let gateway = GatewayAddress::default();
        assert_eq!(gateway.find(), None);
        gateway.set(url(1));
        assert_eq!([gateway.find(), gateway.find()], [Some(url(1)), Some(url(1))]);
        gateway.set_others(vec![url(2), url(3)]);
        let mut ports: Vec<_> = (0..3).filter_map(|_| gateway.find()?.port()).collect();
        ports.sort_unstable();
        assert_eq!(ports, [1, 2, 3]);
    }
}
