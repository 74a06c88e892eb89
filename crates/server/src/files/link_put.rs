//! Files that are put through a link, sealed by whoever has it for those who take them in.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hythe_model::SpaceId;
use hythe_space::Purpose;

use super::access;
use super::chunks::PackStored;
use super::links::LinkPass;
use super::parcel::{Door, Parcel};
use super::{Files, FilesError, Principal, Refused};
use crate::clock::now_ms;
use crate::metadata::Tx;
use crate::metadata::logs::LogNo;

/// Who gave out a link to put files through, and where they go.
struct Giver {
    principal: Principal,
    space: SpaceId,
    log: LogNo,
    is_open: bool,
    is_used_up: bool,
}

impl Files {
    /// Stores a pack for a file that is to be put. It counts for the space.
    ///
    /// # Errors
    /// As [`Self::link`] and [`Self::put_pack`]; [`super::Denied::Role`] for a link to be read.
    pub async fn put_link_pack(
        &self,
        pass: &LinkPass,
        pack: Bytes,
    ) -> Result<PackStored, FilesError> {
        let giver = self.giver(pass).await?;
        if giver.is_used_up {
            return Err(Refused::LinkEnded.into());
        }
        self.put_pack(&giver.principal, giver.space, pack, None)
            .await
    }

    /// Takes a file in, under a name that is free; in a sealed space it waits until a member does
    /// that. Doing it again changes nothing.
    ///
    /// # Errors
    /// As [`Self::link`]; [`FilesError::Invalid`], [`FilesError::ChunksMissing`],
    /// [`Refused::Quota`].
    pub async fn link_put(
        &self,
        pass: &LinkPass,
        parcel: Parcel,
        address: IpAddr,
    ) -> Result<(), FilesError> {
        let giver = self.giver(pass).await?;
        if !parcel.attached.is_empty() {
            // What has no room is not written to the disk first.
            self.may_upload(&giver.principal, giver.space).await?;
        }
        let door = Door::Link {
            pass: pass.clone(),
            giver: giver.principal,
            address,
        };
        if !giver.is_open {
            return self.keep_parcel(door, giver.log, parcel).await;
        }
        let purpose = Purpose::Upload {
            link: pass.link(),
            upload: parcel.upload,
        };
        let opened = self.inner.open_parcel(giver.space, &purpose, &parcel)?;
        let (log, attached) = (giver.log, parcel.attached);
        self.take_parcel_in(Arc::new(door), log, opened, attached)
            .await
    }

    /// For whom what is put through a link counts, and where it goes. A link ends with its giver's
    /// device.
    async fn giver(&self, pass: &LinkPass) -> Result<Giver, FilesError> {
        let pass = pass.clone();
        let read = move |tx: &mut dyn Tx| {
            let linked = access::link(tx, &pass, now_ms())?;
            linked.may_put()?;
            let row = &linked.row;
            Ok::<_, FilesError>(Giver {
                principal: Principal::of_giver(row.account, row.device),
                space: SpaceId(linked.log.id),
                log: linked.log.no,
                is_open: linked.log.open,
                is_used_up: row.limit.is_some_and(|limit| row.downloads >= limit),
            })
        };
        let giver = self.inner.database.read(read).await?;
        match self.still_valid(&giver.principal).await {
            Err(FilesError::Denied(_)) => Err(Refused::LinkEnded.into()),
            valid => valid.map(|()| giver),
        }
    }
}
