//! Calls about links: giving them out, and opening them.

use ::http::Method;
use bytes::Bytes;
use hythe_model::{LinkId, NodeId, OpeningId, SpaceId};
use hythe_wire::link::{
    CreateLinkReply, CreateLinkRequest, LinkCapsulesRequest, LinkInfo, LinkList, LinkListRequest,
    LinkOpenRequest, LinkOpened, LinkPage, LinkPutRequest, LinkUses,
};
use hythe_wire::{ByteVec, Message, headers, routes};

use super::http::Channel;
use super::{Api, ApiError, Putting};

impl Api {
    /// Gives out a link.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn create_link(
        &self,
        space: SpaceId,
        request: &CreateLinkRequest,
    ) -> Result<CreateLinkReply, ApiError> {
        let path = routes::space_links(space);
        self.send_message(Channel::Shared, Method::POST, &path, request)
            .await
    }

    /// The links into a space that this account may end.
    pub async fn links(&self, space: SpaceId) -> Result<LinkList, ApiError> {
        self.get_json(&routes::space_links(space)).await
    }

    /// How a link was used.
    pub async fn link_uses(&self, space: SpaceId, link: LinkId) -> Result<LinkUses, ApiError> {
        self.get_json(&routes::space_link_uses(space, link)).await
    }

    /// Stores what a link into a sealed space shows of some directories.
    pub async fn put_link_capsules(
        &self,
        space: SpaceId,
        link: LinkId,
        request: &LinkCapsulesRequest,
    ) -> Result<(), ApiError> {
        let path = routes::space_link_capsules(space, link);
        let body = Some((headers::CBOR, Bytes::from(request.to_cbor())));
        let mut reader = self.call(Channel::Bulk, Method::POST, &path, body).await?;
        reader.whole(0).await.map(drop)
    }

    /// Ends a link.
    pub async fn revoke_link(&self, space: SpaceId, link: LinkId) -> Result<(), ApiError> {
        let path = routes::space_link(space, link);
        let mut reader = self
            .call(Channel::Shared, Method::DELETE, &path, None)
            .await?;
        reader.whole(0).await.map(drop)
    }

    /// What a link is; its token is this caller's.
    pub async fn link(&self, link: LinkId) -> Result<LinkInfo, ApiError> {
        let path = routes::link(link);
        let mut reader = self.call(Channel::Shared, Method::GET, &path, None).await?;
        let bytes = reader.whole(LinkInfo::MAX_BYTES).await?;
        LinkInfo::from_cbor(&bytes).map_err(ApiError::malformed)
    }

    /// Some of what a directory under a link holds.
    pub async fn link_list(
        &self,
        link: LinkId,
        directory: NodeId,
        after: Option<ByteVec>,
    ) -> Result<LinkPage, ApiError> {
        let request = LinkListRequest { directory, after };
        let path = routes::link_list(link);
        self.send_message(Channel::Shared, Method::POST, &path, &request)
            .await
    }

    /// The same calls, whose packs are put through a link.
    pub fn putting(&self, link: LinkId) -> Self {
        Self {
            putting: Some(Putting::Link(link)),
            ..self.clone()
        }
    }

    /// Puts a file through a link.
    pub async fn link_put(&self, link: LinkId, request: &LinkPutRequest) -> Result<(), ApiError> {
        let path = routes::link_files(link);
        let body = Some((headers::CBOR, Bytes::from(request.to_cbor())));
        let mut reader = self.call(Channel::Bulk, Method::POST, &path, body).await?;
        reader.whole(0).await.map(drop)
    }

    /// Opens a file under a link; the calls that are returned read its chunks.
    pub async fn link_open(
        &self,
        link: LinkId,
        node: NodeId,
        opening: OpeningId,
    ) -> Result<(LinkOpened, Self), ApiError> {
        let request = LinkOpenRequest { node, opening };
        let path = routes::link_open(link);
        let opened = self
            .send_message(Channel::Shared, Method::POST, &path, &request)
            .await?;
        let reading = Self {
            opening: Some((link, opening)),
            ..self.clone()
        };
        Ok((opened, reading))
    }
}
