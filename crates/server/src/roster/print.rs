//! Writing a list of users, in the elements in which it is read.

use super::{ListedClient, ListedUser};

/// A list of users. What comes out is read as what went in.
pub fn to_xml(users: &[ListedUser]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<users>\n");
    for user in users {
        out.push_str("  <user>\n");
        element(&mut out, 4, "user_name", &user.user_name);
        out.push_str("    <password/>\n    <clients>\n");
        for one in &user.clients {
            client(&mut out, one);
        }
        out.push_str("    </clients>\n  </user>\n");
    }
    out.push_str("</users>\n");
    out
}

fn client(out: &mut String, client: &ListedClient) {
    out.push_str("      <client>\n");
    element(out, 8, "ip", client.ip.as_deref().unwrap_or_default());
    let port = client.port.map(|port| port.to_string());
    element(out, 8, "port", &port.unwrap_or_default());
    element(out, 8, "path", &client.path);
    out.push_str("        <files>\n");
    for file in &client.files {
        element(out, 10, "file", file);
    }
    out.push_str("        </files>\n      </client>\n");
}

fn element(out: &mut String, indent: usize, name: &str, text: &str) {
    out.extend(std::iter::repeat_n(' ', indent));
    match text {
        "" => out.push_str(&format!("<{name}/>\n")),
        text => {
            out.push_str(&format!("<{name}>"));
            text.chars().for_each(|sign| escape(out, sign));
            out.push_str(&format!("</{name}>\n"));
        }
    }
}

/// One character. XML has no way to say some of them; they are shown as everywhere else.
fn escape(out: &mut String, sign: char) {
    match sign {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        // Else a reader makes a line's end of it.
        '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(sign))),
        '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.extend(sign.escape_unicode()),
        sign => out.push(sign),
    }
}
