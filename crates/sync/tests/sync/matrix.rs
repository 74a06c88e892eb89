//! The merge matrix, row by row: what is planned for small trees. `docs/semantics.md` points here.

use hythe_testkit::tree_text::id_of;

use crate::table::{Case, assert_plan};

/// One row: the three trees, and the steps in order.
fn row(synced: &str, local: &str, remote: &str, expected: &[&str]) {
    assert_plan(
        &Case {
            synced,
            local,
            remote,
        },
        expected,
    );
}

#[test]
fn agreement_needs_nothing() {
    let tree = "d/#d\n  f#f =one +x\n  l@#l =two\n";
    row(tree, tree, tree, &[]);
    // What happens inside a directory changes its times; that is not even worth a record.
    let case = Case {
        synced: "d/#d",
        local: "d/#d touched",
        remote: "d/#d",
    };
    assert_eq!(case.plan().steps, []);
}

#[test]
fn edit_is_sent() {
    row(
        "f#f =one",
        "f#f =two",
        "f#f =one",
        &["remote update f (content, attributes)"],
    );
}

#[test]
fn edit_of_equal_length_is_read_while_it_is_sent() {
    let case = Case {
        synced: "f#f =one",
        local: "f#f =other unread",
        remote: "f#f =one",
    };
    assert_plan(&case, &["remote update f (content, attributes)"]);
    let plan = case.plan();
    let hythe_sync::Step::RemoteUpdate {
        body: Some(body), ..
    } = &plan.steps[0]
    else {
        panic!("{plan:?}");
    };
    assert!(body.unless.is_some(), "it may only have been touched");
}

#[test]
fn remote_edit_is_fetched() {
    row("f#f =one", "f#f =one", "f#f =two", &["download f over /f"]);
}

#[test]
fn sc001_edits_on_both_sides_keep_both() {
    row(
        "f.txt#f =one",
        "f.txt#f =two",
        "f.txt#f =three",
        &["download f over /f.txt, keep new as f (conflict pc 2026-01-01 62abcd).txt"],
    );
}

#[test]
fn sc002_equal_edits_are_one() {
    row("f#f =one", "f#f =two", "f#f =two", &[]);
}

#[test]
fn sc002_equal_length_is_read_before_it_is_judged() {
    row("f#f =one", "f#f =two unread", "f#f =twin", &["read f"]);
}

#[test]
fn another_length_is_another_content_unread() {
    row(
        "f#f =one",
        "f#f =two unread",
        "f#f =nine",
        &["download f over /f, keep new as f (conflict pc 2026-01-01 62abcd)"],
    );
    row(
        "f#f =one",
        "f#f =two unread",
        "f#f =one deleted",
        &[
            "remote restore f at /f",
            "remote update f (content, attributes)",
        ],
    );
}

#[test]
fn sc008_touched_is_not_edited() {
    // Old content, new time: no content goes up, and a newer content from elsewhere wins.
    row(
        "f#f =one",
        "f#f =one touched @5",
        "f#f =one",
        &["remote update f (attributes)"],
    );
    row(
        "f#f =one",
        "f#f =one touched @5",
        "f#f =two",
        &["download f over /f"],
    );
    row("f#f =one", "f#f =one unread @5", "f#f =two", &["read f"]);
}

#[test]
fn attributes_merge_one_by_one() {
    row(
        "f#f =one",
        "f#f =one +x",
        "f#f =one",
        &["remote update f (attributes)"],
    );
    row(
        "f#f =one",
        "f#f =one",
        "f#f =one +x",
        &["local attributes f"],
    );
    // The time here, the bit there: first the one, then the other.
    row(
        "f#f =one",
        "f#f =one touched @5",
        "f#f =one +x",
        &["remote update f (attributes)"],
    );
    row("f#f =one", "f#f =one touched @5 +x", "f#f =one @5 +x", &[]);
}

#[test]
fn new_is_created() {
    row(
        "",
        "d/#d\n  f#f =one",
        "",
        &["remote create d at /d", "remote create f at d/f"],
    );
    row(
        "",
        "",
        "d/#d\n  f#f =one",
        &["local directory d at /d", "download f to d/f"],
    );
}

#[test]
fn sc003_new_on_both_sides_keeps_both() {
    row(
        "",
        "f#a =one",
        "f#b =two",
        &["download b over /f, keep a as f (conflict pc 2026-01-01 62abcd)"],
    );
}

