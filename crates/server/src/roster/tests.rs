use proptest::prelude::*;

use super::*;

fn fault(text: &str) -> String {
    match parse(text.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{text} was taken"),
    }
}

#[test]
fn a_list_is_read_in_any_order_with_blanks_and_comments() {
    let text = "<users>\n<!-- two -->\n<user><password>p&amp;w <x/></password></user></users>";
    assert!(fault(text).starts_with("line 3: this is no plain text"));
    let text = "<users>\n <user>\n  <clients><client><path> /a b </path><port>7</port>\
        <files><file>x</file><file/></files></client><client/></clients>\n\
        <password>s&#233;cret</password><user_name>ada</user_name></user><!-- end -->\
        <user><user_name>bob</user_name><password/></user></users>";
    let users = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let [ada, bob] = &users[..] else { panic!() };
    assert_eq!(ada.user.user_name, "ada");
    assert!(ada.password == Some(Password::new("sécret")));
    let client = ListedClient {
        ip: None,
        port: Some(7),
        path: " /a b ".into(),
        files: vec!["x".into(), String::new()],
    };
    assert_eq!(ada.user.clients, [client, ListedClient::default()]);
    assert!(bob.password.is_none() && bob.user.clients.is_empty());
}

#[test]
fn what_is_no_list_is_refused_with_its_line() {
    let user = |inside: &str| format!("<users>\n<user>\n{inside}</user>\n</users>");
    for (text, said) in [
        ("", "line 1: "),
        ("<users>\n<user></users>", "line 2: "),
        (
            "<?xml version='1.0'?>\n<people/>",
            "line 2: <people> has no place here, but <users>",
        ),
        ("<users>\n<group/></users>", "line 2: <group> has no place"),
        ("<users>\nada</users>", "line 1: only elements"),
        ("<users xmlns='x'/>", "line 1: only elements"),
        ("<users>\n<user id='1'/></users>", "line 2: only elements"),
        ("<users>\n<?x y?></users>", "line 2: only elements"),
        (&user(""), "line 2: the user has no <user_name>"),
        (&user("<user_name/>"), "line 3: this is no login name"),
        (
            &user("<user_name> ada</user_name>"),
            "line 3: this is no login name",
        ),
        (
            &user("<user_name>a</user_name>\n<user_name>b</user_name>"),
            "line 4: <user_name> stands",
        ),
        (
            &user("<user_name>a</user_name>\n<clients><client>\n<ip>a.b</ip></client></clients>"),
            "line 5: this is no IP",
        ),
        (
            &user("<user_name>a</user_name>\n<clients><client><port>+1</port></client></clients>"),
            "line 4: this is no port",
        ),
        (
            &user(
                "<user_name>a</user_name>\n<clients><client><port>65536</port></client></clients>",
            ),
            "line 4: this is no port",
        ),
        (
            "<users><user><user_name>a</user_name></user>\n<user><user_name>a</user_name></user></users>",
            "line 2: there is a user a above",
        ),
        ("<!DOCTYPE users [<!ENTITY a 'b'>]>\n<users/>", "line 1: "),
        (
            "<users><user><user_name>&a;</user_name></user></users>",
            "line 1: ",
        ),
    ] {
        let found = fault(text);
        assert!(found.starts_with(said), "{text}: {found}");
    }
    let bad = parse(b"<users>\n\xff</users>")
        .err()
        .map(|error| error.to_string());
    assert_eq!(bad.as_deref(), Some("line 2: the file is not UTF-8"));
}

#[test]
fn what_is_too_much_is_refused_before_it_is_kept() {
    let long = vec![b' '; MAX_BYTES + 1];
    assert!(matches!(parse(&long), Err(RosterError::TooLong)));
    // Deep nesting costs no stack.
    let deep = "<users>".to_owned() + &"<a>".repeat(500_000);
    assert!(fault(&deep).starts_with("line 1: "));
    let nested = format!(
        "<users>{}{}</users>",
        "<a>".repeat(100_000),
        "</a>".repeat(100_000)
    );
    assert!(fault(&nested).contains("<a> has no place"));
    let clients = |inside: &str| {
        format!("<users><user><user_name>a</user_name><clients>{inside}</clients></user></users>")
    };
    assert!(fault(&clients(&"<client/>".repeat(MAX_CLIENTS + 1))).contains("too many clients"));
    let path = format!(
        "<client><path>{}</path></client>",
        "x".repeat(MAX_PATH_BYTES)
    );
    assert!(fault(&clients(&path.repeat(17))).contains("too many clients"));
    let path = format!(
        "<client><path>{}</path></client>",
        "x".repeat(MAX_PATH_BYTES + 1)
    );
    assert!(fault(&clients(&path)).contains("too long"));
    let name = "<user><user_name>".to_owned() + &"n".repeat(257) + "</user_name></user>";
    assert!(fault(&format!("<users>{name}</users>")).contains("no login name"));
}

fn a_text() -> impl Strategy<Value = String> {
    let sign = prop_oneof![
        any::<char>(),
        prop::sample::select(vec![
            '<', '&', '>', ' ', '\r', '\n', '\t', '"', '\'', ']', '\\'
        ])
    ];
    let signs = prop::collection::vec(sign, 0..12);
    signs.prop_map(|signs| {
        let sayable = |c: &char| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
        signs.into_iter().filter(sayable).collect()
    })
}

fn a_client() -> impl Strategy<Value = ListedClient> {
    let ip = prop::option::of(any::<std::net::IpAddr>().prop_map(|ip| ip.to_string()));
    let files = prop::collection::vec(a_text(), 0..4);
    (ip, any::<Option<u16>>(), a_text(), files).prop_map(|(ip, port, path, files)| ListedClient {
        ip,
        port,
        path,
        files,
    })
}

fn some_users() -> impl Strategy<Value = Vec<ListedUser>> {
    let clients = prop::collection::vec(a_client(), 0..4);
    prop::collection::btree_map("[a-z<&é]{1,8}", clients, 0..6).prop_map(|users| {
        let user = |(user_name, clients)| ListedUser { user_name, clients };
        users.into_iter().map(user).collect()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(users in some_users()) {
        let read = parse(to_xml(&users).as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        prop_assert!(read.iter().all(|entry| entry.password.is_none()));
        let read: Vec<ListedUser> = read.into_iter().map(|entry| entry.user).collect();
        prop_assert_eq!(read, users);
    }

    #[test]
    fn no_bytes_harm_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }
}
