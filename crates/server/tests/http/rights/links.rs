//! Requests about links, and of whoever has one.

use hythe_model::{AccountId, LinkId, LinkKind, NodeId, OpeningId, Secret32, UploadId};
use hythe_space::inbox::{InboxCard, Taker};
use hythe_space::{KemSecret, LinkGrant, Operation};
use hythe_wire::chunk::ReadRequest;
use hythe_wire::inbox::InboxCardRequest;
use hythe_wire::link::{
    CreateLinkRequest, LinkCapsulesRequest, LinkListRequest, LinkOpenRequest, LinkPutRequest,
};
use hythe_wire::link_url::verifier;
use hythe_wire::{Token, headers, routes};

use super::asks::{Ask, Body, Look, Then, plain, signed};
use super::cast::{Cast, Who};
use super::table::Row;
use crate::person::now_ms;
use crate::world::{cbor, shown};

/// A link that nobody asks through: to be ended.
const SPARE: LinkId = LinkId([0xa0; 16]);

/// The link that a principal has; everybody else asks for that of the first.
pub fn link_of(who: Who) -> LinkId {
    match who {
        Who::DownloadLink => LinkId([0xa2; 16]),
        Who::EndedLink => LinkId([0xa3; 16]),
        Who::UploadLink => LinkId([0xa4; 16]),
        _ => LinkId([0xa1; 16]),
    }
}

/// The token of a link.
pub fn token_of(link: LinkId) -> Token {
    Token(Secret32::new([link.0[0] ^ link.0[15] ^ link.0[1]; 32]))
}

impl Cast {
    /// Puts a file into the space, and gives out links to it.
    pub async fn give_links(&mut self) {
        let mut draft = hythe_space::Draft::new();
        let refs = Some(vec![self.chunk.chunk.id]);
        let kind = hythe_model::NodeKind::File;
        self.owner.add(&mut draft, kind, b"sealed".to_vec(), refs);
        let create = self.sign(Who::Owner, draft);
        if let Operation::Create(create) = &create.operations()[0] {
            self.file = create.node;
        }
        self.commit(&create).await;
        for (link, kind) in [
            (SPARE, LinkKind::View),
            (link_of(Who::ViewLink), LinkKind::View),
            (link_of(Who::DownloadLink), LinkKind::Download),
            (link_of(Who::EndedLink), LinkKind::Download),
            (link_of(Who::UploadLink), LinkKind::Upload),
        ] {
            let request = self.grant(Who::Owner, link, kind);
            let post = self
                .owner
                .post(&self.world, &routes::space_links(self.space));
            assert_eq!(cbor(post, &request).send().await.unwrap().status(), 200);
        }
        let ended = routes::space_link(self.space, link_of(Who::EndedLink));
        let delete = self.world.client().delete(self.world.url(&ended));
        let delete = shown(delete, &self.owner.token, headers::BEARER);
        assert_eq!(delete.send().await.unwrap().status(), 204);
    }

    fn grant(&self, who: Who, link: LinkId, kind: LinkKind) -> CreateLinkRequest {
        let key = KemSecret::from_seed(Secret32::new([7; 32]));
        let grant = LinkGrant {
            suite: 0,
            space: self.space,
            link,
            node: self.file,
            kind,
            key: key.public().unwrap(),
            password: false,
            expires_ms: None,
            downloads: None,
            time_ms: now_ms(),
            uploads: None,
        };
        CreateLinkRequest {
            grant: grant.sign(&self.person(who).key).encode().into(),
            verifier: verifier(&token_of(link)),
        }
    }

    /// Links into the space, for its members.
    pub fn of_space_links(&self, who: Who, row: &Row) -> Option<Ask> {
        let space = self.space;
        Some(match row.key() {
            ("GET", routes::SPACE_LINKS, "") => {
                let held = Look::Holds(SPARE.to_string().into_bytes());
                Ask::get(routes::space_links(space), held)
            }
            ("POST", routes::SPACE_LINKS, "") => {
                // A link of its own for each.
                let link = LinkId([who as u8; 16]);
                let request = self.grant(who, link, LinkKind::View);
                Ask::post(routes::space_links(space), signed(&request))
            }
            ("DELETE", routes::SPACE_LINK, "of the owner's") => Ask {
                method: reqwest::Method::DELETE,
                path: routes::space_link(space, SPARE),
                body: Body::Nothing,
                look: Look::Done,
                then: Then::Nothing,
            },
            ("POST", routes::SPACE_LINK_CAPSULES, "of the owner's, in an open space") => {
                let directories = vec![];
                let request = LinkCapsulesRequest { directories };
                Ask::post(routes::space_link_capsules(space, SPARE), plain(&request))
            }
            ("GET", routes::SPACE_LINK_USES, "of the owner's") => {
                Ask::get(routes::space_link_uses(space, SPARE), Look::Done)
            }
            _ => return None,
        })
    }

