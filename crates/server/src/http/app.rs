//! What all handlers share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use hythe_model::{DeviceId, LinkId};

use super::events::EventStreams;
use super::gate::Gate;
use super::login_rate::LoginRates;
use super::rate::{AddressKey, Buckets};
use crate::config::RequestLimits;
use crate::files::{Files, RelyingParty};
use crate::tls::Identity;

/// What all handlers share.
pub(crate) struct App {
    /// The rules.
    pub(crate) files: Files,
    /// The server's identity.
    pub(crate) identity: Arc<Identity>,
    /// The address that clients are told.
    pub(crate) public: url::Url,
    /// Who passkeys are made for; none where the server's address has no name for them.
    pub(crate) party: Option<RelyingParty>,
    /// Limits of requests in hand.
    pub(crate) limits: RequestLimits,
    /// Limits by address do not make sense where everybody comes from one proxy.
    pub(crate) by_address: bool,
    /// Whether the proxy in front names clients.
    pub(crate) forwarded: bool,
    /// Who knocks how often.
    pub(crate) rates: Rates,
    /// Places for requests in hand.
    pub(crate) places: Arc<Semaphore>,
    /// Places for requests in hand, by device.
    pub(crate) device_places: Arc<Gate<DeviceId>>,
    /// Places for answers that stream.
    pub(crate) streams: Arc<Semaphore>,
    /// Memory for bodies, in units of [`BODY_UNIT_BYTES`].
    pub(crate) body_memory: Arc<Semaphore>,
    /// Event streams by device.
    pub(crate) event_streams: Arc<EventStreams>,
    /// Tasks that the server waits for when it stops.
    pub(crate) tasks: TaskTracker,
    /// Told when the server stops.
    pub(crate) stop: CancellationToken,
}

/// How handlers hold [`App`].
pub(crate) type Shared = Arc<App>;

/// The grain of `App::body_memory`.
pub(crate) const BODY_UNIT_BYTES: usize = 64 << 10;

/// Who knocks how often.
pub(crate) struct Rates {
    /// Requests by address.
    pub(crate) addresses: Buckets<AddressKey>,
    /// Requests by device.
    pub(crate) devices: Buckets<DeviceId>,
    /// Looked-up login names by device.
    pub(crate) lookups: Buckets<DeviceId>,
    /// Wrong tokens by address.
    pub(crate) failures: Buckets<AddressKey>,
    /// Guesses of passwords.
    pub(crate) logins: LoginRates,
    /// Wrong tokens of a link, which are guesses of its password, by address.
    pub(crate) link_guesses: Buckets<(LinkId, AddressKey)>,
    /// Accounts made without an invite, by address.
    pub(crate) registrations: Buckets<AddressKey>,
}

impl Rates {
    /// Fresh buckets.
    pub(crate) fn new(limits: &crate::config::RateLimits) -> Self {
        let per_second = f64::from;
        Self {
            addresses: Buckets::new(per_second(limits.address_per_second), limits.address_burst),
            devices: Buckets::new(per_second(limits.device_per_second), limits.device_burst),
            lookups: Buckets::new(
                f64::from(limits.lookups_per_minute) / 60.0,
                limits.lookups_burst,
            ),
            failures: Buckets::new(
                f64::from(limits.failures_per_minute) / 60.0,
                limits.failures_burst,
            ),
            logins: LoginRates::new(limits),
            link_guesses: Buckets::new(
                f64::from(limits.logins_per_minute) / 60.0,
                limits.logins_burst,
            ),
            registrations: Buckets::new(
                f64::from(limits.registrations_per_hour) / 3600.0,
                limits.registrations_per_hour,
            ),
        }
    }
}

/// What an overloaded server tells a client to wait.
pub(crate) const OVERLOADED_RETRY: Duration = Duration::from_secs(1);
