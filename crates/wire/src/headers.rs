//! Names of headers, authorisation schemes and media types.

/// Names one request in replies, problems and the server's log.
pub const REQUEST_ID: &str = "x-request-id";

/// Scheme of `Authorization` for a device's token.
pub const BEARER: &str = "Bearer";

/// Scheme of `Authorization` for a login name and an app password (RFC 7617).
pub const BASIC: &str = "Basic";

/// Scheme of `Authorization` for the token of an invite.
pub const INVITE: &str = "Hythe-Invite";

/// Scheme of `Authorization` for the one-time token of a device URL.
pub const ONE_TIME: &str = "Hythe-One-Time";

/// Scheme of `Authorization` for the token of a link.
pub const LINK: &str = "Hythe-Link";

/// What a page sends along with the cookie of its session: no form and no foreign page can (R22).
pub const WEB: &str = "hythe-web";

/// The cookie of a browser's session. The prefix binds it to this host, over TLS (RFC 6265bis).
pub const COOKIE: &str = "__Host-hythe";

/// Records of JSON, one a line.
pub const NDJSON: &str = "application/x-ndjson";

/// Where in a file the part begins that is sent.
pub const UPLOAD_OFFSET: &str = "upload-offset";

/// Bytes, whatever they are.
pub const OCTETS: &str = "application/octet-stream";

/// One CBOR message.
pub const CBOR: &str = "application/cbor";

/// A sequence of frames, see [`crate::frame`].
pub const CBOR_SEQUENCE: &str = "application/cbor-seq";

/// A pack of sealed objects.
pub const PACK: &str = "application/vnd.hythe.pack";

/// A control message.
pub const JSON: &str = "application/json";

/// A [`crate::Problem`].
pub const PROBLEM: &str = "application/problem+json";
