//! What somebody reads who has the server's data and its master key (E1, A30): an open space, and
//! nothing of a sealed one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hythe_client::commit::found_space;
use hythe_client::replica::Replica;
use hythe_content::{
    EpochSecret, Field, Purpose, Scratch, SpaceKeys, load_body, open_chunk, open_field,
    open_space_name, open_under, read_pack, seal_hash,
};
use hythe_model::{Body, DeviceId, KeyEpoch, LayoutEntry, Secret32, SpaceId, SpaceName};
use hythe_space::{AccountKeys, AccountState, ChangeSet, KemSecret, Operation, Record, SigningKey};
use rusqlite::Connection;

use crate::rig::{Device, put, start};

const NAME: &str = "canary-in-name-93ae44";
const CONTENT: &str = "canary-in-content-6f1b0c";

/// A copy of a server's data, with the key file in it.
pub struct Thief {
    data: PathBuf,
    database: Connection,
}

impl Thief {
    pub fn of(data: &Path) -> Self {
        let database = Connection::open(data.join("hythe.db")).unwrap();
        Self {
            data: data.to_owned(),
            database,
        }
    }

    fn bytes(&self, sql: &str, parameters: impl rusqlite::Params) -> Vec<Vec<u8>> {
        let mut statement = self.database.prepare(sql).unwrap();
        let rows = statement.query_map(parameters, |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn one(&self, sql: &str, parameters: impl rusqlite::Params) -> Vec<u8> {
        self.bytes(sql, parameters).pop().unwrap()
    }

    /// What the server's device keeps, opened with the master key: signing seed, agreement seed.
    fn opened(&self) -> (DeviceId, [Secret32; 2]) {
        let master = std::fs::read_to_string(self.data.join("keys/master")).unwrap();
        let master = data_encoding::HEXLOWER
            .decode(master.trim().as_bytes())
            .unwrap();
        let sealing = blake3::derive_key("hythe 1 server keys at rest", &master);
        let device = self.one("SELECT device FROM server", []);
        let secrets = self.one("SELECT secrets FROM server", []);
        let at_rest = Purpose::new("hythe 1 server device keys");
        let opened = open_under(&Secret32::new(sealing), at_rest, &device, &secrets).unwrap();
        let seed = |bytes: &[u8]| Secret32::new(bytes.try_into().unwrap());
        let device = DeviceId(device.try_into().unwrap());
        (device, [seed(&opened[..32]), seed(&opened[32..])])
    }

    fn account(&self) -> AccountState {
        let state = self.one(
            "SELECT logs.state FROM logs JOIN server ON server.account = logs.id",
            [],
        );
        AccountState::decode(&state).unwrap()
    }

    /// The server's account, and what its device signs with.
    pub fn device(&self) -> (AccountState, SigningKey) {
        let (_, [signing, _]) = self.opened();
        (self.account(), SigningKey::from_seed(&signing))
    }

    /// The keys of the server's account.
    fn keys(&self) -> (AccountState, AccountKeys) {
        let (device, [_, kem]) = self.opened();
        let state = self.account();
        let keys = AccountKeys::open(&state, device, &KemSecret::from_seed(kem)).unwrap();
        (state, keys)
    }

    /// The secret of a space's first key epoch; none where the server was given none.
    fn secret(&self, space: SpaceId) -> Option<Secret32> {
        let (state, keys) = self.keys();
        let sql = "SELECT record FROM records JOIN logs ON logs.no = records.log
            WHERE logs.id = ?1 AND records.kind = 2 AND key = ?2";
        let account = state.id();
        let id = (space.as_bytes().as_slice(), account.as_bytes().as_slice());
        let record = self.bytes(sql, id).pop()?;
        let Record::Member(member) = Record::decode(&record).unwrap() else {
            panic!("no member")
        };
        Some(keys.open_epoch(space, &member.wrap?).unwrap())
    }

    /// Every sealed chunk there is, by its seal.
    fn chunks(&self) -> BTreeMap<[u8; 32], Vec<u8>> {
        let mut found = self.bytes("SELECT sealed FROM inline_chunks", []);
        for path in files(&self.data) {
            let pack = std::fs::read(path).unwrap();
            let Ok(entries) = read_pack(&pack) else {
                continue;
            };
            let sealed = |entry: &hythe_content::PackEntry| {
                let (start, length) = (entry.offset as usize, entry.length as usize);
                pack[start..start + length].to_vec()
            };
            found.extend(entries.iter().map(sealed));
        }
        found
            .into_iter()
            .map(|bytes| (*seal_hash(&bytes).as_bytes(), bytes))
            .collect()
    }

    /// Names and contents of everything that was created in a space, with a key.
    fn read(&self, space: SpaceId, secret: &Secret32) -> Vec<String> {
        let keys = SpaceKeys::derive(&space, KeyEpoch::FIRST, &EpochSecret::new(secret.clone()));
        let chunks = self.chunks();
        let sql = "SELECT change_set FROM entries JOIN logs ON logs.no = entries.log
            WHERE logs.id = ?1 ORDER BY entries.cursor";
        let mut read = Vec::new();
        for bytes in self.bytes(sql, [space.as_bytes().as_slice()]) {
            let change_set = ChangeSet::decode(&bytes).unwrap();
            for write in change_set.writes() {
                let Operation::Create(create) = write.operation else {
                    continue;
                };
                let open = |field, version, sealed: Option<hythe_space::Part<'_>>| {
                    let bytes = sealed?.bytes?;
                    Some(open_field(&keys, create.node, field, version, bytes).unwrap())
                };
                let name = open(Field::Name, create.place_version, write.parts.name);
                read.push(String::from_utf8_lossy(&name.unwrap()).into_owned());
                let Some(body) = &create.body else { continue };
                let layout = open(Field::Body, body.version, write.parts.body).unwrap();
                let body = load_body(&layout, &mut |_| Err(())).unwrap();
                let Body::File(layout) = body else { continue };
                for entry in layout.entries.iter() {
                    let LayoutEntry::Chunk(chunk) = entry else {
                        continue;
                    };
                    let sealed = &chunks[chunk.seal.as_bytes()];
                    let plain = open_chunk(chunk, sealed, &mut Scratch::default()).unwrap();
                    read.push(String::from_utf8_lossy(&plain).into_owned());
                }
            }
        }
        read
    }

    /// How often a text stands in any of the files.
    fn grep(&self, canary: &str) -> usize {
        let holds = |path: &PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            bytes
                .windows(canary.len())
                .any(|window| window == canary.as_bytes())
        };
        files(&self.data).iter().filter(|path| holds(path)).count()
    }
}

