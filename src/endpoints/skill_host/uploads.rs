use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_LENGTH;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::inbound::{BodyLimits, Problem};

/// The largest attachment that a skill uploads, in bytes of the request's body: the hosted service takes images of this size.
const MAX_UPLOAD_BYTES: usize = 4 * 1024 * 1024;
/// At most this many uploads of one skill that are larger than other bodies are in memory at a time.
const MAX_LARGE_UPLOADS: usize = 3;

/// Limits the memory of the attachments that one skill uploads, which may be larger than activities (docs/skills.md §Limits).
pub(super) struct Uploads {
    places: Arc<Semaphore>,
}

/// The place of one large upload, which is free again when this is dropped.
pub(super) struct UploadPlace {
    _permit: OwnedSemaphorePermit,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MAX_LARGE_UPLOADS)) }
    }
}

impl Uploads {
    /// Returns the limits on the body of the upload `http`, and its place. An upload that is as small as other bodies has the
    /// `usual` limits and needs no place. Waits for a place for at most the time that a body may take.
    ///
    /// # Errors
    /// 429 if no place becomes free.
    pub(super) async fn admit(
        &self,
        http: &HttpRequest,
        usual: BodyLimits,
    ) -> Result<(BodyLimits, Option<UploadPlace>), Problem> {
        let length = http.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length <= usual.bytes) {
            return Ok((usual, None));
        }
        let Ok(Ok(permit)) = timeout(usual.time, self.places.clone().acquire_owned()).await else {
            return Err(Problem::TooManyRequests { retry_after: 1 });
        };
        let limits = BodyLimits { bytes: usual.bytes.max(MAX_UPLOAD_BYTES), ..usual };
        Ok((limits, Some(UploadPlace { _permit: permit })))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use actix_web::test::TestRequest;

    use super::*;

    #[tokio::test]
    async fn three_large_uploads_are_in_memory_at_a_time_and_small_ones_need_no_place() {
        let (uploads, usual) = (Uploads::default(), BodyLimits { bytes: 1024, time: Duration::ZERO });
        let of = |length: &str| TestRequest::default().insert_header((CONTENT_LENGTH, length)).to_http_request();
        let (large, small) = (of("1025"), of("1024"));
        let mut places = Vec::new();
        for _ in 0..MAX_LARGE_UPLOADS {
            let (limits, place) = uploads.admit(&large, usual).await.unwrap();
            assert_eq!(limits.bytes, MAX_UPLOAD_BYTES);
            places.push(place.unwrap());
        }
        let without_length = TestRequest::default().to_http_request();
        for refused in [&large, &without_length] {
            let problem = uploads.admit(refused, usual).await.err();
            assert!(matches!(problem, Some(Problem::TooManyRequests { retry_after: 1 })));
        }
        let (limits, place) = uploads.admit(&small, usual).await.unwrap();
        assert!(limits.bytes == 1024 && place.is_none());
        places.pop();
        assert!(uploads.admit(&large, usual).await.unwrap().1.is_some(), "a place is free again");
    }
}
