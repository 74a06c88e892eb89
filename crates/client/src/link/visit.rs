//! A link that was opened: it answers what `ls`, `tree`, `cat` and `get` ask a daemon otherwise.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use hythe_content::{EpochSecret, Field, SpaceKeys};
use hythe_control::{
    Entry, EntryKind, Events, Failure, FailureKind, Octets, Place, Reply, Request, Service,
};
use hythe_model::{
    Attributes, Body, KeyEpoch, LinkId, LinkKind, NodeId, NodeKind, OpeningId, Secret32, TreePath,
};
use hythe_space::{CryptoError, Entropy, KemSecret};
use hythe_wire::link::LinkInfo;
use hythe_wire::link_url::LinkUrl;
use hythe_wire::opaque::{OpaqueError, Password};
use hythe_wire::{Code, headers};

use super::nodes::{Opener, Shown};
use crate::daemon::unreachable;
use crate::direct::{Telling, pour};
use crate::inbox::put::PutError;
use crate::keys::ServerPin;
use crate::net::{Api, ApiError};
use crate::pool::{Pool, PoolError};
use crate::transfer::{Transfer, TransferError, load_layout};

/// Why a link does not open.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    /// The server did not do what was asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// What the server sent is not what the link's maker made.
    #[error("the server shows something else than what the link was made for: {0}")]
    Forged(String),
    /// The system gives no randomness, or a key is none.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The password cannot be stretched.
    #[error(transparent)]
    Password(#[from] OpaqueError),
    /// What was to be put could not be read or sent.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// No work can be done.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

impl From<PutError> for VisitError {
    fn from(error: PutError) -> Self {
        match error {
            PutError::Crypto(error) => error.into(),
            PutError::Transfer(error) => error.into(),
        }
    }
}

/// An opened link.
pub struct Visit {
    pub(super) api: Api,
    /// The same server, without the link.
    pub(super) anyone: Api,
    pub(super) link: LinkId,
    kind: LinkKind,
    pub(super) opener: Opener,
    /// The linked node; none for a whole space.
    top: Option<Shown>,
    pub(super) transfer: Transfer,
    /// The key of the inbox of a sealed space, as it was shown.
    pub(super) card: Option<Vec<u8>>,
    /// Seed of the key that signs what is put.
    pub(super) uploads: Secret32,
}

impl Visit {
    /// Opens a link.
    ///
    /// # Errors
    /// See [`VisitError`].
    pub async fn open(url: &LinkUrl, password: Option<&Password>) -> Result<Self, VisitError> {
        let keys = url.secret.keys(url.link, password)?;
        let pin = ServerPin {
            url: url.server.to_string(),
            identity: url.identity.0,
        };
        let anyone = Api::anonymous(&pin)?;
        let api = anyone.with_token(headers::LINK, &keys.token)?;
        let info = api.link(url.link).await?;
        let opener = Opener {
            link: url.link,
            space: info.space,
            key: KemSecret::from_seed(keys.seed),
            maker: url.maker,
        };
        let LinkInfo {
            node,
            capsule,
            card,
            ..
        } = info;
        let has_top = node.is_some();
        let nodes = node.into_iter().collect();
        let top = opener.open(None, nodes, capsule.as_ref());
        let top = top.map_err(VisitError::Forged)?.pop();
        // To put files nothing has to be shown.
        if has_top && top.is_none() && info.kind != LinkKind::Upload {
            return Err(VisitError::Forged("it comes without its keys".to_owned()));
        }
        // Nothing is sealed here: to read, the keys in layouts are enough.
        let none = EpochSecret::new(Entropy::system()?.secret());
        let transfer = Transfer {
            api: api.clone(),
            pool: Pool::start()?,
            space: info.space,
            keys: Arc::new(SpaceKeys::derive(&info.space, KeyEpoch::FIRST, &none)),
        };
        Ok(Self {
            api,
            anyone,
            link: url.link,
            kind: info.kind,
            opener,
            top,
            transfer,
            card: card.map(Vec::from),
            uploads: keys.uploads,
        })
    }

    /// What the link is for.
    pub fn kind(&self) -> LinkKind {
        self.kind
    }

    async fn answer(
        &self,
        request: Request,
        attachment: Option<OwnedFd>,
        events: &Events,
    ) -> Result<Reply, Failure> {
        match (request, attachment) {
            (Request::Look { place }, _) => Ok(Reply::Entry(self.find(&place).await?.entry())),
            (Request::List { place, recursive }, _) => {
                let found = self.find(&place).await?;
                self.list(found, recursive, events).await
            }
            (
                Request::Read {
                    version: Some(_), ..
                },
                _,
            ) => Err(refused("A link shows no older versions")),
            (Request::Read { place, .. }, Some(to)) => {
                let found = self.find(&place).await?;
                self.read(found, to, events).await
            }
            (
                Request::Write {
                    place,
                    modified,
                    executable,
                },
                Some(from),
            ) if self.kind == LinkKind::Upload => {
                let modified = modified.map_or_else(crate::direct::now, Into::into);
                let attributes = Attributes {
                    executable,
                    modified,
                };
                self.put(&place, attributes, from).await
            }
            (Request::MakeDirectory { .. } | Request::Link { .. }, _) => {
                Err(refused("Only files can be put through a link"))
            }
            _ => Err(refused("That cannot be done through this link")),
        }
    }

    /// Puts a file into what the link points at.
    async fn put(
        &self,
        place: &Place,
        attributes: Attributes,
        from: OwnedFd,
    ) -> Result<Reply, Failure> {
        let path = self.path(place)?;
        let [name] = path.names() else {
            return Err(refused("A link takes files by a name and no further path"));
        };
        let size = self.send(name, attributes, from).await.map_err(failure)?;
        Ok(Reply::Entry(Entry {
            path: Octets(name.as_bytes().to_vec()),
            kind: EntryKind::File,
            size: Some(size),
            modified: Some(attributes.modified.into()),
            executable: attributes.executable,
            target: None,
            node: NodeId::ROOT,
            quarantine: None,
        }))
    }

    fn path(&self, place: &Place) -> Result<TreePath, Failure> {
        let Place::Space { path, .. } = place else {
            return Err(refused("A link has no place on this machine"));
        };
        let unusable =
            |error| Failure::new(FailureKind::Usage, "The path cannot be used").because(error);
        TreePath::parse(path.as_bytes()).map_err(unusable)
    }

    /// The node at a path below the linked one.
    async fn find(&self, place: &Place) -> Result<Found<'_>, Failure> {
        let path = self.path(place)?;
        let mut found = match &self.top {
            Some(top) => Found::Top(top),
            None => Found::Root,
        };
        for name in path.names() {
            let directory = found.directory().ok_or_else(nothing)?;
            let children = self.children(directory).await?.into_iter();
            let mut named = children.filter(|child| child.name.as_ref() == Ok(name));
            found = Found::Below(Box::new(named.next().ok_or_else(nothing)?));
        }
        Ok(found)
    }

    async fn children(&self, directory: NodeId) -> Result<Vec<Shown>, Failure> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.api.link_list(self.link, directory, after).await;
            let page = page.map_err(|error| failure(VisitError::Api(error)))?;
            let (directory, capsule) = (Some(directory), page.capsule.as_ref());
            let shown = self.opener.open(directory, page.nodes, capsule);
            let shown = shown.map_err(|why| failure(VisitError::Forged(why)))?;
            all.extend(shown);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    async fn list(
        &self,
        found: Found<'_>,
        recursive: bool,
        events: &Events,
    ) -> Result<Reply, Failure> {
        let Some(directory) = found.directory() else {
            events.entries([found.entry()]).await;
            return Ok(Reply::Count(1));
        };
        let (mut open, mut count) = (vec![(directory, Vec::new())], 0);
        // A server that shows directories in a circle does not keep us for ever.
        let mut seen = std::collections::HashSet::from([directory]);
        while let Some((directory, above)) = open.pop() {
            let mut entries = Vec::new();
            for child in self.children(directory).await? {
                let path = join(&above, child.name_bytes());
                let descend = recursive && child.kind == NodeKind::Directory && child.name.is_ok();
                if descend && seen.insert(child.node) {
                    open.push((child.node, path.clone()));
                }
                entries.push(child.entry(path));
            }
            count += entries.len() as u64;
            events.entries(entries).await;
        }
        Ok(Reply::Count(count))
    }

    async fn read(&self, found: Found<'_>, to: OwnedFd, events: &Events) -> Result<Reply, Failure> {
        let mut entry = found.entry();
        let file = found.shown().filter(|shown| shown.kind == NodeKind::File);
        let file = file.ok_or_else(|| refused("That is no file"))?;
        let behind = || {
            refused("The file was changed, and what the link shows of it is older")
                .next("Try again later.")
        };
        let key = file.body.as_ref().ok_or_else(behind)?;
        let mut entropy = Entropy::system().map_err(|error| failure(error.into()))?;
        let opening = OpeningId(entropy.bytes());
        let opened = self.api.link_open(self.link, file.node, opening).await;
        let (opened, api) = opened.map_err(|error| failure(error.into()))?;
        let field = opened.body;
        let sealed = field.sealed.filter(|_| field.version == key.version);
        let plain = key.open(
            self.opener.space,
            file.node,
            Field::Body,
            &sealed.ok_or_else(behind)?,
        );
        let plain = plain.map_err(|error| failure(VisitError::Forged(error.to_string())))?;
        let transfer = Transfer {
            api,
            ..self.transfer.clone()
        };
        let Body::File(layout) = load_layout(&transfer, &plain).await? else {
            return Err(refused("That is no file"));
        };
        entry.size = Some(layout.size);
        let doing = format!("reading {}", entry.path);
        let telling = Telling::new(events, doing, layout.size);
        pour(&transfer, &layout, to, telling).await?;
        Ok(Reply::Entry(entry))
    }
}

