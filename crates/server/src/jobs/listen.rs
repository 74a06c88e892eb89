//! Cuts off removed devices at once, whichever replica removed them.

use std::sync::Weak;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::alive;
use crate::files::Inner;
use crate::notify::Notice;

pub(super) async fn run(inner: Weak<Inner>, mut notices: Receiver<Notice>) {
    loop {
        let notice = match notices.recv().await {
            Ok(notice) => notice,
            Err(RecvError::Lagged(_)) => Notice::Lost,
            Err(RecvError::Closed) => return,
        };
        match alive(&inner) {
            Some(files) => files.heed(&notice),
            None => return,
        }
    }
}
