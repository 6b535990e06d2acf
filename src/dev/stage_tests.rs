#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::dev::test_client::Fixture;

#[tokio::test]
async fn a_stage_does_not_listen_after_shutdown() {
    let fixture = Fixture::start().await;
    let base = fixture.stage.http_base();
    fixture.stage.shutdown().await;
    let address = base.trim_start_matches("http://");
    assert!(std::net::TcpStream::connect(address).is_err());
}
