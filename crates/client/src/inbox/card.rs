//! The card of an inbox: what this device says of who takes in what is put into a space.

use hythe_model::KeyEpoch;
use hythe_space::inbox::Taker;
use hythe_space::{InboxCard, SigningKey, inbox_key};

use crate::replica::{Keyring, Replica, ReplicaError, now_ms};

impl Replica {
    /// Tells the server how files are sealed for the inbox of the space. Says for which key epoch;
    /// none where this device has no key yet.
    ///
    /// # Errors
    /// See [`ReplicaError`].
    pub async fn tell_card(&self) -> Result<Option<KeyEpoch>, ReplicaError> {
        let server = self.server()?;
        let space = self.space;
        let current = |keys: &Keyring| {
            let (epoch, secret) = keys.current_secret()?;
            Some((epoch, inbox_key(space, epoch, secret).public()))
        };
        let Some((epoch, key)) = self.with_keys(current).await? else {
            return Ok(None);
        };
        let taker = match server {
            Some(account) => Taker::Server { account },
            None => Taker::Members { epoch, key: key? },
        };
        let card = InboxCard {
            suite: 0,
            space,
            taker,
            time_ms: now_ms(),
        };
        let signing = SigningKey::from_seed(&self.session.device.signing);
        let card = card.sign(&signing).encode();
        self.session.api.put_inbox_card(space, card).await?;
        Ok(Some(epoch))
    }
}
