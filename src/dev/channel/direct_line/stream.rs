use std::time::Duration;

use actix_web::web::{Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, rt};
use actix_ws::{Closed, Message, MessageStream, Session};
use futures_util::StreamExt;
use serde::Deserialize;

use super::client_endpoints::Watermark;
use super::conversation::ActivityStream;
use super::refusal::DirectLineRefusal;
use super::service::DirectLine;

/// How long a client may take to read what was sent before its stream is closed.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
pub(super) struct StreamToken {
    t: Option<String>,
}

/// Answers `GET conversations/{conversation}/stream` with a WebSocket. A browser can send no header with it, so the token
/// is in the query.
pub(super) async fn open_stream(
    request: HttpRequest,
    payload: Payload,
    id: Path<String>,
    watermark: Query<Watermark>,
    line: Data<DirectLine>,
) -> Result<HttpResponse, actix_web::Error> {
    let query = Query::<StreamToken>::from_query(request.query_string())?;
    let token = query.t.as_deref().ok_or(DirectLineRefusal::NoCredential)?;
    let conversation = line.admit_token(&line.verify_token(token, request.headers())?, &id)?;
    let position = watermark.position()?;
    let (response, session, messages) = actix_ws::handle(&request, payload)?;
    rt::spawn(send_activities(conversation.open_stream(position), session, messages));
    Ok(response)
}

/// Sends activities until the client closes the WebSocket, the conversation ends or a later stream is opened. What the
/// client sends is ignored: its library sends an empty text from time to time.
async fn send_activities(mut activities: ActivityStream, mut session: Session, mut messages: MessageStream) {
    loop {
        tokio::select! {
            batch = activities.next() => {
                let Some(batch) = batch else { break };
                if !is_sent(session.text(batch.into_json().to_string())).await {
                    return;
                }
            }
            message = messages.next() => match message {
                Some(Ok(Message::Ping(bytes))) => {
                    if !is_sent(session.pong(&bytes)).await {
                        return;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    // The client may have closed the connection already.
    let _ = session.close(None).await;
}

/// Whether the client takes what is sent in time. The stream of a client that does not is closed.
async fn is_sent(sending: impl Future<Output = Result<(), Closed>>) -> bool {
    matches!(tokio::time::timeout(SEND_TIMEOUT, sending).await, Ok(Ok(())))
}