impl Service for Visit {
    async fn call(
        &self,
        request: Request,
        attachment: Option<OwnedFd>,
        events: Events,
    ) -> Result<Reply, Failure> {
        self.answer(request, attachment, &events).await
    }
}

/// A node under a link.
enum Found<'v> {
    /// The root of a whole space.
    Root,
    /// The linked node.
    Top(&'v Shown),
    /// One below it.
    Below(Box<Shown>),
}

impl Found<'_> {
    fn shown(&self) -> Option<&Shown> {
        match self {
            Self::Root => None,
            Self::Top(shown) => Some(shown),
            Self::Below(shown) => Some(shown),
        }
    }

    /// The directory whose children are meant; none for what has none.
    fn directory(&self) -> Option<NodeId> {
        match self.shown() {
            None => Some(NodeId::ROOT),
            Some(shown) => (shown.kind == NodeKind::Directory).then_some(shown.node),
        }
    }

    fn entry(&self) -> Entry {
        match self.shown() {
            Some(shown) => shown.entry(shown.name_bytes()),
            None => Entry {
                path: Octets(Vec::new()),
                kind: EntryKind::Directory,
                size: None,
                modified: None,
                executable: false,
                target: None,
                node: NodeId::ROOT,
                quarantine: None,
            },
        }
    }
}

