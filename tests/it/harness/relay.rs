//! An address that is known, and bound, before the program behind it is started.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

pub struct Relay {
    listener: TcpListener,
    pub port: u16,
}

impl Relay {
    pub async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { listener, port }
    }

    /// Passes every connection on to `port` of this machine, until the test ends.
    pub fn forward_to(self, port: u16) {
        tokio::spawn(async move {
            while let Ok((mut from, _)) = self.listener.accept().await {
                tokio::spawn(async move {
                    if let Ok(mut to) = TcpStream::connect(("127.0.0.1", port)).await {
                        // A side that ends its connection ends the other one, too.
                        let _ = copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
    }
}