    /// The inbox of the space, which is an open one.
    pub fn of_inbox(&self, who: Who, row: &Row) -> Option<Ask> {
        let space = self.space;
        Some(match row.key() {
            ("GET", routes::SPACE_INBOX, "") => Ask::get(routes::space_inbox(space), Look::Done),
            ("POST", routes::SPACE_INBOX, "of what was sealed for nobody") => {
                Ask::post(routes::space_inbox(space), plain(&for_nobody(who)))
            }
            ("GET", routes::SPACE_INBOX_CARD, "") => {
                Ask::get(routes::space_inbox_card(space), Look::Done)
            }
            ("POST", routes::SPACE_INBOX_CARD, "") => {
                let card = InboxCard {
                    suite: 0,
                    space,
                    taker: Taker::Server {
                        account: AccountId([9; 32]),
                    },
                    time_ms: now_ms(),
                };
                let card = card.sign(&self.person(who).key).encode().into();
                let request = InboxCardRequest { card };
                Ask::post(routes::space_inbox_card(space), signed(&request))
            }
            ("DELETE", routes::SPACE_INBOX_PARCEL, "of nobody's") => Ask {
                method: reqwest::Method::DELETE,
                path: routes::space_inbox_parcel(space, UploadId([3; 16])),
                body: Body::Nothing,
                look: Look::Done,
                then: Then::Nothing,
            },
            _ => return None,
        })
    }

    /// What a link shows.
    pub async fn of_link(&mut self, who: Who, row: &Row) -> Option<Ask> {
        let link = link_of(who);
        let list = |directory| {
            let after = None;
            let request = LinkListRequest { directory, after };
            Ask::post(routes::link_list(link), plain(&request))
        };
        let open = |node, opening| {
            let request = LinkOpenRequest { node, opening };
            Ask::post(routes::link_open(link), plain(&request))
        };
        let opening = OpeningId([5; 16]);
        Some(match row.key() {
            ("GET", routes::LINK, "") => Ask::get(routes::link(link), Look::Done),
            ("GET", routes::LINK, "of another link") => {
                let other = match who {
                    Who::ViewLink => Who::DownloadLink,
                    _ => Who::ViewLink,
                };
                Ask::get(routes::link(link_of(other)), Look::Done)
            }
            ("POST", routes::LINK_LIST, "") => list(self.file),
            ("POST", routes::LINK_LIST, "of what is above") => list(NodeId::ROOT),
            ("POST", routes::LINK_OPEN, "") => open(self.file, opening),
            ("POST", routes::LINK_OPEN, "of what is beside") => open(self.node, opening),
            ("POST", routes::LINK_CHUNKS, "of an opened file") => {
                let opened = open(self.file, opening);
                // Whether it was opened, the row before tells.
                let _ = self.request(who, &opened).await.send().await.unwrap();
                self.chunks(link, opening)
            }
            ("POST", routes::LINK_PACKS, "") => {
                let pack = Body::Plain(headers::PACK, super::asks::pack(&self.chunk));
                Ask::post(routes::link_packs(link), pack)
            }
            ("POST", routes::LINK_FILES, "that was sealed for nobody") => {
                Ask::post(routes::link_files(link), plain(&for_nobody(who)))
            }
            ("POST", routes::LINK_CHUNKS, "without an opening") => {
                self.chunks(link, OpeningId([6; 16]))
            }
            _ => return None,
        })
    }

    fn chunks(&self, link: LinkId, opening: OpeningId) -> Ask {
        let objects = vec![crate::transfer::name(&self.chunk)];
        let path = routes::link_chunks(link, opening);
        let held = Look::Holds(self.chunk.bytes.clone());
        Ask::post(path, plain(&ReadRequest { objects })).look(held)
    }
}

/// A file that nobody can open.
fn for_nobody(who: Who) -> LinkPutRequest {
    LinkPutRequest {
        upload: UploadId([who as u8; 16]),
        generation: 1,
        wrapped: vec![0x40].into(),
        name: vec![].into(),
        attributes: vec![].into(),
        body: vec![].into(),
        size: 0,
        attached: vec![],
        refs: None,
        signature: None,
    }
}
