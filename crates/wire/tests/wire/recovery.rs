//! The text of recovery codes.

use hythe_wire::recovery::{RecoveryCode, RecoveryError};
use proptest::prelude::*;

fn code(bytes: [u8; 20]) -> RecoveryCode {
    RecoveryCode::new(bytes)
}

#[test]
fn golden() {
    let bytes: Vec<u8> = (0..20).collect();
    let text = code(bytes.try_into().unwrap()).to_string();
    assert_eq!(text, "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-RV");
}

proptest! {
    #[test]
    fn a_code_is_read_however_it_is_typed(bytes: [u8; 20]) {
        let text = code(bytes).to_string();
        prop_assert_eq!(text.len(), 34 + 8);
        let typed = [
            text.clone(),
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', "  "),
            format!(" {}\n", text.replace('0', "o").replace('1', "L")),
        ];
        for typed in typed {
            prop_assert!(typed.parse::<RecoveryCode>() == Ok(code(bytes)), "{}", typed);
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_found(bytes: [u8; 20], at in 0..34usize, other in 0..31u8) {
        let text = code(bytes).to_string().replace('-', "");
        let symbols = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut typed = text.clone().into_bytes();
        let there = symbols.iter().position(|symbol| *symbol == typed[at]).unwrap();
        typed[at] = symbols[(there + 1 + usize::from(other)) % 32];
        let typed = String::from_utf8(typed).unwrap();
        // Ten bits find all but one of a thousand slips.
        if let Ok(wrong) = typed.parse::<RecoveryCode>() {
            prop_assert!(wrong != code(bytes) && at < 32);
        }
    }
}

#[test]
fn two_slips_in_a_thousand_pass_at_most() {
    let text = code([9; 20]).to_string().replace('-', "");
    let symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut passed = 0;
    let mut tried = 0;
    for at in 0..34 {
        for symbol in symbols
            .chars()
            .filter(|symbol| !text[at..].starts_with(*symbol))
        {
            let mut typed = text.clone();
            typed.replace_range(at..=at, &symbol.to_string());
            tried += 1;
            match typed.parse::<RecoveryCode>() {
                Ok(_) => passed += 1,
                Err(error) => assert_eq!(error, RecoveryError::Check),
            }
        }
    }
    assert_eq!(tried, 34 * 31);
    assert!(passed <= 4, "{passed} of {tried}");
}

#[test]
fn a29_what_is_no_code_is_an_error() {
    for text in [
        "",
        "0",
        "U".repeat(34).as_str(),
        "0".repeat(10_000).as_str(),
        "é".repeat(17).as_str(),
    ] {
        assert_eq!(
            text.parse::<RecoveryCode>().err(),
            Some(RecoveryError::Form)
        );
    }
}
