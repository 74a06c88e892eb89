//! Finding a folder that is not at its place.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use hythe_client::disk::{Generation, Moved, Owner, Places, Root};

use crate::ground::{marker, owner};

/// A home with a sync folder in it, open nowhere.
struct Home {
    directory: tempfile::TempDir,
    owner: Owner,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("folder")).unwrap();
        drop(Root::create(&directory.path().join("folder"), marker()).unwrap());
        let owner = owner(&[marker().generation]);
        Self { directory, owner }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn rename(&self, to: &str) -> PathBuf {
        let to = self.at(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.at("folder"), &to).unwrap();
        to
    }

    fn copy(&self, to: &str) -> PathBuf {
        let own = self.at(to).join(".hythe");
        fs::create_dir_all(&own).unwrap();
        fs::copy(self.at("folder/.hythe/marker"), own.join("marker")).unwrap();
        self.at(to)
    }

    fn places(&self) -> Places {
        Places::around(&self.at("folder"), None)
    }

    fn search(&self) -> Option<Moved> {
        self.places().search(&self.owner)
    }
}

fn same(path: PathBuf) -> Option<Moved> {
    Some(Moved { path, same: true })
}

fn copied(path: PathBuf) -> Option<Moved> {
    Some(Moved { path, same: false })
}

#[test]
fn a_folder_is_found_beside_its_place_and_below_it() {
    for place in ["elsewhere", "a/b/elsewhere"] {
        let home = Home::new();
        fs::create_dir_all(home.at("b/other/.hythe")).unwrap();
        let new = home.rename(place);
        assert_eq!(home.search(), same(new));
    }
}

#[test]
fn a_folder_is_found_when_what_held_it_is_gone_and_where_the_users_home_is() {
    let home = Home::new();
    let new = home.rename("x/folder");
    let gone = Places::around(&home.at("was/here/folder"), None);
    assert_eq!(gone.search(&home.owner), same(new.clone()));
    let far = tempfile::tempdir().unwrap();
    let far = Places::around(&far.path().join("a/folder"), Some(home.directory.path()));
    assert_eq!(far.search(&home.owner), same(new));
}

#[test]
fn what_is_too_deep_hidden_or_behind_a_symlink_is_not_searched_but_a_hint_leads_there() {
    for place in ["1/2/3/4/5/6/deep", ".hidden/folder"] {
        let home = Home::new();
        let new = home.rename(place);
        symlink(&new, home.at("link")).unwrap();
        assert_eq!(home.search(), None, "{place}");
        let hinted = home.places().first(Some(new.clone()));
        assert_eq!(hinted.search(&home.owner), same(new));
    }
}

#[test]
fn sc138_the_very_directory_is_taken_before_a_copy_and_a_copy_is_called_one() {
    let home = Home::new();
    let copy = home.copy("a-copy");
    let new = home.rename("z/elsewhere");
    assert_eq!(home.search(), same(new.clone()));
    fs::remove_dir_all(new).unwrap();
    assert_eq!(home.search(), copied(copy));
}

#[test]
fn sc138_a_backup_or_another_folder_is_nothing_that_was_moved() {
    let home = Home::new();
    let new = home.rename("elsewhere");
    let newest = Generation {
        number: 2,
        token: [9; 16],
    };
    assert_eq!(home.places().search(&owner(&[newest])), None, "a backup");
    let mut other = home.owner.clone();
    other.folder.0[0] ^= 1;
    assert_eq!(Moved::at(&new, &other), None);
    let mut other = home.owner.clone();
    other.device.0[0] ^= 1;
    assert_eq!(Moved::at(&new, &other), None);
    assert_eq!(Moved::at(Path::new("/nowhere"), &home.owner), None);
}

#[test]
fn what_the_place_itself_holds_was_not_moved() {
    let home = Home::new();
    assert_eq!(home.search(), None);
    let hinted = home.places().first(Some(home.at("folder")));
    assert_eq!(hinted.search(&home.owner), None);
}
