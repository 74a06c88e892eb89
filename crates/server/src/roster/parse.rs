//! Reading a list of users: strictly, and bounded before anything is kept.

use std::collections::HashSet;
use std::net::IpAddr;

use hythe_wire::opaque::Password;
use roxmltree::{Document, Node, ParsingOptions};

use super::{
    Entry, ListedClient, ListedUser, MAX_BYTES, MAX_CLIENTS, MAX_CLIENTS_BYTES, MAX_FILES,
    MAX_PASSWORD_CHARS, MAX_PATH_BYTES, MAX_USERS,
};
use crate::files::is_login;

/// Most nodes of a document, texts and comments included.
const MAX_NODES: u32 = 2_000_000;

/// Why a file is no list of users.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// It is too long to be read.
    #[error("the file has more than 16 MiB")]
    TooLong,
    /// It is not UTF-8.
    #[error("line {line}: the file is not UTF-8")]
    NotText {
        /// The first such line.
        line: u32,
    },
    /// It is not well formed, has a DTD, or is too large.
    #[error("line {line}: {source}")]
    Xml {
        /// Where.
        line: u32,
        /// Why.
        #[source]
        source: roxmltree::Error,
    },
    /// It says something that has no place in a list of users.
    #[error("line {line}: {fault}")]
    At {
        /// Where.
        line: u32,
        /// What.
        fault: Fault,
    },
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An element that is not known here.
    #[error("<{found}> has no place here, but <{expected}>")]
    Element {
        /// What is there.
        found: String,
        /// What may be.
        expected: &'static str,
    },
    /// An attribute, a namespace, an instruction, or text between elements.
    #[error("only elements have a place here")]
    Other,
    /// An element that stands there once already.
    #[error("<{0}> stands there twice")]
    Twice(&'static str),
    /// A user without a name.
    #[error("the user has no <user_name>")]
    Nameless,
    /// A text that is not what its element takes.
    #[error("this is no {0}")]
    Value(&'static str),
    /// Too much of something.
    #[error("there are too many {0}")]
    Many(&'static str),
    /// A login name for the second time.
    #[error("there is a user {0} above already")]
    Again(String),
}

type Parsed<T> = Result<T, RosterError>;

/// Reads a list of users.
///
/// # Errors
/// See [`RosterError`]; whatever is wrong, nothing of the file is taken.
pub fn parse(bytes: &[u8]) -> Result<Vec<Entry>, RosterError> {
    if bytes.len() > MAX_BYTES {
        return Err(RosterError::TooLong);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let breaks = good.iter().filter(|byte| **byte == b'\n').count();
        let line = u32::try_from(breaks + 1).unwrap_or(u32::MAX);
        RosterError::NotText { line }
    })?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|source| {
        let line = source.pos().row;
        RosterError::Xml { line, source }
    })?;
    let root = document.root_element();
    if document.root().children().any(|node| node.is_pi()) {
        return Err(at(root, Fault::Other));
    }
    is_named(root, "users")?;
    users(root)
}

fn users(root: Node<'_, '_>) -> Parsed<Vec<Entry>> {
    let mut users = Vec::new();
    let mut names = HashSet::new();
    for node in elements(root)? {
        is_named(node, "user")?;
        if users.len() == MAX_USERS {
            return Err(at(node, Fault::Many("users")));
        }
        let entry = user(node)?;
        if !names.insert(entry.user.user_name.clone()) {
            return Err(at(node, Fault::Again(entry.user.user_name)));
        }
        users.push(entry);
    }
    Ok(users)
}

fn user(node: Node<'_, '_>) -> Parsed<Entry> {
    let (mut name, mut password, mut clients) = (None, None, None);
    for field in elements(node)? {
        match field.tag_name().name() {
            "user_name" => once(&mut name, field, "user_name", login)?,
            "password" => once(&mut password, field, "password", self::password)?,
            "clients" => once(&mut clients, field, "clients", self::clients)?,
            _ => return Err(unknown(field, "user_name>, <password> or <clients")),
        }
    }
    Ok(Entry {
        user: ListedUser {
            user_name: name.ok_or_else(|| at(node, Fault::Nameless))?,
            clients: clients.unwrap_or_default(),
        },
        password: password.flatten(),
    })
}

fn login(node: Node<'_, '_>) -> Parsed<String> {
    let name = text(node)?;
    match is_login(name) {
        true => Ok(name.to_owned()),
        false => Err(at(node, Fault::Value("login name"))),
    }
}

/// An empty one is none.
fn password(node: Node<'_, '_>) -> Parsed<Option<Password>> {
    let typed = text(node)?;
    if typed.chars().count() > MAX_PASSWORD_CHARS {
        return Err(at(node, Fault::Value("password of 256 characters at most")));
    }
    Ok((!typed.is_empty()).then(|| Password::new(typed)))
}

