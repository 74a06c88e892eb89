//! That nothing of a space is read but by way of the one accessor that decides (R3).

use std::collections::BTreeMap;
use std::path::Path;

/// Ways to the row of a log, which leads to everything else that is stored of it.
const LOOK_UPS: [&str; 4] = ["logs::get(", "logs::by_no(", "logs::lock(", "logs::head("];

/// The files below `src/files` that may take them, and why no decision is missing there.
const ALLOWED: [(&str, &str); 12] = [
    ("access.rs", "decides"),
    (
        "accounts.rs",
        "accounts, by their own device, an invite or a one-time token",
    ),
    ("check.rs", "the operator's look at everything"),
    (
        "endings.rs",
        "spaces and links that end now, by their owners' word",
    ),
    ("found.rs", "a log that was made in this transaction"),
    ("identity.rs", "the server's own account"),
    (
        "log.rs",
        "accounts' logs whose reader was told by a token, or is the account",
    ),
    ("quota_settings.rs", "the operator's sums"),
    ("restored.rs", "the server's own word in open spaces"),
    ("roster.rs", "an account that was made in this transaction"),
    (
        "spaces.rs",
        "the spaces and fellows that the member table names for the caller",
    ),
    ("stats.rs", "the operator's numbers"),
];

fn sources(folder: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "rs"));
    let read = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        // What tests do is their own affair.
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        let name = entry.file_name().into_string().unwrap();
        (name, product.to_owned())
    };
    files.map(read).collect()
}

#[test]
fn r3_only_the_accessor_and_what_has_a_reason_look_up_a_log() {
    let sources = sources("files");
    let uses = |text: &str| LOOK_UPS.iter().any(|way| text.contains(way));
    let found: Vec<&str> = sources
        .iter()
        .filter(|(_, text)| uses(text))
        .map(|(name, _)| name.as_str())
        .collect();
    let allowed: Vec<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        found, allowed,
        "take `access::space` or `access::locked`, or say in sources.rs why not"
    );
}

#[test]
fn r3_doors_have_no_way_to_the_database_or_the_blobs() {
    for folder in ["http", "auth", "admin"] {
        for (name, text) in sources(folder) {
            for way in ["crate::metadata", "crate::blobs"] {
                assert!(!text.contains(way), "{folder}/{name} uses {way}");
            }
        }
    }
}
