//! A file on its way through a link: to the server's device in an open space, else to members.

use std::os::fd::OwnedFd;

use hythe_model::{Attributes, EntryName};
use hythe_space::inbox::Taker as Who;
use hythe_space::{SignedCard, SigningKey, Via};

use super::visit::{Visit, VisitError};
use crate::enrol::read_account;
use crate::inbox::put::{Inbox, Taker, Way};

impl Visit {
    /// Puts what a descriptor gives, under a name; says how long it is.
    ///
    /// # Errors
    /// See [`VisitError`].
    pub async fn send(
        &self,
        name: &EntryName,
        attributes: Attributes,
        from: OwnedFd,
    ) -> Result<u64, VisitError> {
        let (taker, way) = self.taker().await?;
        let inbox = Inbox {
            api: self.api.putting(self.link),
            pool: &self.transfer.pool,
            space: self.opener.space,
            taker,
            way,
        };
        let (request, length) = inbox.request(name, attributes, from).await?;
        self.api.link_put(self.link, &request).await?;
        Ok(length)
    }

    /// Who takes files in: in a sealed space whom the maker of the address says, in an open one the
    /// server, whose device the maker is then.
    async fn taker(&self) -> Result<(Taker, Way), VisitError> {
        let Some(card) = &self.card else {
            return Ok((self.server().await?, Way::Link(self.link)));
        };
        let forged = |error: &dyn std::fmt::Display| VisitError::Forged(error.to_string());
        let signed = SignedCard::decode(card).map_err(|error| forged(&error))?;
        let card = signed.by(self.opener.maker, self.opener.space);
        match &card.map_err(|error| forged(&error))?.taker {
            Who::Members { epoch, key } => {
                let taker = Taker {
                    number: epoch.0,
                    key: key.clone(),
                    pads: true,
                };
                let signing = SigningKey::from_seed(&self.uploads);
                Ok((taker, Way::Signed(Via::Link(self.link), signing)))
            }
            Who::Server { .. } => Err(forged(&"it speaks of an open space")),
        }
    }

    /// The key of the account whose device takes files in, from that account's log.
    async fn server(&self) -> Result<Taker, VisitError> {
        let other = |why: &str| VisitError::Forged(why.to_owned());
        let account = self.anyone.server().await?.account;
        let state = read_account(&self.anyone, account).await;
        let state = state.map_err(|error| VisitError::Forged(error.to_string()))?;
        let device = state.device(self.opener.maker);
        if device.filter(|one| one.removed.is_none()).is_none() {
            return Err(other("it is another server than the link was made for"));
        }
        let (number, key) = state.kem().ok_or_else(|| other("it has no key"))?;
        Ok(Taker {
            number,
            key: key.clone(),
            pads: false,
        })
    }
}
