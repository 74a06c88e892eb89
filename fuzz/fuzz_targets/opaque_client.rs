//! The client's half of the password protocol, with any bytes for what a server sends: no login ends
//! well by them. (A registration may: any server may answer one.)

#![no_main]

use hythe_wire::IdentityKey;
use hythe_wire::opaque::{LoggingIn, Password, Registering};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let server: IdentityKey = "11".repeat(32).parse().expect("an identity");
    let Some((kind, response)) = data.split_first() else {
        return;
    };
    let password = Password::new("x");
    if kind % 2 == 0 {
        let (login, _) = LoggingIn::start(password).expect("a login");
        assert!(login.finish(response, server).is_err());
    } else {
        let (registering, _) = Registering::start(password).expect("a registration");
        drop(registering.finish(response, server));
    }
});