#[test]
fn new_and_equal_on_both_sides_is_adopted() {
    row("", "f#a =one", "f#b =one", &["adopt a as b"]);
    row("", "f#a =one unread", "f#b =one", &["read a"]);
}

#[test]
fn s12_without_a_hash_nothing_is_equal() {
    row(
        "",
        "f#a =one",
        "f#b =one hashless",
        &["download b over /f, keep a as f (conflict pc 2026-01-01 62abcd)"],
    );
}

#[test]
fn sc139_new_directories_of_one_name_are_merged() {
    row(
        "",
        "d/#d\n  e/#e\n    f#f =one\n    g#g =two",
        "d/#D\n  e/#E\n    f#F =one\n    h#h =x",
        &[
            "adopt d as D",
            "adopt e as E",
            "adopt f as F",
            "remote create g at E/g",
            "download h to E/h",
        ],
    );
}

#[test]
fn delete_is_sent() {
    row(
        "d/#d\n  f#f =one",
        "",
        "d/#d\n  f#f =one",
        &["remote delete f", "remote delete d"],
    );
}

#[test]
fn remote_delete_is_followed() {
    let tree = "d/#d\n  f#f =one";
    row(
        tree,
        tree,
        "d/#d deleted\n  f#f =one deleted",
        &["local delete f", "local delete d"],
    );
}

#[test]
fn delete_on_both_sides_is_forgotten() {
    row("f#f =one", "", "f#f =one deleted", &["forget f"]);
}

#[test]
fn sc029_edit_beats_delete() {
    row(
        "f#f =one",
        "f#f =two",
        "f#f =one deleted",
        &[
            "remote restore f at /f",
            "remote update f (content, attributes)",
        ],
    );
    row("f#f =one", "", "f#f =two", &["download f to /f"]);
}

#[test]
fn sc030_one_edited_file_keeps_its_folder() {
    let tree = "d/#d\n  f#f =one\n  g#g =one";
    row(
        tree,
        "d/#d\n  f#f =one\n  g#g =two",
        "d/#d deleted\n  f#f =one deleted\n  g#g =one deleted",
        &[
            "remote restore d at /d",
            "remote restore g at d/g",
            "remote update g (content, attributes)",
            "local delete f",
        ],
    );
}

#[test]
fn sc033_rename_beats_delete() {
    row(
        "f#f =one",
        "g#f =one",
        "f#f =one deleted",
        &["remote restore f at /g"],
    );
    row("f#f =one", "", "g#f =one", &["download f to /g"]);
}

#[test]
fn sc033_a_renamed_folder_keeps_what_it_holds() {
    row(
        "d/#d\n  f#f =one",
        "e/#d\n  f#f =one",
        "d/#d deleted\n  f#f =one deleted",
        &["remote restore d at /e", "remote restore f at d/f"],
    );
    row(
        "d/#d\n  f#f =one",
        "",
        "e/#d\n  f#f =one",
        &["local directory d at /e", "download f to d/f"],
    );
}

#[test]
fn sc037_delete_of_what_was_edited_elsewhere_fetches_it() {
    row("f#f =one", "", "f#f =two", &["download f to /f"]);
}

#[test]
fn sc038_content_is_read_before_it_is_removed() {
    row(
        "f#f =one",
        "f#f =other unread",
        "f#f =one deleted",
        &["read f"],
    );
    row(
        "f#f =one",
        "f#f =one touched",
        "f#f =one deleted",
        &["local delete f"],
    );
}

#[test]
fn move_is_one_step_whatever_it_holds() {
    let from = "d/#d\n  f#f =one\ne/#e";
    let to = "e/#e\n  d/#d\n    f#f =one";
    row(from, to, from, &["remote move d to e/d"]);
    row(from, from, to, &["local move d to e/d (follow)"]);
}

#[test]
fn move_here_and_edit_there_do_both() {
    row(
        "f#f =one",
        "g#f =one",
        "f#f =two",
        &["remote move f to /g", "download f over /g"],
    );
    row(
        "f#f =one",
        "f#f =two",
        "g#f =one",
        &[
            "remote update f (content, attributes)",
            "local move f to /g (follow)",
        ],
    );
}

#[test]
fn moved_and_edited_there_is_followed_step_by_step() {
    // The move changes the stamp that the download would expect.
    row(
        "f#f =one",
        "f#f =one",
        "g#f =two",
        &["local move f to /g (follow)"],
    );
    row(
        "f#f =one",
        "f#f =one",
        "g#f =one +x",
        &["local move f to /g (follow)"],
    );
}