fn join(above: &[u8], name: Vec<u8>) -> Vec<u8> {
    if above.is_empty() {
        return name;
    }
    [above, b"/", &name].concat()
}

fn refused(message: &str) -> Failure {
    Failure::new(FailureKind::Refused, message)
}

fn nothing() -> Failure {
    Failure::new(
        FailureKind::NotFound,
        "There is nothing there under this link",
    )
}

impl From<VisitError> for Failure {
    fn from(error: VisitError) -> Self {
        failure(error)
    }
}

/// Why a link did not do, in words.
fn failure(error: VisitError) -> Failure {
    let api = match error {
        VisitError::Api(error) | VisitError::Transfer(TransferError::Api(error)) => error,
        VisitError::Transfer(error) => return error.into(),
        VisitError::Forged(_) => {
            return Failure::new(
                FailureKind::Attention,
                "What the server shows does not verify",
            )
            .because(error)
            .next("Ask whoever gave you the link for a new one.");
        }
        error => {
            return Failure::new(FailureKind::Internal, "The link cannot be opened").because(error);
        }
    };
    match api.code() {
        Some(Code::Unauthenticated) => {
            refused("There is no such link, or its password is another one")
                .next("Ask whoever gave it to you.")
        }
        Some(Code::LinkEnded) => {
            refused("The link was revoked, has ended, or was used as often as it may be")
                .next("Ask whoever gave it to you for a new one.")
        }
        Some(Code::NotFound) => nothing(),
        _ => unreachable(&api),
    }
}
