//! Small trees as text, so that a test shows its trees instead of building them.
//!
//! ```text
//! docs/#d
//!   a.txt#a =one +x
//!   link@#l =two
//! ```
//!
//! One node per line; two spaces of indent per level. A name ends with `/` for a directory and
//! with `@` for a symlink, neither being part of the name. After `#` stands a short token for the
//! node's id, then words: `=token` names the content, any other word is a flag whose meaning the
//! test gives.

use std::fmt::Write as _;

use hythe_model::{EntryName, NodeId, NodeKind};

/// One line of a text tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextNode {
    /// The node, see [`id_of`].
    pub id: NodeId,
    /// The directory it is in; the caller's root for lines without indent.
    pub parent: NodeId,
    /// Its name.
    pub name: EntryName,
    /// What it is.
    pub kind: NodeKind,
    /// Its content's token.
    pub content: Option<String>,
    /// All other words, in order.
    pub flags: Vec<String>,
}

impl TextNode {
    /// Whether the line has this flag.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|word| word == flag)
    }
}

/// Says which line is no node of a text tree, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

impl std::fmt::Display for TextError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for TextError {}

/// The id that a token of up to 16 ASCII bytes stands for: its bytes, then zeros.
pub fn id_of(token: &str) -> NodeId {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(token.bytes()) {
        *to = from;
    }
    NodeId(bytes)
}

/// The token of an id made by [`id_of`]; any other id in hexadecimal.
pub fn token_of(id: NodeId) -> String {
    let end =
        id.0.iter()
            .position(|byte| *byte == 0)
            .unwrap_or(id.0.len());
    let (token, zeros) = id.0.split_at(end);
    match std::str::from_utf8(token) {
        Ok(token) if is_token(token) && zeros.iter().all(|byte| *byte == 0) => token.to_owned(),
        _ => id.to_string(),
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Reads a text tree. Blank lines mean nothing; the least indented line sets the margin.
///
/// # Errors
/// At the first line that is no node, or whose indent fits no directory above it.
pub fn parse(text: &str, root: NodeId) -> Result<Vec<TextNode>, TextError> {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let margin = lines
        .clone()
        .map(|(_, line)| indent(line))
        .min()
        .unwrap_or(0);
    let mut nodes = Vec::new();
    // The directories that the next line may be in, outermost first.
    let mut open = vec![root];
    for (at, line) in lines {
        let fault = |why| TextError { line: at + 1, why };
        let depth = indent(line) - margin;
        if !depth.is_multiple_of(2) || depth / 2 >= open.len() {
            return Err(fault("the indent fits no directory above"));
        }
        open.truncate(depth / 2 + 1);
        let parent = open.last().copied().unwrap_or(root);
        let node = parse_line(line.trim(), parent).map_err(fault)?;
        if node.kind == NodeKind::Directory {
            open.push(node.id);
        }
        nodes.push(node);
    }
    Ok(nodes)
}

fn parse_line(line: &str, parent: NodeId) -> Result<TextNode, &'static str> {
    // Names may hold spaces and `#`, ids and words may not.
    let (name, rest) = line.rsplit_once('#').ok_or("there is no #id")?;
    let mut words = rest.split_whitespace();
    let token = words
        .next()
        .filter(|token| is_token(token))
        .ok_or("the id is no short token")?;
    let (name, kind) = match (name.strip_suffix('/'), name.strip_suffix('@')) {
        (Some(name), _) => (name, NodeKind::Directory),
        (_, Some(name)) => (name, NodeKind::Symlink),
        _ => (name, NodeKind::File),
    };
    let name = EntryName::new(name).map_err(|_| "this cannot be a name")?;
    let (mut content, mut flags) = (None, Vec::new());
    for word in words {
        match word.strip_prefix('=') {
            Some(token) => content = Some(token.to_owned()),
            None => flags.push(word.to_owned()),
        }
    }
    Ok(TextNode {
        id: id_of(token),
        parent,
        name,
        kind,
        content,
        flags,
    })
}

/// Writes the nodes below `root` as a text tree, names in order. What is not below `root` is not
/// written.
pub fn print(nodes: &[TextNode], root: NodeId) -> String {
    let mut text = String::new();
    print_below(nodes, root, 0, &mut text);
    text
}

fn print_below(nodes: &[TextNode], parent: NodeId, depth: usize, text: &mut String) {
    let mut children: Vec<&TextNode> = nodes.iter().filter(|node| node.parent == parent).collect();
    children.sort_by(|a, b| a.name.cmp(&b.name));
    for node in children {
        let mark = match node.kind {
            NodeKind::Directory => "/",
            NodeKind::Symlink => "@",
            NodeKind::File | NodeKind::Attachment => "",
        };
        let content = node.content.iter().map(|token| format!(" ={token}"));
        let words: String = content
            .chain(node.flags.iter().map(|flag| format!(" {flag}")))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:width$}{}{mark}#{}{words}",
            "",
            node.name,
            token_of(node.id),
            width = depth * 2
        );
        if node.kind == NodeKind::Directory {
            print_below(nodes, node.id, depth + 1, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: NodeId = NodeId::ROOT;

    #[test]
    fn what_is_printed_reads_the_same() {
        let text =
            "b (conflict x).txt#b =one unread\ndocs/#d\n  a#a =two +x\n  deep/#e\n    l@#l =t\n";
        let nodes = parse(text, ROOT).unwrap();
        assert_eq!(nodes.len(), 5);
        assert_eq!(
            (nodes[4].parent, nodes[4].kind),
            (id_of("e"), NodeKind::Symlink)
        );
        assert!(nodes[2].has("+x") && nodes[2].content.as_deref() == Some("two"));
        assert_eq!(print(&nodes, ROOT), text);
    }

    #[test]
    fn a_margin_and_blank_lines_mean_nothing() {
        let nodes = parse("\n    d/#d\n\n      f#f =1\n", ROOT).unwrap();
        assert_eq!(print(&nodes, ROOT), "d/#d\n  f#f =1\n");
    }

    #[test]
    fn a_faulty_line_is_named() {
        for (text, line) in [
            ("a", 1),
            ("a#a\n  b#b", 2),
            ("d/#d\n   b#b", 2),
            ("../#x", 1),
            ("a#", 1),
        ] {
            assert_eq!(
                parse(text, ROOT).map_err(|fault| fault.line),
                Err(line),
                "{text}"
            );
        }
    }

    #[test]
    fn other_ids_print_in_full() {
        assert_eq!(token_of(id_of("d")), "d");
        assert_eq!(token_of(NodeId([0xab; 16])).len(), 32);
    }
}