#[test]
fn sc013_of_two_renames_the_log_wins() {
    row(
        "f#f =one",
        "g#f =one",
        "h#f =one",
        &["local move f to /h (overruled)"],
    );
}

#[test]
fn sc014_a_circle_is_undone_here() {
    row(
        "d/#d\nx/#x",
        "x/#x\n  d/#d",
        "d/#d\n  x/#x",
        &[
            "local move d to /d (undone)",
            "local move x to d/x (follow)",
        ],
    );
}

#[test]
fn sc014_a_circle_is_found_from_below() {
    // Only what hangs below the circle is known to be dirty.
    let case = Case {
        synced: "d/#d\nx/#x\n  f#f =one",
        local: "x/#x\n  d/#d\n  f#f =two",
        remote: "d/#d\n  x/#x\n    f#f =one",
    };
    let plan = case.plan_for(&[id_of("f")].into());
    assert_eq!(
        case.lines(&plan),
        [
            "remote update f (content, attributes)",
            "local move d to /d (undone)",
        ]
    );
}

#[test]
fn sc017_a_new_file_follows_its_folder() {
    row(
        "d/#d",
        "d/#d\n  f#f =one",
        "e/#d",
        &["remote create f at d/f", "local move d to /e (follow)"],
    );
}

#[test]
fn sc018_rename_onto_a_new_name_keeps_both() {
    row(
        "a#a =one",
        "b#a =one",
        "a#a =one\nb#b =two",
        &[
            "local move a to /b (conflict pc 2026-01-01 70abcd) (conflict)",
            "download b to /b",
        ],
    );
}

#[test]
fn sc019_a_swap_moves_and_sends_nothing() {
    row(
        "a#a =one\nb#b =two",
        "a#b =two\nb#a =one",
        "a#a =one\nb#b =two",
        &[
            "remote move b to /.hythe-aside-62000000000000000000000000000000",
            "remote move a to /b",
            "remote move b to /a",
        ],
    );
    row(
        "a#a =one\nb#b =two",
        "a#a =one\nb#b =two",
        "a#b =two\nb#a =one",
        &[
            "local move b to /.hythe-aside-62000000000000000000000000000000 (aside)",
            "local move a to /b (follow)",
            "local move b to /a (follow)",
        ],
    );
}

#[test]
fn sc019_a_swap_that_was_cut_off_is_finished() {
    // The disk shows the middle of the swap above.
    row(
        "a#a =one\nb#b =two",
        ".hythe-aside-61000000000000000000000000000000#a =one\na#b =two",
        "a#b =two\nb#a =one",
        &["local move a to /b (follow)"],
    );
    // And the log that of the one before.
    row(
        "a#a =one\nb#b =two",
        "a#b =two\nb#a =one",
        "b#a =one\n.hythe-aside-62000000000000000000000000000000#b =two",
        &["remote move b to /a"],
    );
}

#[test]
fn sc020_rotated_logs_move() {
    let before = "log.1#a =one\nlog.2#b =two";
    let after = "log.1#n =new\nlog.2#a =one\nlog.3#b =two";
    row(
        before,
        after,
        before,
        &[
            "remote move b to /log.3",
            "remote move a to /log.2",
            "remote create n at /log.1",
        ],
    );
}

#[test]
fn sc027_a_rename_that_changes_case_is_a_rename() {
    row(
        "README#f =one",
        "Readme#f =one",
        "README#f =one",
        &["remote move f to /Readme"],
    );
}

#[test]
fn sc034_a_move_into_a_deleted_folder_keeps_it() {
    let tree = "d/#d\n  x#x =one\nf#f =two";
    row(
        tree,
        "d/#d\n  x#x =one\n  f#f =two",
        "d/#d deleted\n  x#x =one deleted\nf#f =two",
        &[
            "remote restore d at /d",
            "remote move f to d/f",
            "local delete x",
        ],
    );
}

#[test]
fn a_new_file_in_a_deleted_folder_keeps_it() {
    let tree = "d/#d\n  x#x =one";
    row(
        tree,
        "",
        "d/#d\n  x#x =one\n  n#n =new",
        &[
            "remote delete x",
            "local directory d at /d",
            "download n to d/n",
        ],
    );
    row(
        tree,
        "d/#d\n  x#x =one\n  n#n =new",
        "d/#d deleted\n  x#x =one deleted",
        &[
            "remote restore d at /d",
            "remote create n at d/n",
            "local delete x",
        ],
    );
}