fn clients(node: Node<'_, '_>) -> Parsed<Vec<ListedClient>> {
    let mut clients = Vec::new();
    let mut bytes = 0;
    for node in elements(node)? {
        is_named(node, "client")?;
        let client = client(node)?;
        bytes += client.bytes();
        if clients.len() == MAX_CLIENTS || bytes > MAX_CLIENTS_BYTES {
            return Err(at(node, Fault::Many("clients or files of one user")));
        }
        clients.push(client);
    }
    Ok(clients)
}

fn client(node: Node<'_, '_>) -> Parsed<ListedClient> {
    let (mut ip, mut port, mut path, mut files) = (None, None, None, None);
    for field in elements(node)? {
        match field.tag_name().name() {
            "ip" => once(&mut ip, field, "ip", address)?,
            "port" => once(&mut port, field, "port", self::port)?,
            "path" => once(&mut path, field, "path", self::path)?,
            "files" => once(&mut files, field, "files", self::files)?,
            _ => return Err(unknown(field, "ip>, <port>, <path> or <files")),
        }
    }
    Ok(ListedClient {
        ip: ip.flatten(),
        port: port.flatten(),
        path: path.unwrap_or_default(),
        files: files.unwrap_or_default(),
    })
}

fn address(node: Node<'_, '_>) -> Parsed<Option<String>> {
    match text(node)? {
        "" => Ok(None),
        text => {
            let address: IpAddr = text
                .parse()
                .map_err(|_| at(node, Fault::Value("IP address")))?;
            Ok(Some(address.to_string()))
        }
    }
}

fn port(node: Node<'_, '_>) -> Parsed<Option<u16>> {
    match text(node)? {
        "" => Ok(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => match text.parse() {
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(at(node, Fault::Value("port"))),
        },
        _ => Err(at(node, Fault::Value("port"))),
    }
}

fn path(node: Node<'_, '_>) -> Parsed<String> {
    let path = text(node)?;
    match path.len() <= MAX_PATH_BYTES {
        true => Ok(path.to_owned()),
        false => Err(at(node, Fault::Value("path: it is too long"))),
    }
}

fn files(node: Node<'_, '_>) -> Parsed<Vec<String>> {
    let mut files = Vec::new();
    for node in elements(node)? {
        is_named(node, "file")?;
        if files.len() == MAX_FILES {
            return Err(at(node, Fault::Many("files")));
        }
        files.push(path(node)?);
    }
    Ok(files)
}

/// Reads a field that stands there at most once.
fn once<T>(
    slot: &mut Option<T>,
    node: Node<'_, '_>,
    name: &'static str,
    read: impl Fn(Node<'_, '_>) -> Parsed<T>,
) -> Parsed<()> {
    if slot.is_some() {
        return Err(at(node, Fault::Twice(name)));
    }
    *slot = Some(read(node)?);
    Ok(())
}

/// The elements in an element in which there is nothing else.
fn elements<'a, 'i>(node: Node<'a, 'i>) -> Parsed<Vec<Node<'a, 'i>>> {
    let mut elements = Vec::new();
    for child in node.children().filter(|child| !child.is_comment()) {
        let blank = child.is_text() && child.text().unwrap_or_default().trim().is_empty();
        if child.is_element() {
            is_plain(child)?;
            elements.push(child);
        } else if !blank {
            return Err(at(child, Fault::Other));
        }
    }
    Ok(elements)
}

/// The text of an element in which there is nothing else.
fn text<'a>(node: Node<'a, '_>) -> Parsed<&'a str> {
    let mut children = node.children();
    match (children.next(), children.next()) {
        (None, _) => Ok(""),
        (Some(child), None) if child.is_text() => Ok(child.text().unwrap_or_default()),
        (Some(child), _) => Err(at(child, Fault::Value("plain text"))),
    }
}

fn is_named(node: Node<'_, '_>, name: &'static str) -> Parsed<()> {
    is_plain(node)?;
    match node.tag_name().name() == name {
        true => Ok(()),
        false => Err(unknown(node, name)),
    }
}

fn is_plain(node: Node<'_, '_>) -> Parsed<()> {
    let plain = node.tag_name().namespace().is_none()
        && node.attributes().len() == 0
        && node.namespaces().len() == 0;
    match plain {
        true => Ok(()),
        false => Err(at(node, Fault::Other)),
    }
}

fn unknown(node: Node<'_, '_>, expected: &'static str) -> RosterError {
    // As much as fits on a line.
    let found = node.tag_name().name().chars().take(40).collect();
    at(node, Fault::Element { found, expected })
}

fn at(node: Node<'_, '_>, fault: Fault) -> RosterError {
    let line = node.document().text_pos_at(node.range().start).row;
    RosterError::At { line, fault }
}
