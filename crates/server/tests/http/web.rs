//! What pages of the web app ask: a session in a cookie, and open spaces in plain words.

use hythe_content::{
    EpochSecret, Field, PackBuilder, Scratch, SpaceKeys, StoredBody, TagKey, encode_attributes,
    seal_chunk, seal_field, store_body,
};
use hythe_model::{
    Attributes, Body, ChunkClass, ChunkId, Chunker, Cursor, EntryName, KeyEpoch, Layout,
    LayoutEntry, NodeId, NodeKind, Timestamp, VersionId,
};
use hythe_space::draft::SealedNode;
use hythe_space::operation::{BodyWrite, Create, Place};
use hythe_space::{ChangeSet, Draft, Moment};
use hythe_wire::chunk::PackReply;
use hythe_wire::log::LogFrame;
use hythe_wire::{Code, Message, headers, routes};
use serde_json::{Value, json};

use crate::person::{Person, join};
use crate::world::{Frames, World, problem, reply};

/// The token in the cookie of a new session.
async fn session(person: &Person, world: &World) -> String {
    let opened = person.post(world, routes::WEB_SESSION).send().await;
    let opened = opened.unwrap();
    assert_eq!(opened.status(), 204);
    let cookie = opened.headers()["set-cookie"].to_str().unwrap().to_owned();
    let (pair, rest) = cookie.split_once("; ").unwrap();
    // R22.
    for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(rest.split("; ").any(|one| one == part), "{cookie}");
    }
    assert!(!rest.contains("Domain"), "{cookie}");
    pair.strip_prefix("__Host-hythe=").unwrap().to_owned()
}

fn with_cookie(request: reqwest::RequestBuilder, token: &str) -> reqwest::RequestBuilder {
    request.header("cookie", format!("__Host-hythe={token}"))
}

#[tokio::test]
async fn r22_a_session_counts_only_where_the_page_itself_asks() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let token = session(&person, &world).await;
    let ask = |token: &str| with_cookie(world.client().get(world.url(routes::ACCOUNT)), token);
    let page = |token: &str| ask(token).header(headers::WEB, "1").send();
    let answer = page(&token).await.unwrap();
    assert_eq!(answer.status(), 200);
    // Sent along by a form, a link, or a foreign page.
    let told = problem(ask(&token).send().await.unwrap()).await;
    assert_eq!(told.code, Code::Forbidden);
    let own = ask(&token).header("sec-fetch-site", "same-origin");
    assert_eq!(
        problem(own.send().await.unwrap()).await.code,
        Code::Forbidden
    );
    // R21: neither token is taken for the other.
    let as_device = world.client().get(world.url(routes::ACCOUNT));
    let as_device = as_device.header("authorization", format!("Bearer {token}"));
    let told = problem(as_device.send().await.unwrap()).await;
    assert_eq!(told.code, Code::Unauthenticated);
    let told = problem(page(&person.token.to_hex()).await.unwrap()).await;
    assert_eq!(told.code, Code::Unauthenticated);
}

#[tokio::test]
async fn r22_logs_of_accounts_are_read_by_pages_that_ask_with_their_session() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let token = session(&person, &world).await;
    let own = routes::account_log(person.account.id());
    let servers = routes::account_log(world.server().files().account());
    let ask = |path: &str, token: &str| with_cookie(world.client().get(world.url(path)), token);
    let page = ask(&own, &token).header(headers::WEB, "1").send();
    assert_eq!(page.await.unwrap().status(), 200);
    let other = ask(&own, &token).send().await.unwrap();
    assert_eq!(problem(other).await.code, Code::Unauthenticated);
    // Everybody reads the server's: also who has a cookie from before, which ended.
    let before = ask(&servers, &"0".repeat(64)).send().await.unwrap();
    assert_eq!(before.status(), 200);
}

