//! New devices that another one of an account lets in.

use std::net::SocketAddr;

use hythe_wire::approval::{
    APPROVAL_LIFETIME_MS, ApprovalGrant, ApprovalRequest, ApprovalView, MAX_SEALED_BYTES,
};
use hythe_wire::limits::MAX_TEXT_BYTES;

use super::{Files, FilesError, Principal};
use crate::clock::now_ms;
use crate::metadata::Tx;
use crate::metadata::approvals::{self, ApprovalRow};

impl Files {
    /// Keeps that a new device asks; a repetition changes nothing.
    ///
    /// # Errors
    /// [`FilesError::Invalid`], or the database's.
    pub async fn ask_approval(
        &self,
        request: ApprovalRequest,
        address: SocketAddr,
    ) -> Result<(), FilesError> {
        let texts = [&request.name, &request.platform];
        if texts.iter().any(|text| text.len() > MAX_TEXT_BYTES) {
            return Err(FilesError::invalid(
                "the description of the device is too long",
            ));
        }
        let now_ms = now_ms();
        let row = ApprovalRow {
            id: request.id,
            name: request.name,
            platform: request.platform,
            address: Some(address.ip().to_canonical().to_string()),
            asked_ms: now_ms,
            sealed: None,
        };
        let write = move |tx: &mut dyn Tx| {
            approvals::sweep(tx, now_ms - APPROVAL_LIFETIME_MS)?;
            approvals::ask(tx, &row)
        };
        Ok(self.inner.database.write(write).await?)
    }

    /// What came back to a new device; none yet when nobody approved.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] when it does not ask (any more), or the database's.
    pub async fn poll_approval(&self, id: [u8; 32]) -> Result<Option<Vec<u8>>, FilesError> {
        Ok(self.approval(id).await?.sealed)
    }

    /// Who asks.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] when nobody does (any more), or the database's.
    pub async fn look_at_approval(
        &self,
        principal: &Principal,
        id: [u8; 32],
    ) -> Result<ApprovalView, FilesError> {
        self.still_valid(principal).await?;
        let row = self.approval(id).await?;
        Ok(ApprovalView {
            name: row.name,
            platform: row.platform,
            address: row.address,
            asked_ms: row.asked_ms,
        })
    }

    /// Lets a new device in, once.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] when nobody asks (any more), or was let in; the database's.
    pub async fn grant_approval(
        &self,
        principal: &Principal,
        grant: ApprovalGrant,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        if grant.sealed.len() > MAX_SEALED_BYTES {
            return Err(FilesError::invalid("what the device is sent is too long"));
        }
        let since_ms = now_ms() - APPROVAL_LIFETIME_MS;
        let write = move |tx: &mut dyn Tx| {
            let there = approvals::get(tx, &grant.id, since_ms)?.is_some();
            match there && approvals::grant(tx, &grant.id, &grant.sealed)? {
                true => Ok(()),
                false => Err(FilesError::NotFound("request of a device")),
            }
        };
        self.inner.database.write(write).await
    }

    async fn approval(&self, id: [u8; 32]) -> Result<ApprovalRow, FilesError> {
        let since_ms = now_ms() - APPROVAL_LIFETIME_MS;
        let look = move |tx: &mut dyn Tx| approvals::get(tx, &id, since_ms);
        let row = self.inner.database.read(look).await?;
        row.ok_or(FilesError::NotFound("request of a device"))
    }
}
