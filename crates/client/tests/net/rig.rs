//! A server in this process and devices that talk to it over TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hythe_client::commit::{CommitError, Committed, Edit};
use hythe_client::enrol;
use hythe_client::keys::{DeviceKeys, KeyStore};
use hythe_client::net::Api;
use hythe_client::pool::Pool;
use hythe_client::replica::{AccountBook, Replica, Session};
use hythe_client::state::State;
use hythe_client::transfer::{Prepared, Progress, SealedObject, Transfer, Upload, upload};
use hythe_model::{Attributes, EntryName, NodeId, NodeKind, SpaceId, Timestamp, VersionId};
use hythe_server::{Running, Server, ServerConfig};
use hythe_sync::{RemoteNode, Versions};
use hythe_wire::account::DeviceInfo;
use tempfile::TempDir;

/// The time at which everything in these tests happens, for what does not ask a clock.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    since.as_millis() as i64
}

pub struct Rig {
    pub server: Running,
    pub data: TempDir,
}

pub async fn start() -> Rig {
    let data = tempfile::tempdir().unwrap();
    let server = start_on(&data, "127.0.0.1:0".parse().unwrap()).await;
    Rig { server, data }
}

/// A server that says it is reached by a name.
pub async fn start_called(public: &str) -> Rig {
    let data = tempfile::tempdir().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut config = ServerConfig::new(data.path().join("server"), listen);
    config.public_url = Some(public.parse().unwrap());
    let server = Server::start(config).await.unwrap();
    Rig { server, data }
}

pub async fn start_on(data: &TempDir, listen: SocketAddr) -> Running {
    let mut config = ServerConfig::new(data.path().join("server"), listen);
    // Outside the data, so that a copy that is put back is noticed.
    config.witness = Some(data.path().join("witness"));
    Server::start(config).await.unwrap()
}

/// One device with its own home.
pub struct Device {
    pub home: TempDir,
    pub keys: Arc<DeviceKeys>,
    pub common: Session,
}

pub fn info(name: &str) -> DeviceInfo {
    DeviceInfo {
        name: name.into(),
        platform: "test".into(),
        version: "0".into(),
    }
}

impl Rig {
    pub async fn invite(&self) -> String {
        self.server
            .invite(Duration::from_secs(60), false)
            .await
            .unwrap()
            .to_string()
    }

    /// A new account and its first device.
    pub async fn account(&self, login: &str) -> Device {
        Device::connect(&self.invite().await, login).await
    }
}

impl Device {
    pub async fn connect(url: &str, login: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = KeyStore::open(home.path().join("keys")).unwrap();
        let keys = enrol::connect(&store, url, info(login), login, now_ms())
            .await
            .unwrap();
        Self::open(home, keys)
    }

    pub fn open(home: TempDir, keys: DeviceKeys) -> Self {
        let keys = Arc::new(keys);
        let api = Api::new(&keys.server, &keys.token).unwrap();
        Self::with_api(home, keys, api)
    }

    pub fn with_api(home: TempDir, keys: Arc<DeviceKeys>, api: Api) -> Self {
        let (state, _) = State::open(&home.path().join("state.db")).unwrap();
        let state = Arc::new(state);
        let accounts = Arc::new(AccountBook::new(&state, &api));
        let pool = Pool::start().unwrap();
        let common = Session {
            state,
            api,
            pool,
            device: Arc::clone(&keys),
            accounts,
        };
        Self { home, keys, common }
    }

    /// One more device of the same account.
    pub async fn add(&self) -> Self {
        let offer = enrol::offer_device(&self.common.api, &self.keys, None, now_ms())
            .await
            .unwrap();
        Self::connect(&offer.url.to_string(), "second").await
    }

    pub async fn personal(&self) -> SpaceId {
        let list = self.common.api.spaces().await.unwrap();
        list.spaces.iter().find(|space| space.personal).unwrap().id
    }

    /// The personal space, read to its head.
    pub async fn home(&self) -> Replica {
        let replica = Replica::open(self.common.clone(), self.personal().await)
            .await
            .unwrap();
        let _ = replica.catch_up().await.unwrap();
        replica
    }
}

pub fn id() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub fn version() -> VersionId {
    VersionId(id())
}

pub fn name(text: &str) -> EntryName {
    EntryName::new(text).unwrap()
}

pub fn attributes() -> Attributes {
    Attributes {
        executable: true,
        modified: Timestamp {
            seconds: 1_700_000_000,
            nanos: 123,
        },
    }
}

pub fn create(parent: NodeId, called: &str, kind: NodeKind, body: Option<Prepared>) -> Edit {
    let versions = Versions {
        place: version(),
        attributes: version(),
        body: body.as_ref().map(|_| version()),
    };
    Edit::Create {
        node: NodeId(id()),
        kind,
        parent,
        name: name(called),
        attributes: attributes(),
        new: versions,
        body,
    }
}

/// Uploads contents; the results are in the order of the contents.
pub async fn upload_all(
    transfer: &Transfer,
    contents: Vec<Vec<u8>>,
) -> (Vec<Prepared>, Vec<SealedObject>) {
    let files = contents
        .into_iter()
        .enumerate()
        .map(|(key, bytes)| Upload {
            key,
            source: Arc::new(bytes),
            previous: None,
            need: None,
        })
        .collect();
    let uploaded = upload(transfer, files, &Arc::new(Progress::default()))
        .await
        .unwrap();
    let mut files = uploaded.files;
    files.sort_by_key(|(key, _)| *key);
    let prepared = files
        .into_iter()
        .map(|(_, prepared)| prepared.unwrap())
        .collect();
    (prepared, uploaded.attached)
}

/// Creates a file in the root of a space.
pub async fn put(
    replica: &Replica,
    called: &str,
    bytes: Vec<u8>,
) -> Result<Committed, CommitError> {
    let transfer = replica.transfer().await.unwrap();
    let (mut prepared, attached) = upload_all(&transfer, vec![bytes]).await;
    let edit = create(NodeId::ROOT, called, NodeKind::File, prepared.pop());
    replica.commit(vec![edit], attached).await
}

pub fn list(device: &Device, replica: &Replica, parent: NodeId) -> Vec<RemoteNode> {
    let number = replica.number();
    device
        .common
        .state
        .read(|rows| rows.remote_list(number, parent))
        .unwrap()
}

pub fn find(device: &Device, replica: &Replica, called: &str) -> RemoteNode {
    let nodes = list(device, replica, NodeId::ROOT);
    nodes
        .into_iter()
        .find(|node| node.name == Ok(name(called)))
        .unwrap()
}

pub fn names(nodes: &[RemoteNode]) -> Vec<String> {
    nodes
        .iter()
        .map(|node| node.name.as_ref().unwrap().to_string())
        .collect()
}