fn files(below: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![below.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => found.push(path),
            }
        }
    }
    found
}

async fn space(device: &Device, name: &str, sealed: bool) -> SpaceId {
    let called = SpaceName::new(name).unwrap();
    let space = found_space(&device.common, &called, sealed, None)
        .await
        .unwrap();
    let replica = Replica::open(device.common.clone(), space).await.unwrap();
    let _ = replica.catch_up().await.unwrap();
    assert_eq!(replica.standing().unwrap().name, Some(called));
    put(&replica, NAME, CONTENT.as_bytes().to_vec())
        .await
        .unwrap();
    space
}

#[tokio::test]
async fn e1_a30_the_master_key_opens_open_spaces_and_no_sealed_one() {
    let rig = start().await;
    let device = rig.account("ada").await;
    let open = space(&device, "canary-of-open-4411aa", false).await;
    let sealed = space(&device, "canary-of-sealed-90c3ff", true).await;
    rig.server.stop().await;
    let thief = Thief::of(&rig.data.path().join("server"));
    // At rest all of it is sealed; a login name is not, so the search finds what is there.
    for canary in [
        NAME,
        CONTENT,
        "canary-of-open-4411aa",
        "canary-of-sealed-90c3ff",
    ] {
        assert_eq!(thief.grep(canary), 0, "{canary}");
    }
    assert!(thief.grep("ada") > 0);
    // With the key, the open one is read, content and all.
    let secret = thief.secret(open).unwrap();
    assert_eq!(thief.read(open, &secret), [NAME, CONTENT]);
    // Of the sealed one there is no key, and the other's does not fit.
    assert!(thief.secret(sealed).is_none());
    let record = thief.one(
        "SELECT record FROM records JOIN logs ON logs.no = records.log
            WHERE logs.id = ?1 AND records.kind = 0",
        [sealed.as_bytes().as_slice()],
    );
    let Record::Space(record) = Record::decode(&record).unwrap() else {
        panic!("no space")
    };
    let name = record.name.unwrap();
    assert!(open_space_name(&secret, sealed, name.epoch, name.sealed.as_bytes()).is_err());
}
