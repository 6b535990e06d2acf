use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, ErrorKind, Msg, RedisError, RedisResult};
use tokio::time::{sleep, timeout};

use super::access::Access;
use super::address::Servers;
use super::connection::Connection;
use super::link::timed_out;
use super::sentinel::Origin;
use crate::store::StoreListener;

/// The pause before a lost subscription is made again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// How long a sign of life may take to come back, and a new subscription to be made. It is longer than a command may take,
/// so that a command without an answer is not given up before its connection is.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(1400);

/// The subscription to what the processes publish. It lives in a task of its own, on a connection of its own.
///
/// The sign of life is a message of this process to itself, which it publishes as it publishes changes. When it comes
/// back, the changes that were published before have come as well; a server that answers but is cut off from the others
/// does not bring it back.
pub(super) struct Watch {
    listeners: Arc<Listeners>,
}

#[derive(Default)]
struct Listeners(Mutex<Vec<Weak<dyn StoreListener>>>);

impl Listeners {
    fn tell(&self, say: impl Fn(&dyn StoreListener)) {
        let live: Vec<_> = {
            let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.retain(|listener| listener.strong_count() > 0);
            listeners.iter().filter_map(Weak::upgrade).collect()
        };
        for listener in live {
            say(&*listener);
        }
    }
}

/// The names of the channels of a process.
pub(super) struct Channels {
    /// All processes publish their changes here.
    pub(super) changes: String,
    /// This process publishes its signs of life here.
    pub(super) echo: String,
}

impl Watch {
    pub(super) async fn start(
        access: &Access,
        publisher: Arc<Connection>,
        channels: Channels,
        heartbeat: Duration,
    ) -> RedisResult<Self> {
        let listeners = Arc::new(Listeners::default());
        let source = Source::new(access)?;
        let subscription = Subscription { source, publisher, channels, heartbeat };
        let open = subscription.connect().await?;
        tokio::spawn(subscription.run(Arc::downgrade(&listeners), open));
        Ok(Self { listeners })
    }

    pub(super) fn add(&self, listener: Weak<dyn StoreListener>) {
        self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }
}

/// Where a subscription can be made.
enum Source {
    Master(Box<Origin>),
    /// Any server of a cluster: what is published at one comes to all.
    Any(Vec<Client>),
}

impl Source {
    fn new(access: &Access) -> RedisResult<Self> {
        match (Origin::new(access)?, &access.address.servers) {
            (Some(origin), _) => Ok(Self::Master(Box::new(origin))),
            (None, Servers::Cluster(nodes)) => {
                Ok(Self::Any(nodes.iter().map(|node| access.client(node)).collect::<RedisResult<_>>()?))
            }
            (None, _) => Ok(Self::Any(Vec::new())),
        }
    }
}

struct Subscription {
    source: Source,
    publisher: Arc<Connection>,
    channels: Channels,
    heartbeat: Duration,
}

/// A subscription that is made. Commands must be kept as long as the messages.
struct Open {
    _commands: PubSubSink,
    messages: PubSubStream,
}

impl Subscription {
    async fn connect(&self) -> RedisResult<Open> {
        let subscribe = |client: Client| async move {
            let (mut commands, messages) = client.get_async_pubsub().await?.split();
            commands.subscribe(&[&self.channels.changes, &self.channels.echo]).await?;
            Ok(Open { _commands: commands, messages })
        };
        match &self.source {
            Source::Master(origin) => {
                timeout(ANSWER_TIMEOUT, origin.connect_by(subscribe)).await.map_err(|_| timed_out())?
            }
            Source::Any(clients) => {
                let mut outcome = Err(RedisError::from((ErrorKind::ClusterConnectionNotFound, "no server is named")));
                for client in clients {
                    outcome =
                        timeout(ANSWER_TIMEOUT, subscribe(client.clone())).await.unwrap_or_else(|_| Err(timed_out()));
                    if outcome.is_ok() {
                        break;
                    }
                }
                outcome
            }
        }
    }

    /// Runs until the store is dropped.
    async fn run(mut self, listeners: Weak<Listeners>, mut open: Open) {
        loop {
            if self.listen(&listeners, &mut open.messages).await.is_none() {
                return;
            }
            tracing::debug!("the subscription to the store in Redis is lost");
            loop {
                // The next attempt begins with another server.
                if let Source::Any(clients) = &mut self.source {
                    let step = clients.len().min(1);
                    clients.rotate_left(step);
                }
                sleep(RETRY_PAUSE).await;
                let Some(listeners) = listeners.upgrade() else { return };
                if let Ok(connected) = self.connect().await {
                    open = connected;
                    listeners.tell(|listener| listener.resumed());
                    break;
                }
            }
        }
    }

    /// Passes messages on until the connection breaks. `None` if the store was dropped.
    async fn listen(&self, listeners: &Weak<Listeners>, messages: &mut PubSubStream) -> Option<()> {
        for number in 1_u64.. {
            if listeners.strong_count() == 0 {
                return None;
            }
            match self.await_echo(listeners, messages, number).await? {
                Echo::Heard => listeners.upgrade()?.tell(|listener| listener.answered()),
                Echo::NotSent => {}
                Echo::Lost => return Some(()),
            }
            let pause = sleep(self.heartbeat);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    message = messages.next() => match message {
                        Some(message) => {
                            let listeners = listeners.upgrade()?;
                            self.pass_on(&listeners, &message);
                        }
                        None => return Some(()),
                    },
                }
            }
        }
        Some(())
    }

    /// Sends a sign of life and passes messages on until it comes back. `None` if the store was dropped.
    async fn await_echo(&self, listeners: &Weak<Listeners>, messages: &mut PubSubStream, number: u64) -> Option<Echo> {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&self.channels.echo).arg(number);
        let sending = self.publisher.signal::<u64>(&publish);
        let timer = sleep(ANSWER_TIMEOUT);
        tokio::pin!(sending, timer);
        let mut is_sent = false;
        loop {
            tokio::select! {
                sent = &mut sending, if !is_sent => match sent {
                    Ok(_) => is_sent = true,
                    Err(_) => return Some(Echo::NotSent),
                },
                message = messages.next() => match message {
                    Some(message) if self.is_echo(&message, number) => return Some(Echo::Heard),
                    Some(message) => {
                            let listeners = listeners.upgrade()?;
                            self.pass_on(&listeners, &message);
                        }
                    None => return Some(Echo::Lost),
                },
                () = &mut timer => return Some(if is_sent { Echo::Lost } else { Echo::NotSent }),
            }
        }
    }

    fn is_echo(&self, message: &Msg, number: u64) -> bool {
        message.get_channel_name() == self.channels.echo && message.get_payload_bytes() == number.to_string().as_bytes()
    }

    fn pass_on(&self, listeners: &Listeners, message: &Msg) {
        if message.get_channel_name() == self.channels.changes {
            let message = Bytes::copy_from_slice(message.get_payload_bytes());
            listeners.tell(|listener| listener.received(message.clone()));
        }
    }
}

/// What became of a sign of life.
enum Echo {
    Heard,
    /// The other connection does not work, so nothing is known of this one.
    NotSent,
    /// It was sent and did not come back.
    Lost,
}
