//! How often a password may be guessed (R20), without letting anybody lock somebody else out.
//!
//! Every guess takes a token from four buckets: of the name and the address together, of the
//! address, of the name, and of everybody. The last two are spared where a device of the account
//! was seen at that address: so whoever empties the name's bucket from elsewhere does not keep its
//! owner out at home.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hythe_wire::Code;

use super::app::App;
use super::error::Failure;
use super::layers::Client;
use super::rate::{AddressKey, Buckets};
use crate::config::RateLimits;

/// Names that are tried from one address: a family behind one router.
const NAMES_PER_ADDRESS: u32 = 4;

/// Addresses from which one name is tried.
const ADDRESSES_PER_NAME: u32 = 6;

/// Names that are tried at a time from anywhere.
const NAMES: u32 = 200;

/// A name, hashed: names have no end, and are nobody's business in memory.
type Name = [u8; 32];

/// The buckets.
pub(crate) struct LoginRates {
    pairs: Buckets<(Name, AddressKey)>,
    addresses: Buckets<AddressKey>,
    names: Buckets<Name>,
    all: Buckets<()>,
}

impl LoginRates {
    /// Full buckets.
    pub(crate) fn new(limits: &RateLimits) -> Self {
        let (minute, burst) = (limits.logins_per_minute, limits.logins_burst);
        let a_second = |times: u32| f64::from(minute) * f64::from(times) / 60.0;
        let at_once = |times: u32| burst.saturating_mul(times);
        Self {
            pairs: Buckets::new(a_second(1), burst),
            addresses: Buckets::new(a_second(NAMES_PER_ADDRESS), at_once(NAMES_PER_ADDRESS)),
            names: Buckets::new(a_second(ADDRESSES_PER_NAME), at_once(ADDRESSES_PER_NAME)),
            all: Buckets::new(a_second(NAMES), at_once(NAMES)),
        }
    }

    /// Counts one guess of the password of a name.
    pub(crate) async fn guess(
        &self,
        app: &App,
        client: Client,
        login: &str,
    ) -> Result<(), Failure> {
        let now = Instant::now();
        let name = *blake3::hash(login.as_bytes()).as_bytes();
        if app.by_address {
            let address = client.key();
            self.pairs.take((name, address), now).map_err(later)?;
            self.addresses.take(address, now).map_err(later)?;
            if app.files.has_device_at(login, ip(client)).await? {
                return Ok(());
            }
        }
        self.names.take(name, now).map_err(later)?;
        self.all.take((), now).map_err(later)
    }

    /// Counts one password that is set: no guess, but as much work.
    pub(crate) fn set(&self, app: &App, client: Client) -> Result<(), Failure> {
        let now = Instant::now();
        if app.by_address {
            self.addresses.take(client.key(), now).map_err(later)?;
        }
        self.all.take((), now).map_err(later)
    }
}

fn ip(client: Client) -> IpAddr {
    client.0.ip().to_canonical()
}

fn later(wait: Duration) -> Failure {
    Failure::later(Code::RateLimited, wait)
}
