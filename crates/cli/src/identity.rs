//! Who asks, as far as the system knows: names that arguments default to.

/// Name of this device: that of the machine.
pub fn device_name() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    if name.is_empty() {
        "device".to_owned()
    } else {
        name
    }
}

/// Login name: that of the user.
pub fn login() -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("USER")
        .or_else(|| set("LOGNAME"))
        .or_else(from_passwd)
        .unwrap_or_else(|| "me".to_owned())
}

/// The user's line of `/etc/passwd`, for services that run without an environment.
fn from_passwd() -> Option<String> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    name_of(&text, rustix::process::geteuid().as_raw())
}

fn name_of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_found_by_number() {
        let passwd = "root:x:0:0:root:/:/bin/sh\nbroken\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!(name_of(passwd, 1000).as_deref(), Some("ada"));
        assert_eq!(name_of(passwd, 100), None);
    }
}