#[tokio::test]
async fn r21_a_session_ends_when_it_is_ended_and_with_the_next_one() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let page = |method: reqwest::Method, token: &str| {
        let request = world
            .client()
            .request(method, world.url(routes::WEB_SESSION));
        with_cookie(request, token).header(headers::WEB, "1").send()
    };
    let first = session(&person, &world).await;
    let who: Value = page(reqwest::Method::GET, &first)
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(who["loginName"], "person-1");
    assert_eq!(who["account"], person.account.id().to_string());
    assert_eq!(who["device"], person.key.device_id().to_string());
    // A page that comes back opens the next one with the cookie it has.
    let next = page(reqwest::Method::POST, &first).await.unwrap();
    let next = next.headers()["set-cookie"].to_str().unwrap().to_owned();
    let next = next.split(['=', ';']).nth(1).unwrap();
    assert_eq!(
        page(reqwest::Method::GET, next).await.unwrap().status(),
        200
    );
    assert_eq!(
        page(reqwest::Method::GET, &first).await.unwrap().status(),
        401
    );
    let ended = page(reqwest::Method::DELETE, next).await.unwrap();
    assert!(
        ended.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(
        page(reqwest::Method::GET, next).await.unwrap().status(),
        401
    );
}

/// A space through its page.
struct Page<'w> {
    world: &'w World,
    person: &'w Person,
    token: String,
}

impl<'w> Page<'w> {
    async fn of(world: &'w World, person: &'w Person) -> Self {
        let token = session(person, world).await;
        Self {
            world,
            person,
            token,
        }
    }

    fn ask(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let path = format!("/api/v1/web/spaces/{}/{path}", self.person.space);
        let request = self.world.client().request(method, self.world.url(&path));
        with_cookie(request, &self.token).header(headers::WEB, "1")
    }

    async fn edit(&self, edits: Value) -> reqwest::Response {
        let request = self.ask(reqwest::Method::POST, "edits");
        request
            .json(&json!({ "edits": edits }))
            .send()
            .await
            .unwrap()
    }

    /// Edits that must succeed; the ids and names they are about.
    async fn edited(&self, edits: Value) -> Vec<(String, String)> {
        let answer = self.edit(edits).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        let edited: Value = answer.json().await.unwrap();
        let text = |one: &Value| one.as_str().unwrap().to_owned();
        let results = edited["results"].as_array().unwrap().iter();
        results
            .map(|one| (text(&one["id"]), text(&one["name"])))
            .collect()
    }

    /// What a directory holds, by name.
    async fn children(&self, node: &str) -> Vec<Value> {
        let path = format!("nodes/{node}/children");
        let answer = self.ask(reqwest::Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], headers::NDJSON);
        let text = answer.text().await.unwrap();
        let mut lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let end = lines.pop().unwrap();
        assert_eq!(
            (&end["end"], &end["count"]),
            (&json!(true), &json!(lines.len()))
        );
        lines.sort_by_key(|one| one["name"].as_str().unwrap().to_owned());
        lines
    }

    async fn names(&self, node: &str) -> Vec<String> {
        let children = self.children(node).await;
        let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
        children.iter().map(name).collect()
    }
}

#[tokio::test]
async fn directories_are_made_moved_copied_deleted_and_brought_back_by_name() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let page = Page::of(&world, &person).await;
    let root = NodeId::ROOT.to_string();
    let make =
        |parent: &str, name: &str| json!({"do": "makeDirectory", "parent": parent, "name": name});
    let made = page
        .edited(json!([make(&root, "é"), make(&root, "b")]))
        .await;
    let [(e, _), (b, _)] = made.as_slice() else {
        panic!("two")
    };
    page.edited(json!([make(b, "inner")])).await;
    assert_eq!(page.names(&root).await, ["b", "é"]);
    // A name that is taken refuses the whole, or becomes another.
    let told = problem(page.edit(json!([make(&root, "c"), make(&root, "b")])).await).await;
    assert_eq!(told.code, Code::Conflict);
    assert_eq!(page.names(&root).await, ["b", "é"]);
    let second = json!({"do": "makeDirectory", "parent": root, "name": "b", "onTaken": "number"});
    assert_eq!(page.edited(json!([second])).await[0].1, "b (2)");
    // Two names change places in one step.
    let to =
        |node: &str, name: &str| json!({"do": "move", "node": node, "parent": root, "name": name});
    page.edited(json!([to(e, "x"),])).await;
    page.edited(json!([{"do": "move", "node": e, "parent": b, "name": "deep"}]))
        .await;
    assert_eq!(page.names(b).await, ["deep", "inner"]);
    let told = problem(
        page.edit(json!([{"do": "move", "node": b, "parent": e, "name": "b"}]))
            .await,
    );
    assert_eq!(
        told.await.code,
        Code::Conflict,
        "T1: no directory comes to lie below itself"
    );
    let copied = page
        .edited(json!([{"do": "copy", "node": b, "parent": root, "name": "copy"}]))
        .await;
    assert_eq!(page.names(&copied[0].0).await, ["deep", "inner"]);
    page.edited(json!([{"do": "delete", "node": b}])).await;
    assert_eq!(page.names(&root).await, ["b (2)", "copy"]);
    page.edited(json!([make(&root, "b")])).await;
    assert_eq!(
        page.edited(json!([{"do": "restore", "node": b}])).await[0].1,
        "b (3)"
    );
    assert_eq!(page.names(b).await, ["deep", "inner"]);
    let path = format!("nodes/{e}");
    let node = page.ask(reqwest::Method::GET, &path).send().await.unwrap();
    let node: Value = node.json().await.unwrap();
    assert_eq!(node["node"]["name"], "deep");
    assert_eq!(
        node["path"],
        json!([{"id": b, "name": "b (3)"}, {"id": e, "name": "deep"}])
    );
}