#[test]
fn sc031_a_file_that_was_replaced_is_the_same_file() {
    row(
        "f#f =one",
        "f#g =two",
        "f#f =one",
        &["adopt g as f", "remote update f (content, attributes)"],
    );
}

#[test]
fn a_file_made_where_another_was_moved_to_is_another_file() {
    row(
        "x#f =one",
        "y#g =two",
        "y#f =one",
        &["download f over /y, keep g as y (conflict pc 2026-01-01 62abcd)"],
    );
}

#[test]
fn type_change_is_delete_and_create() {
    row(
        "f#f =one",
        "f/#d\n  g#g =two",
        "f#f =one",
        &[
            "remote delete f",
            "remote create d at /f",
            "remote create g at d/g",
        ],
    );
}

#[test]
fn sc055_a_directory_keeps_the_name_against_an_edited_file() {
    // The directory is made here ...
    row(
        "f#f =one",
        "f/#d",
        "f#f =two",
        &[
            "remote move f to /f (conflict pc 2026-01-01 70abcd)",
            "remote create d at /f",
        ],
    );
    // ... or there.
    row(
        "f#f =one",
        "f#f =two",
        "f#f =one deleted\nf/#d",
        &[
            "local move f to /f (conflict pc 2026-01-01 70abcd) (conflict)",
            "local directory d at /f",
        ],
    );
}

#[test]
fn sc056_a_directory_with_a_new_child_keeps_the_name_against_a_file() {
    row(
        "d/#d",
        "d#f =one",
        "d/#d\n  n#n =new",
        &[
            "local move f to /d (conflict pc 2026-01-01 70abcd) (conflict)",
            "local directory d at /d",
            "download n to d/n",
        ],
    );
    row(
        "d/#d",
        "d/#d\n  n#n =new",
        "d/#d deleted\nd#f =one",
        &[
            "remote move f to /d (conflict pc 2026-01-01 70abcd)",
            "remote restore d at /d",
            "remote create n at d/n",
        ],
    );
}

#[test]
fn a_folder_moved_into_its_own_name_steps_aside() {
    // `mv x t/y; mv t x` elsewhere.
    row(
        "x/#x\n  f#f =one",
        "x/#x\n  f#f =one",
        "x/#t\n  y/#x\n    f#f =one",
        &[
            "local move x to /.hythe-aside-78000000000000000000000000000000 (aside)",
            "local directory t at /x",
            "local move x to t/y (follow)",
        ],
    );
}

#[test]
fn nested_folders_change_places() {
    let before = "a/#a\n  b/#b";
    let after = "a/#b\n  b/#a";
    row(
        before,
        after,
        before,
        &[
            "remote move a to /.hythe-aside-61000000000000000000000000000000",
            "remote move b to /a",
            "remote move a to b/b",
        ],
    );
}

#[test]
fn d6_what_the_log_never_knew_is_created_and_not_deleted() {
    let tree = "d/#d\n  f#f =one";
    row(
        tree,
        tree,
        "",
        &["remote create d at /d", "remote create f at d/f"],
    );
    row(tree, "", "", &["forget d", "forget f"]);
}

#[test]
fn a_directory_steps_aside_only_if_it_is_sure_to_go() {
    let tree = "a/#d\n  f#f =one";
    let remote = "a/#d deleted\n  f#f =one deleted\na#a =new";
    row(tree, "a/#d\n  f#f =other unread", remote, &["read f"]);
}

#[test]
fn a_name_that_others_took_meanwhile_is_parted_from_either_side() {
    // The directory stands aside from an interrupted plan, and comes back because of an edit in
    // it. That the file which has its name now is concerned, nobody said.
    let case = Case {
        synced: "a/#d\n  f#f =one\na2#a =new",
        local: ".hythe-aside-64000000000000000000000000000000/#d\n  f#f =two\na#a =new",
        remote: "a/#d deleted\n  f#f =one deleted\na#a =new",
    };
    let plan = case.plan_for(&[id_of("f")].into());
    assert_eq!(
        case.lines(&plan),
        [
            "remote move a to /a (conflict pc 2026-01-01 70abcd)",
            "remote restore d at /a",
            "remote restore f at d/f",
            "remote update f (content, attributes)",
        ]
    );
}
