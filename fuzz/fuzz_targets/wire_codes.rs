//! What a person types or a URL holds: codes, keys, policies. What is taken is shown again, and
//! what is shown is taken as the same.

#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use hythe_model::{AccountId, SpaceId, UploadId};
use hythe_wire::IdentityKey;
use hythe_wire::app_password::AppPassword;
use hythe_wire::approval::ApprovalCode;
use hythe_wire::recovery::RecoveryCode;
use hythe_wire::server::RegistrationPolicy;
use libfuzzer_sys::fuzz_target;

fn check<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(code) = text.parse::<T>() {
        assert!(
            code.to_string()
                .parse::<T>()
                .is_ok_and(|again| again == code)
        );
    }
}

fuzz_target!(|text: &str| {
    check::<ApprovalCode>(text);
    check::<AppPassword>(text);
    check::<RecoveryCode>(text);
    check::<IdentityKey>(text);
    check::<RegistrationPolicy>(text);
    check::<AccountId>(text);
    check::<SpaceId>(text);
    check::<UploadId>(text);
});
