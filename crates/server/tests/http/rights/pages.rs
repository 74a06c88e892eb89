//! What pages of the web app ask.

use hythe_model::NodeId;
use hythe_wire::web::WebEdits;
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
            ("POST", routes::WEB_EDITS, "that change nothing") => {
                let edits = WebEdits { edits: Vec::new() };
                let body = serde_json::to_vec(&edits).unwrap();
                Ask::post(path("edits".to_owned()), Body::Plain(headers::JSON, body))
            }
            _ => return None,
        })
    }
}
