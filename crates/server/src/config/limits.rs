//! How much of everything a server takes on, so that slow, broken and hostile clients cost little.

use std::time::Duration;

/// All limits that are no part of the protocol.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Of connections.
    pub connections: ConnectionLimits,
    /// Of requests in hand.
    pub requests: RequestLimits,
    /// Of requests over time.
    pub rates: RateLimits,
}

/// Limits of connections.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Connections at a time.
    pub total: usize,
    /// Connections at a time from one address (IPv6: from one /64).
    pub per_address: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the headers of an HTTP/1.1 request, from their first byte.
    pub header: Duration,
    /// Without any request.
    pub idle: Duration,
    /// Without the peer taking a byte that waits to be sent.
    pub stalled_write: Duration,
    /// Between HTTP/2 pings that find dead peers.
    pub ping: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 4096,
            per_address: 128,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            stalled_write: Duration::from_secs(60),
            ping: Duration::from_secs(30),
        }
    }
}

/// Limits of requests in hand.
#[derive(Debug, Clone)]
pub struct RequestLimits {
    /// Requests being worked on at a time; more are told to come back.
    pub total: usize,
    /// Requests of one device being worked on at a time.
    pub per_device: usize,
    /// Answers being streamed at a time, events apart.
    pub streams: usize,
    /// Event streams of one device; the oldest ends when one more begins.
    pub events_per_device: usize,
    /// Memory for request bodies at a time, in bytes.
    pub body_memory: usize,
    /// A body must arrive at this rate, in bytes a second, after `body_grace`.
    pub body_rate: u32,
    /// A body may take this long before its rate counts.
    pub body_grace: Duration,
    /// How long a slow reader of events may hold the stream up.
    pub slow_reader: Duration,
    /// Between heartbeats of an event stream.
    pub heartbeat: Duration,
    /// Between checks that a stream's reader still has its rights.
    pub recheck: Duration,
    /// For what is running to end when the server stops.
    pub stop: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            total: 512,
            per_device: 64,
            streams: 256,
            events_per_device: 4,
            body_memory: 256 << 20,
            body_rate: 16 << 10,
            body_grace: Duration::from_secs(10),
            slow_reader: Duration::from_secs(20),
            heartbeat: Duration::from_secs(hythe_wire::limits::HEARTBEAT_SECONDS),
            // Leaves room under the promise of 5 s for the check itself.
            recheck: Duration::from_secs(hythe_wire::limits::RECHECK_SECONDS - 2),
            stop: Duration::from_secs(10),
        }
    }
}

/// Limits of requests over time: token buckets that fill at a rate and hold a burst.
#[derive(Debug, Clone)]
pub struct RateLimits {
    /// Requests a second from one address.
    pub address_per_second: u32,
    /// Requests at once from one address after a pause.
    pub address_burst: u32,
    /// Requests a second of one device.
    pub device_per_second: u32,
    /// Requests at once of one device after a pause.
    pub device_burst: u32,
    /// Login names looked up a minute by one device.
    pub lookups_per_minute: u32,
    /// Login names looked up at once by one device after a pause.
    pub lookups_burst: u32,
    /// Wrong tokens a minute from one address.
    pub failures_per_minute: u32,
    /// Wrong tokens at once from one address after a pause.
    pub failures_burst: u32,
    /// Guesses a minute of one name's password from one address.
    pub logins_per_minute: u32,
    /// Guesses at once after a pause.
    pub logins_burst: u32,
    /// Accounts an hour that are made from one address without an invite.
    pub registrations_per_hour: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            // A device that syncs many small files sends some hundred requests a second; several
            // may sit behind one address.
            address_per_second: 4000,
            address_burst: 20_000,
            device_per_second: 2000,
            device_burst: 10_000,
            // Nobody invites faster than this by hand; a list of names takes days to try.
            lookups_per_minute: 10,
            lookups_burst: 60,
            failures_per_minute: 30,
            failures_burst: 30,
            // Some slips of the finger at once; after them a guess every ten seconds.
            logins_per_minute: 6,
            logins_burst: 10,
            registrations_per_hour: 10,
        }
    }
}