#[tokio::test]
async fn d2_what_the_server_signs_says_on_whose_behalf() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let page = Page::of(&world, &person).await;
    let root = NodeId::ROOT.to_string();
    let make = |name: &str| json!([{"do": "makeDirectory", "parent": root, "name": name}]);
    page.edited(make("one")).await;
    page.edited(make("two")).await;
    let from = routes::space_changes_from(person.space, Cursor(person.view.head().cursor.0), 10);
    let answer = person.get(&world, &from).send().await.unwrap();
    let frames: Vec<LogFrame> = Frames::of(answer, LogFrame::MAX_BYTES).all().await;
    let behalf: Vec<_> = frames
        .iter()
        .filter_map(|frame| match frame {
            LogFrame::Entry(entry) => {
                let change_set = ChangeSet::decode(&entry.change_set).unwrap();
                assert_ne!(change_set.header().author, person.key.device_id());
                Some(change_set.header().behalf.unwrap())
            }
            LogFrame::End { .. } => None,
        })
        .collect();
    assert_eq!(behalf.len(), 2);
    assert!(behalf.iter().all(|one| one.account == person.account.id()));
    assert_eq!(behalf[0].session, behalf[1].session);
    assert_ne!(behalf[0].session.0, [0; 16]);
}

/// Content with a hole: the bytes, how they are written down, and the pack of their chunks.
fn content(keys: &SpaceKeys) -> (Vec<u8>, StoredBody, Vec<u8>) {
    let mut pack = PackBuilder::new();
    let (mut entries, mut content) = (Vec::new(), Vec::new());
    let mut scratch = Scratch::default();
    for part in 0..5_u32 {
        let mut plain = vec![0; 300_000];
        blake3::Hasher::new()
            .update(&part.to_le_bytes())
            .finalize_xof()
            .fill(&mut plain);
        let chunk = seal_chunk(keys, &plain, &mut scratch).unwrap();
        pack.push(&chunk);
        entries.push(LayoutEntry::Chunk(chunk.chunk.clone()));
        content.extend_from_slice(&plain);
        if part == 2 {
            entries.push(LayoutEntry::Hole(100_000));
            content.resize(content.len() + 100_000, 0);
        }
    }
    let stored = store_body(
        keys,
        &Body::File(Layout {
            size: content.len() as u64,
            chunker: Chunker::Fixed,
            class: ChunkClass(0),
            hash: None,
            entries: entries.into(),
        }),
    )
    .unwrap();
    (content, stored, pack.finish())
}

