//! Lists of users, as other programs keep them in a `users.xml`, and as this one exports them.
//!
//! ```xml
//! <users><user><user_name/><password/><clients><client>
//!   <ip/><port/><path/><files><file/></files>
//! </client></clients></user></users>
//! ```

mod parse;
mod print;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use hythe_wire::opaque::Password;

pub use parse::{Fault, RosterError, parse};
pub use print::to_xml;

/// Longest file, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// Most users of one file.
pub const MAX_USERS: usize = 10_000;

/// Most clients of one user.
pub const MAX_CLIENTS: usize = 256;

/// Most files of one client.
pub const MAX_FILES: usize = 10_000;

/// Longest path or name of a file, in bytes: what Linux allows, escaped.
pub const MAX_PATH_BYTES: usize = 4 * 4096;

/// Most that the clients of one user say, in bytes: what one request of an administrator takes.
pub const MAX_CLIENTS_BYTES: usize = 256 << 10;

/// Longest password, in characters.
pub const MAX_PASSWORD_CHARS: usize = 256;

/// A user as a list names one. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedUser {
    /// The login name.
    pub user_name: String,
    /// Where the user has files.
    pub clients: Vec<ListedClient>,
}

/// A place where a user has files: a sync folder of a device, or one that is to become one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedClient {
    /// The address that the device was seen at.
    pub ip: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The local directory; empty where there is none.
    pub path: String,
    /// What is in it, where the list says so.
    pub files: Vec<String>,
}

impl ListedClient {
    /// How much it says, in bytes.
    fn bytes(&self) -> usize {
        // What stands around each text in a request.
        const AROUND: usize = 64;
        let files: usize = self.files.iter().map(|file| file.len() + AROUND).sum();
        self.path.len() + files + AROUND
    }
}

/// A user of a file that is read. Has no `Debug`: it may hold a password.
pub struct Entry {
    /// The user.
    pub user: ListedUser,
    /// The password, where there is one.
    pub password: Option<Password>,
}
