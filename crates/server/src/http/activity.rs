//! Tells when a connection has been useless for too long: no request for a while, or a request
//! whose headers do not come to an end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// What a connection is doing.
#[derive(Debug)]
pub(crate) struct Activity {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// Requests whose answer is not sent to its end.
    under_way: usize,
    /// When the last of them ended, or the connection began.
    idle_since: Instant,
    /// When the first byte of the next request's headers came.
    header_since: Option<Instant>,
}

/// One request under way; over when dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Activity>);

/// Why a connection should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Nothing was asked for a while.
    Idle,
    /// Headers do not come to an end.
    Header,
}

impl Activity {
    /// Of a connection that just began.
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            under_way: 0,
            idle_since: Instant::now(),
            header_since: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        })
    }

    /// Notes that bytes came. Only for HTTP/1.1: over HTTP/2 bytes need not belong to a request.
    pub(crate) fn bytes_came(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.under_way == 0 && state.header_since.is_none() {
            state.header_since = Some(Instant::now());
            self.changed.notify_one();
        }
    }

    /// Notes that the headers of a request are there.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.under_way += 1;
        state.header_since = None;
        UnderWay(Arc::clone(self))
    }

    /// Waits until the connection should end.
    pub(crate) async fn expired(&self, header: Duration, idle: Duration) -> Expired {
        loop {
            let (deadline, why) = self.deadline(header, idle);
            if deadline <= Instant::now() {
                return why;
            }
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    fn deadline(&self, header: Duration, idle: Duration) -> (Instant, Expired) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.header_since {
            Some(since) => (since + header, Expired::Header),
            // Something is under way: look again when it could earliest have been over for long.
            None if state.under_way > 0 => (Instant::now() + idle, Expired::Idle),
            None => (state.idle_since + idle, Expired::Idle),
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.under_way -= 1;
        if state.under_way == 0 {
            state.idle_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn headers_have_less_time_than_silence() {
        let start = Instant::now();
        let silent = Activity::new();
        assert_eq!(silent.expired(HEADER, IDLE).await, Expired::Idle);
        assert_eq!(start.elapsed(), IDLE);

        let start = Instant::now();
        let slow = Activity::new();
        let later = Arc::clone(&slow);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            later.bytes_came();
            tokio::time::sleep(Duration::from_secs(5)).await;
            later.bytes_came();
        });
        assert_eq!(slow.expired(HEADER, IDLE).await, Expired::Header);
        assert_eq!(start.elapsed(), Duration::from_secs(15));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_keeps_the_connection() {
        let start = Instant::now();
        let activity = Activity::new();
        activity.bytes_came();
        let request = activity.begin();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(600)).await;
            drop(request);
        });
        assert_eq!(activity.expired(HEADER, IDLE).await, Expired::Idle);
        assert_eq!(start.elapsed(), Duration::from_secs(660));
    }
}