/// A file of the person's, with a hole, as a client writes it. Returns its node and its bytes.
async fn file(person: &mut Person, world: &World, name: &str) -> (NodeId, Vec<u8>) {
    let secret = EpochSecret::new(person.secret.clone());
    let keys = SpaceKeys::derive(&person.space, KeyEpoch::FIRST, &secret);
    let tags = TagKey::derive(&person.space, &secret);
    let (content, stored, pack) = content(&keys);
    let post = world
        .http1()
        .post(world.url(&routes::space_packs(person.space)));
    let post = person.ask(post).header("content-type", headers::PACK);
    let _stored: PackReply = reply(post.body(pack).send().await.unwrap()).await;
    let node = NodeId(person.entropy.bytes());
    let version = VersionId(person.entropy.bytes());
    let name = EntryName::new(name).unwrap();
    let attributes = Attributes {
        executable: false,
        modified: Timestamp {
            seconds: 1_700_000_000,
            nanos: 123_000_000,
        },
    };
    let seal = |field, plain: &[u8]| seal_field(&keys, node, field, version, plain);
    let sealed = SealedNode {
        name: seal(Field::Name, name.as_bytes()),
        attributes: seal(Field::Attributes, &encode_attributes(attributes)),
        body: Some(seal(Field::Body, &stored.field)),
    };
    let refs: Vec<ChunkId> = stored.refs.clone();
    let create = Create {
        node,
        kind: NodeKind::File,
        place: Place {
            parent: NodeId::ROOT,
            tag: tags.tag(NodeId::ROOT, &name),
        },
        place_version: version,
        attributes_version: version,
        body: Some(BodyWrite {
            version,
            size: content.len() as u64,
            tree: stored.tree,
            refs,
        }),
    };
    let mut draft = Draft::new();
    draft.create(create, sealed);
    let change_set = person.sign(draft);
    assert_eq!(person.send(world, &change_set).await.status(), 200);
    person
        .view
        .append(&person.account, Moment::Replaying, &change_set)
        .unwrap();
    (node, content)
}

#[tokio::test]
async fn a_file_is_read_whole_and_in_ranges_and_never_runs() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let (node, content) = file(&mut person, &world, "a \"b\".html").await;
    let page = Page::of(&world, &person).await;
    let path = format!("nodes/{node}/content");
    let get = |range: Option<&str>| {
        let request = page.ask(reqwest::Method::GET, &path);
        match range {
            Some(range) => request.header("range", range),
            None => request,
        }
    };
    let whole = get(None).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    let said = whole.headers().clone();
    assert_eq!(said["content-length"], content.len().to_string());
    // R11.
    assert_eq!(said["content-type"], "application/octet-stream");
    assert!(
        said["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment; ")
    );
    assert!(
        said["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("sandbox; default-src 'none'")
    );
    assert_eq!(said["x-content-type-options"], "nosniff");
    assert!(whole.bytes().await.unwrap() == content);
    for (from, to) in [
        (0, 1),
        (299_990, 300_010),
        (850_000, 1_050_000),
        (1_599_999, 1_600_000),
    ] {
        let asked = format!("bytes={from}-{}", to - 1);
        let part = get(Some(&asked)).send().await.unwrap();
        assert_eq!(part.status(), 206, "{asked}");
        let is = format!("bytes {from}-{}/{}", to - 1, content.len());
        assert_eq!(part.headers()["content-range"], is.as_str());
        assert!(part.bytes().await.unwrap() == content[from..to], "{asked}");
    }
    assert_eq!(
        get(Some("bytes=1600000-")).send().await.unwrap().status(),
        416
    );
    let known = get(None).header("if-none-match", &said["etag"]);
    assert_eq!(known.send().await.unwrap().status(), 304);
    // By address, as an image or a player asks for it.
    let bare = |site: &str| {
        let url = format!("/api/v1/web/spaces/{}/{path}", person.space);
        let request = world.client().get(world.url(&url));
        with_cookie(request, &page.token)
            .header("sec-fetch-site", site)
            .send()
    };
    assert_eq!(bare("same-origin").await.unwrap().status(), 200);
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(bare(site).await.unwrap().status(), 403, "{site}");
    }
    let entries = page.children(&NodeId::ROOT.to_string()).await;
    assert_eq!(entries[0]["name"], "a \"b\".html");
    assert_eq!(entries[0]["size"], content.len());
    assert_eq!(entries[0]["modifiedMs"], 1_700_000_000_123_i64);
}

