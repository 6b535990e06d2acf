use crate::records::{MissingKey, OlderRecords, RecordError, Records};

use super::BuildError;

/// Records of an earlier version that are counted before the application starts. It takes some milliseconds.
const COUNTED_AT_START: usize = 4096;

/// Refuses to start with a key ring that lacks a key with which records of the store are sealed, or that has another key
/// with the same id. A store that an earlier version has written is counted once: a small one before the start, the rest
/// of a large one in a task that goes on after it. What that task finds is an error in the log, and the next start is
/// refused.
pub(super) async fn refuse_missing_keys(records: &Records) -> Result<(), BuildError> {
    let older = records.count_older_records(COUNTED_AT_START).await?;
    let mut missing = records.list_missing_keys().await?;
    if let OlderRecords::Unopened(unopened) = &older {
        missing.extend(unopened);
    }
    if !missing.is_empty() {
        return Err(BuildError::MissingKeys(missing));
    }
    if older == OlderRecords::MoreLeft {
        tokio::spawn(count_the_rest(records.clone()));
    }
    Ok(())
}

/// Names every missing key and the number of records that are sealed with it.
pub(super) fn describe(missing: &[MissingKey]) -> String {
    let one = |key: &MissingKey| {
        let records = if key.records == 1 { "1 record" } else { &format!("{} records", key.records) };
        format!("sealing key {}, with which {records} of the store are sealed", key.key_id)
    };
    missing.iter().map(one).collect::<Vec<_>>().join("; and ")
}

async fn count_the_rest(records: Records) {
    match count_all(&records).await {
        Ok(missing) if missing.is_empty() => tracing::info!("the records of the earlier version are counted"),
        Ok(missing) => {
            tracing::error!("keys.file: the key ring lacks {}: the next start is refused", describe(&missing));
        }
        Err(error) => tracing::warn!(%error, "the records of the earlier version could not be counted; the next start \
                                              goes on with it"),
    }
}

async fn count_all(records: &Records) -> Result<Vec<MissingKey>, RecordError> {
    loop {
        match records.count_older_records(COUNTED_AT_START).await? {
            OlderRecords::MoreLeft => {}
            OlderRecords::Counted => return records.list_missing_keys().await,
            OlderRecords::Unopened(missing) => return Ok(missing),
        }
    }
}
