//! Brings what waits into the database, in less than a second.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{RequestLog, Room, days};
use crate::error::Error;
use crate::meters;
use crate::store::{RequestBatch, RequestDay, Store, WriteError, Written};

/// Between two batches, unless one is large before.
const EVERY: Duration = Duration::from_millis(500);
/// Between two tries while the database is away; the rows that come meanwhile wait.
const PAUSE: Duration = Duration::from_millis(250);
/// The last rows of a server that stops get this long.
const LAST_ROWS: Duration = Duration::from_secs(5);
/// Tries to make the days that rows need.
const COVERED: u32 = 8;
/// Between two looks at how large today is.
const MEASURE: Duration = Duration::from_secs(5);

/// Writes until `stop`, then what is left; and keeps the days in order.
pub async fn run(log: RequestLog, store: Store, stop: impl Future<Output = ()>) {
    if !log.is_on() {
        // What there is from before ends by its age.
        tokio::select! {
            () = stop => {}
            () = days::keep(log, store) => {}
        }
        return;
    }
    let mut writer = Writer {
        log: log.clone(),
        store: store.clone(),
        measured: None,
    };
    tokio::select! {
        () = writer.until(stop) => {}
        () = days::keep(log, store) => {}
    }
}

struct Writer {
    log: RequestLog,
    store: Store,
    /// Which day was looked at last, and when.
    measured: Option<(RequestDay, Instant)>,
}

impl Writer {
    async fn until(&mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(EVERY) => {}
                () = self.log.0.grown.notified() => {}
            }
            let batch = self.log.take();
            tokio::select! {
                () = self.write(&batch) => {}
                // Stopped in the middle, it is written again: rows that are there are not doubled.
                () = &mut stop => return self.last(&[batch, self.log.take()]).await,
            }
        }
        self.last(&[self.log.take()]).await;
    }

    async fn last(&mut self, batches: &[RequestBatch]) {
        let all = async {
            for batch in batches {
                self.write(batch).await;
            }
        };
        if tokio::time::timeout(LAST_ROWS, all).await.is_err() {
            let rows: usize = batches.iter().map(RequestBatch::len).sum();
            tracing::error!(
                rows,
                "the last rows of the request log may not have been written"
            );
        }
    }

    /// Until the rows are written, or the database refuses them.
    async fn write(&mut self, batch: &RequestBatch) {
        if batch.is_empty() {
            // A day that takes nothing more is over some time.
            if self.log.today() != Room::All {
                self.measure().await;
            }
            return;
        }
        let mut told = false;
        let mut covered = 0;
        loop {
            let error = match self.store.write_requests(batch).await {
                Ok(Written::Stored) => break meters::requests_logged(batch.len()),
                Ok(Written::NoPartition) if covered == COVERED => {
                    tracing::error!(
                        rows = batch.len(),
                        "the request log has no partition for these rows"
                    );
                    break meters::request_unlogged("database", batch.len());
                }
                Ok(Written::NoPartition) => {
                    if covered > 0 {
                        // Somebody takes the days away as they are made.
                        tokio::time::sleep(PAUSE).await;
                    }
                    covered += 1;
                    match days::cover(&self.store, batch).await {
                        Ok(()) => continue,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            match error {
                WriteError::Passing(cause) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(error = %cause, "the request log waits for the database");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                WriteError::Lasting(cause) => {
                    tracing::error!(error = %cause, rows = batch.len(), "rows of the request log were refused");
                    break meters::request_unlogged("database", batch.len());
                }
            }
        }
        self.measure().await;
    }

    /// Looks at today, now and then.
    async fn measure(&mut self) {
        let day = RequestDay::of(Timestamp::now());
        let recent = self
            .measured
            .is_some_and(|(known, at)| known == day && at.elapsed() < MEASURE);
        if recent {
            return;
        }
        let known = async {
            let bytes = self.store.request_day_bytes(day).await?;
            let parts = match bytes > self.log.crowded() {
                true => self.store.request_day_parts(day).await?,
                false => Vec::new(),
            };
            Ok::<_, Error>((bytes, parts))
        };
        match known.await {
            Ok((bytes, parts)) => {
                self.log.measured(bytes, &parts);
                self.measured = Some((day, Instant::now()));
            }
            Err(error) => tracing::warn!(?error, "the size of the request log is not known"),
        }
    }
}