#[tokio::test]
async fn d6_nobody_else_reads_or_edits_by_page() {
    let world = World::start().await;
    let mut ann = join(&world, 1).await;
    let bob = join(&world, 2).await;
    let (node, _) = file(&mut ann, &world, "secret.txt").await;
    let root = NodeId::ROOT;
    let base = format!("/api/v1/web/spaces/{}", ann.space);
    for path in [
        format!("nodes/{node}"),
        format!("nodes/{root}/children"),
        format!("nodes/{node}/content"),
    ] {
        let answer = bob.get(&world, &format!("{base}/{path}")).send().await;
        assert_eq!(
            problem(answer.unwrap()).await.code,
            Code::NotFound,
            "{path}"
        );
    }
    let edits = json!({"edits": [{"do": "delete", "node": node.to_string()}]});
    let answer = bob
        .post(&world, &format!("{base}/edits"))
        .json(&edits)
        .send()
        .await;
    assert_eq!(problem(answer.unwrap()).await.code, Code::NotFound);
}

/// Bytes that no two places share.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

impl Page<'_> {
    async fn begin(&self, name: &str, size: usize, on_taken: &str) -> String {
        let file = json!({"parent": NodeId::ROOT.to_string(), "name": name, "size": size,
            "modifiedMs": 1_700_000_000_123_i64, "onTaken": on_taken});
        let begun = self.ask(reqwest::Method::POST, "uploads").json(&file);
        let begun = begun.send().await.unwrap();
        assert_eq!(begun.status(), 200, "{}", begun.text().await.unwrap());
        let begun: Value = begun.json().await.unwrap();
        begun["upload"].as_str().unwrap().to_owned()
    }

    async fn part(&self, upload: &str, offset: usize, bytes: &[u8]) -> reqwest::Response {
        let part = self.ask(reqwest::Method::PATCH, &format!("uploads/{upload}"));
        let part = part.header(headers::UPLOAD_OFFSET, offset);
        let part = part
            .header("content-type", headers::OCTETS)
            .body(bytes.to_vec());
        part.send().await.unwrap()
    }

    async fn finish(&self, upload: &str) -> reqwest::Response {
        let path = format!("uploads/{upload}/finish");
        self.ask(reqwest::Method::POST, &path).send().await.unwrap()
    }

    async fn content(&self, node: &str) -> Vec<u8> {
        let path = format!("nodes/{node}/content");
        let answer = self.ask(reqwest::Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap().to_vec()
    }
}

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_file_is_sent_in_parts_in_any_order_and_goes_on_where_it_was() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let page = Page::of(&world, &person).await;
    let content = noise(1, 5 * MIB + 77);
    let upload = page.begin("film.bin", content.len(), "number").await;
    let offset = async |answer: reqwest::Response| -> Value {
        assert_eq!(answer.status(), 200);
        let state: Value = answer.json().await.unwrap();
        state["offset"].clone()
    };
    let last = page.part(&upload, 4 * MIB, &content[4 * MIB..]).await;
    assert_eq!(offset(last).await, 0);
    let told = problem(page.finish(&upload).await).await;
    assert_eq!(told.code, Code::Invalid);
    let first = page.part(&upload, 0, &content[..2 * MIB]).await;
    assert_eq!(offset(first).await, 2 * MIB);
    // Sent again, as where the answer was lost.
    let again = page.part(&upload, 0, &content[..2 * MIB]).await;
    assert_eq!(offset(again).await, 2 * MIB);
    for (at, length) in [(1, MIB), (0, MIB + 1), (2 * MIB, 4 * MIB), (5 * MIB, 78)] {
        let told = problem(page.part(&upload, at, &vec![0; length]).await).await;
        assert_eq!(told.code, Code::Invalid, "{at} {length}");
    }
    let path = format!("uploads/{upload}");
    let state = page.ask(reqwest::Method::GET, &path).send().await.unwrap();
    assert_eq!(offset(state).await, 2 * MIB);
    let rest = page
        .part(&upload, 2 * MIB, &content[2 * MIB..4 * MIB])
        .await;
    assert_eq!(offset(rest).await, content.len());
    let made: Value = page.finish(&upload).await.json().await.unwrap();
    assert_eq!(made["name"], "film.bin");
    let node = made["id"].as_str().unwrap();
    assert!(page.content(node).await == content);
    let entries = page.children(&NodeId::ROOT.to_string()).await;
    assert_eq!(entries[0]["modifiedMs"], 1_700_000_000_123_i64);
    assert_eq!(page.finish(&upload).await.status(), 404, "it is over");
}

