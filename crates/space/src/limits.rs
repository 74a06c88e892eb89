//! How large things may be. Every decoder checks these before it allocates.

/// A change set with its sealed parts, encoded, in bytes: what a server takes in one request.
pub const MAX_CHANGE_SET_BYTES: usize = 16 << 20;

/// Operations in one change set. A client aims for at most 2,000, so that a fold stays short.
pub const MAX_OPERATIONS: usize = 10_000;

/// One sealed name, attributes or layout, in bytes. A flat layout of 1,024 entries fits well.
pub const MAX_SEALED_BYTES: usize = 256 << 10;

/// Chunks that one operation names: the chunks of a flat layout, or one root of a tree.
pub const MAX_REFERENCES: usize = 1024;

/// A space's secret sealed under its successor, in bytes.
pub const MAX_SEALED_SECRET_BYTES: usize = 256;

/// Directories between the root and a place to which a directory may be moved. The cycle test
/// walks them, so it bounds what one move can cost.
pub const MAX_DEPTH: usize = 4096;

/// How long a key made by `devices add` may be used, in milliseconds.
pub const OFFER_LIFETIME_MS: i64 = 60 * 60 * 1000;

/// How long a link that makes a member may be used, in milliseconds: a week.
pub const JOIN_LIFETIME_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Clocks of devices and server may differ by this much, in milliseconds, where a time is judged when
/// it is accepted.
pub const CLOCK_SKEW_MS: i64 = 10 * 60 * 1000;

/// A space ends no sooner than this after somebody said so, in milliseconds: a day.
pub const ENDING_MIN_MS: i64 = 24 * 60 * 60 * 1000;

/// Nor later than this: a year.
pub const ENDING_MAX_MS: i64 = 365 * 24 * 60 * 60 * 1000;

/// Members of one space at most. Every change of members or keys reads them all, and a new key
/// epoch wraps to each: 1,169 bytes and an X-Wing encapsulation for every one.
pub const MAX_MEMBERS: usize = 10_000;

/// A member device signs a checkpoint at every position divisible by this.
pub const CHECKPOINT_INTERVAL: u64 = 1000;

/// An encoded checkpoint with its signature, in bytes.
pub const MAX_CHECKPOINT_BYTES: usize = 1024;

/// An encoded sighting with its signature, in bytes.
pub const MAX_SIGHTING_BYTES: usize = 512;

/// Spaces of which a new device is told how far the one that let it in had read them.
pub const MAX_TOLD: usize = 32;

/// That, sealed, in bytes: 32 spaces of about 80 bytes each fit.
pub const MAX_SEALED_TOLD_BYTES: usize = 4096;

/// One encoded record, in bytes. The largest is a member's, with its wrapped secret.
pub const MAX_RECORD_BYTES: usize = 4096;

/// The stored state of an account, in bytes.
pub const MAX_ACCOUNT_BYTES: usize = 64 << 20;
