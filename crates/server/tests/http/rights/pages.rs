//! What pages of the web app ask.

use hythe_model::NodeId;
use hythe_wire::web::{WebEdits, WebNewFile, WebOnTakenFile};
use hythe_wire::{headers, routes};

use super::asks::{Ask, Body, Look};
use super::cast::Cast;
use super::table::Row;

impl Cast {
    /// The door for pages.
    pub fn of_page(&self, row: &Row) -> Option<Ask> {
        let id = |bytes: &[u8]| Look::Holds(data_encoding::HEXLOWER.encode(bytes).into_bytes());
        let own = id(self.owner.account.id().as_bytes());
        let (root, nobody) = (NodeId::ROOT, NodeId([0xee; 16]));
        let path = |end: String| format!("/api/v1/web/spaces/{}/{end}", self.space);
        let get = |end: String| Ask::get(path(end), Look::Done);
        Some(match row.key() {
            ("GET", routes::WEB_SESSION, "") => Ask::get(routes::WEB_SESSION, own),
            ("POST", routes::WEB_SESSION, "") => Ask::post(routes::WEB_SESSION, Body::Nothing),
            ("DELETE", routes::WEB_SESSION, "") => Ask {
                method: reqwest::Method::DELETE,
                ..Ask::post(routes::WEB_SESSION, Body::Nothing)
            },
            ("GET", routes::WEB_SPACES, "") => {
                Ask::get(routes::WEB_SPACES, id(self.space.as_bytes()))
            }
            ("GET", routes::WEB_NODE, "of the root") => get(format!("nodes/{root}")),
            ("GET", routes::WEB_CHILDREN, "of the root") => get(format!("nodes/{root}/children")),
            ("GET", routes::WEB_CONTENT, "of nobody's") => get(format!("nodes/{nobody}/content")),
            ("GET", routes::WEB_VERSIONS, "of nobody's") => get(format!("nodes/{nobody}/versions")),
            ("GET", routes::WEB_ZIP, "of nobody's") => get(format!("zip?node={nobody}")),
            ("GET", routes::WEB_TRASH, "") => get("trash".to_owned()),
            ("GET", routes::WEB_SEARCH, "") => get("search?q=a".to_owned()),
            ("POST", routes::WEB_FILES, "into nobody's directory") => {
                let end = format!("files?parent={nobody}&name=a&modifiedMs=1");
                Ask::post(path(end), Body::Plain(headers::OCTETS, b"a".to_vec()))
            }
            ("POST", routes::WEB_UPLOADS, "into nobody's directory") => {
                let file = WebNewFile {
                    parent: nobody,
                    name: "a".into(),
                    size: 1,
                    modified_ms: 1,
                    on_taken: WebOnTakenFile::Number,
                };
                let body = serde_json::to_vec(&file).unwrap();
                Ask::post(path("uploads".to_owned()), Body::Plain(headers::JSON, body))
            }
            ("GET", routes::WEB_UPLOAD, "of nobody's") => get(format!("uploads/{nobody}")),
            ("PATCH" | "DELETE", routes::WEB_UPLOAD, "of nobody's") => Ask {
                method: row.key().0.parse().unwrap(),
                ..Ask::post(
                    path(format!("uploads/{nobody}")),
                    Body::Plain(headers::OCTETS, b"a".to_vec()),
                )
            },
            ("POST", routes::WEB_UPLOAD_FINISH, "of nobody's") => {
                Ask::post(path(format!("uploads/{nobody}/finish")), Body::Nothing)
            }
            ("POST", routes::WEB_EDITS, "that change nothing") => {
                let edits = WebEdits { edits: Vec::new() };
                let body = serde_json::to_vec(&edits).unwrap();
                Ask::post(path("edits".to_owned()), Body::Plain(headers::JSON, body))
            }
            _ => return None,
        })
    }
}