#[tokio::test]
async fn a_name_that_is_taken_gets_a_new_version_or_a_number() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let page = Page::of(&world, &person).await;
    let send = async |name: &str, bytes: &[u8], on_taken: &str| -> Value {
        let root = NodeId::ROOT;
        let path = format!("files?parent={root}&name={name}&modifiedMs=5&onTaken={on_taken}");
        let post = page.ask(reqwest::Method::POST, &path).body(bytes.to_vec());
        let answer = post
            .header("content-type", headers::OCTETS)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    };
    // On both sides of what goes along with a commit.
    for length in [512 << 10, (512 << 10) + 1, 8 << 20] {
        let long = send("long", &noise(7, length), "replace").await;
        let found = page.content(long["id"].as_str().unwrap()).await;
        assert!(found == noise(7, length), "{length}");
    }
    let gone = page.children(&NodeId::ROOT.to_string()).await[0]["id"].clone();
    page.edited(json!([{"do": "delete", "node": gone}])).await;
    let first = send("a.txt", b"one", "number").await;
    let second = send("a.txt", b"two", "number").await;
    assert_eq!(second["name"], "a (2).txt");
    let third = send("a.txt", b"", "replace").await;
    assert_eq!(
        (&third["id"], &third["name"]),
        (&first["id"], &first["name"])
    );
    assert_eq!(page.content(first["id"].as_str().unwrap()).await, b"");
    assert_eq!(page.content(second["id"].as_str().unwrap()).await, b"two");
    let big = noise(2, 3 * MIB);
    let upload = page.begin("a.txt", big.len(), "replace").await;
    assert_eq!(page.part(&upload, 0, &big).await.status(), 200);
    let fourth: Value = page.finish(&upload).await.json().await.unwrap();
    assert_eq!(fourth["id"], first["id"]);
    assert!(page.content(first["id"].as_str().unwrap()).await == big);
    assert_eq!(
        page.names(&NodeId::ROOT.to_string()).await,
        ["a (2).txt", "a.txt"]
    );
}

#[tokio::test]
async fn r26_an_upload_belongs_to_who_began_it_and_ends_when_it_is_given_up() {
    let world = World::start().await;
    let (ann, bob) = (join(&world, 1).await, join(&world, 2).await);
    let (page, other) = (Page::of(&world, &ann).await, Page::of(&world, &bob).await);
    let upload = page.begin("a", MIB, "number").await;
    assert_eq!(other.part(&upload, 0, &noise(1, MIB)).await.status(), 404);
    assert_eq!(other.finish(&upload).await.status(), 404);
    let path = format!("uploads/{upload}");
    let gone = page
        .ask(reqwest::Method::DELETE, &path)
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(page.part(&upload, 0, &noise(1, MIB)).await.status(), 404);
}

#[tokio::test]
async fn older_versions_are_listed_read_and_brought_back_and_so_is_the_trash() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let page = Page::of(&world, &person).await;
    let root = NodeId::ROOT.to_string();
    let send = async |bytes: &[u8]| -> String {
        let path = format!("files?parent={root}&name=a.txt&modifiedMs=5&onTaken=replace");
        let post = page.ask(reqwest::Method::POST, &path).body(bytes.to_vec());
        let answer = post
            .header("content-type", headers::OCTETS)
            .send()
            .await
            .unwrap();
        let made: Value = answer.json().await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    };
    let get = async |path: &str| -> Value {
        let answer = page.ask(reqwest::Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    };
    let node = send(b"one").await;
    send(b"two, and longer").await;
    let listed = get(&format!("nodes/{node}/versions")).await;
    let versions = listed["versions"].as_array().unwrap();
    assert_eq!((versions.len(), &versions[0]["size"]), (2, &json!(15)));
    assert_eq!(versions[1]["by"], json!({"name": "person-1", "you": true}));
    assert_eq!(versions[1]["through"], "server");
    let first = versions[1]["version"].as_str().unwrap();
    let path = format!("nodes/{node}/content?version={first}");
    let old = page.ask(reqwest::Method::GET, &path).send().await.unwrap();
    assert_eq!(old.bytes().await.unwrap(), "one");
    page.edited(json!([{"do": "restoreVersion", "node": node, "version": first}]))
        .await;
    assert_eq!(page.content(&node).await, b"one");

    let made = page
        .edited(json!([{"do": "makeDirectory", "parent": root, "name": "d"}]))
        .await;
    let dir = &made[0].0;
    page.edited(json!([{"do": "move", "node": node, "parent": dir, "name": "a.txt"}]))
        .await;
    page.edited(json!([{"do": "delete", "node": dir}])).await;
    let trash = get("trash").await;
    let items = trash["items"].as_array().unwrap();
    // The file comes back with its directory.
    assert_eq!((items.len(), &items[0]["entry"]["name"]), (1, &json!("d")));
    assert_eq!(
        (&items[0]["by"]["you"], &items[0]["path"]),
        (&json!(true), &json!([]))
    );
    assert!(trash.get("next").is_none());
    page.edited(json!([{"do": "restore", "node": dir}])).await;
    assert_eq!(page.content(&node).await, b"one");
    assert_eq!(get("trash").await["items"], json!([]));
}

