//! Calls about inboxes: putting as a member, and taking in.

use ::http::Method;
use bytes::Bytes;
use hythe_model::{SpaceId, UploadId};
use hythe_wire::inbox::{InboxCardReply, InboxCardRequest, InboxPage};
use hythe_wire::link::LinkPutRequest;
use hythe_wire::{Message, headers, routes};

use super::http::Channel;
use super::{Api, ApiError, Putting};

impl Api {
    /// Tells how files are sealed for the inbox of a space.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn put_inbox_card(&self, space: SpaceId, card: Vec<u8>) -> Result<(), ApiError> {
        let request = InboxCardRequest { card: card.into() };
        let path = routes::space_inbox_card(space);
        self.done(Method::POST, &path, Some(request.to_cbor()))
            .await
    }

    /// How files are sealed for the inbox of a space.
    pub async fn inbox_cards(&self, space: SpaceId) -> Result<InboxCardReply, ApiError> {
        let path = routes::space_inbox_card(space);
        let mut reader = self.call(Channel::Shared, Method::GET, &path, None).await?;
        let bytes = reader.whole(InboxCardReply::MAX_BYTES).await?;
        InboxCardReply::from_cbor(&bytes).map_err(ApiError::malformed)
    }

    /// Some of the files that wait in a sealed space, the oldest first.
    pub async fn inbox(&self, space: SpaceId) -> Result<InboxPage, ApiError> {
        let path = routes::space_inbox(space);
        let mut reader = self.call(Channel::Bulk, Method::GET, &path, None).await?;
        let bytes = reader.whole(InboxPage::MAX_BYTES).await?;
        InboxPage::from_cbor(&bytes).map_err(ApiError::malformed)
    }

    /// Says that a file cannot be taken in.
    pub async fn refuse_parcel(&self, space: SpaceId, upload: UploadId) -> Result<(), ApiError> {
        let path = routes::space_inbox_parcel(space, upload);
        self.done(Method::DELETE, &path, None).await
    }

    /// The same calls, whose packs are put by a member that may do nothing else.
    pub(crate) fn dropping(&self) -> Self {
        Self {
            putting: Some(Putting::Member),
            ..self.clone()
        }
    }

    /// Puts a file as a member that may do nothing else.
    pub async fn inbox_put(
        &self,
        space: SpaceId,
        request: &LinkPutRequest,
    ) -> Result<(), ApiError> {
        let path = routes::space_inbox(space);
        self.done(Method::POST, &path, Some(request.to_cbor()))
            .await
    }

    /// A call that is answered with nothing.
    async fn done(
        &self,
        method: Method,
        path: &str,
        message: Option<Vec<u8>>,
    ) -> Result<(), ApiError> {
        let body = message.map(|bytes| (headers::CBOR, Bytes::from(bytes)));
        let mut reader = self.call(Channel::Bulk, method, path, body).await?;
        reader.whole(0).await.map(drop)
    }
}
