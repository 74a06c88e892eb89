//! What the rules promise, whatever the database.

mod accounts;
mod administration;
mod adopt;
mod chunks;
mod commits;
mod conflicts;
mod inbox;
mod joining;
mod links;
mod owners;
mod passkeys;
mod quotas;
mod reading;
mod roster;
mod shown;
mod sightings;
mod spaces;

pub use accounts::*;
pub use administration::*;
pub use adopt::*;
pub use chunks::*;
pub use commits::*;
pub use conflicts::*;
pub use inbox::*;
pub use joining::*;
pub use links::*;
pub use owners::*;
pub use passkeys::*;
pub use quotas::*;
pub use reading::*;
pub use roster::*;
pub use shown::*;
pub use sightings::*;
pub use spaces::*;

use crate::engine::on_sqlite;

/// Hands the names of all cases to a macro.
macro_rules! for_all_cases {
    ($run:ident) => {
        $run! {
            registering_happens_once,
            a_bad_registration_leaves_nothing,
            devices_come_and_go,
            devices_are_described,
            a_commit_is_folded_numbered_and_told,
            c6_a_repeated_operation_has_its_effect_once,
            sc001_sc029_an_unseen_edit_beats_edit_and_delete,
            sc018_a_name_that_was_taken_meanwhile_is_refused,
            sc014_sc034_the_tree_stays_a_tree,
            concurrent_commits_of_one_name_have_one_winner,
            sc019_names_swap_within_a_change_set,
            sc021_a_directory_of_any_size_is_renamed_by_one_operation,
            another_history_is_refused,
            strangers_see_nothing,
            chunks_are_stored_once,
            chunks_are_read_in_the_order_asked,
            a_commit_without_its_chunks_is_refused,
            small_chunks_move_into_packs_unnoticed,
            chunks_are_adopted_without_their_bytes,
            small_chunks_are_adopted_while_they_move_into_packs,
            r3_chunks_are_adopted_by_who_may_read_and_write_them,
            trees_are_shown_complete_before_they_are_named,
            a_small_tree_comes_with_its_commit,
            a_snapshot_is_the_state_of_one_position,
            what_was_deleted_stays_in_the_trash,
            the_trash_is_read_page_by_page,
            history_keeps_every_version,
            checkpoints_are_kept_if_they_are_true,
            a17_sightings_are_kept_if_they_are_true,
            a17_sightings_go_to_who_may_read_and_come_from_who_may,
            logs_are_read_in_bounded_pages,
            more_spaces_are_created,
            a30_a_sealed_space_is_kept_and_the_server_stays_out,
            a_space_of_another_server_is_refused,
            accounts_are_looked_up_by_login,
            an_invitation_is_answered_by_who_was_invited,
            d6_roles_count_at_the_moment_of_use,
            a_member_that_leaves_is_out_at_once,
            a_space_counts_for_an_owner_that_takes_part,
            an_account_that_nobody_knows_becomes_no_member,
            a_space_ends_for_everybody_when_its_time_has_come,
            a_link_lets_one_account_in,
            an_offer_that_is_over_is_shown_to_nobody,
            an_account_invites_so_often_and_no_more,
            a_clean_server_checks_clean,
            sc156_d5_parallel_uploads_never_pass_the_limit_together,
            sc156_d5_what_links_show_is_counted_while_they_stand,
            sc105_what_is_reserved_is_kept_for_its_upload,
            sc156_parallel_reservations_never_pass_the_limit_together,
            a_space_and_new_accounts_have_limits_of_their_own,
            r20_a_passkey_is_asked_for_after_the_password,
            r20_a_passkeys_answer_counts_once_and_where_it_was_asked_for,
            r20_a_copied_passkey_is_refused_and_its_owner_is_told,
            r20_a_passkey_is_registered_as_it_was_asked_for,
            r20_what_a_login_asks_for_changes_with_proof_only,
            the_policy_says_who_may_register,
            an_invite_is_bound_to_name_role_and_quota,
            d6_a_suspended_account_is_cut_off_with_all_its_devices,
            a_removed_account_leaves_others_their_spaces,
            an_opening_reaches_the_chunks_of_its_file_and_no_others,
            a_link_ends_at_its_time,
            a_link_ends_with_the_device_that_gave_it_out,
            e1_a10_a_sealed_space_keeps_only_what_is_sealed_and_signed,
            a_file_waits_in_a_sealed_space_until_it_is_taken_in_or_refused,
            an_account_is_made_for_somebody_else,
            r3_an_app_password_reaches_what_it_was_made_for,
            an_app_password_ends_with_whatever_it_hangs_on,
            an_account_is_deleted_by_its_owner_after_a_time,
            where_there_is_a_password_deletion_takes_it_and_a_login_takes_it_back,
            the_only_owner_of_a_shared_space_is_told_before_it_goes,
        }
    };
}
pub(crate) use for_all_cases;

macro_rules! sqlite_tests {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $case() { super::on_sqlite(super::$case); })*
        }
    };
}
for_all_cases!(sqlite_tests);