#[tokio::test]
async fn names_are_found_wherever_they_are() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let page = Page::of(&world, &person).await;
    let root = NodeId::ROOT.to_string();
    let make =
        |parent: &str, name: &str| json!([{"do": "makeDirectory", "parent": parent, "name": name}]);
    let outer = page.edited(make(&root, "Holidays")).await[0].0.clone();
    let inner = page.edited(make(&outer, "Rom 2024")).await[0].0.clone();
    page.edited(make(&inner, "aroma")).await;
    let gone = page.edited(make(&inner, "from")).await[0].0.clone();
    page.edited(json!([{"do": "delete", "node": gone}])).await;
    let find = async |query: &str| -> Vec<String> {
        let path = format!("search?{query}");
        let answer = page.ask(reqwest::Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        let mut found: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let end = found.pop().unwrap();
        assert_eq!(
            (&end["end"], &end["count"]),
            (&json!(true), &json!(found.len()))
        );
        let path = |one: &Value| format!("{} in {}", one["entry"]["name"], one["path"]);
        let mut found: Vec<String> = found.iter().map(path).collect();
        found.sort();
        found
    };
    let rom = r#""Rom 2024" in ["Holidays"]"#;
    let aroma = r#""aroma" in ["Holidays","Rom 2024"]"#;
    assert_eq!(find("q=ROM").await, [rom, aroma]);
    assert_eq!(find("q=rom%2020").await, [rom]);
    assert_eq!(find("q=rom&kind=file").await, [""; 0]);
    assert_eq!(find("q=rom&minSize=0").await, [""; 0]);
}

#[tokio::test]
#[expect(deprecated, reason = "what comes in its place is not finished")]
async fn directories_are_saved_as_an_archive() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let page = Page::of(&world, &person).await;
    let root = NodeId::ROOT.to_string();
    let make = json!([{"do": "makeDirectory", "parent": root, "name": "é"}]);
    let dir = page.edited(make).await[0].0.clone();
    let large = noise(3, 3 * MIB + 5);
    for (name, bytes) in [("a.bin", large.as_slice()), ("empty", b"")] {
        let path = format!("files?parent={dir}&name={name}&modifiedMs=1700000000000");
        let post = page.ask(reqwest::Method::POST, &path).body(bytes.to_vec());
        let sent = post.header("content-type", headers::OCTETS).send().await;
        assert_eq!(sent.unwrap().status(), 200);
    }
    let zip = page.ask(reqwest::Method::GET, &format!("zip?node={dir}"));
    let answer = zip.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let said = answer.headers()["content-disposition"].to_str().unwrap();
    assert_eq!(said, "attachment; filename*=UTF-8''%C3%A9.zip");
    let bytes = answer.bytes().await.unwrap().to_vec();
    let read = async_zip::base::read::mem::ZipFileReader::new(bytes).await;
    let read = read.unwrap();
    let mut found = Vec::new();
    for index in 0..read.file().entries().len() {
        let mut entry = read.reader_with_entry(index).await.unwrap();
        let name = entry.entry().filename().as_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end_checked(&mut content).await.unwrap();
        found.push((name, content));
    }
    found.sort();
    let expected = [
        ("é/".to_owned(), vec![]),
        ("é/a.bin".to_owned(), large),
        ("é/empty".to_owned(), vec![]),
    ];
    assert!(found == expected);
}
