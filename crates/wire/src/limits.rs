//! Sizes and times that both sides hold each other to. Bytes unless the name says otherwise.

use model::layout::MAX_CHUNK_BYTES;

use hythe_model as model;

/// Longest encoded change set.
pub const MAX_CHANGE_SET_BYTES: usize = 16 << 20;

/// What a sealed object may be longer than its plaintext: suite, flags, nonce, tag, clear lists.
pub const MAX_SEAL_OVERHEAD_BYTES: usize = 64 << 10;

/// Longest sealed chunk or stored layout node.
pub const MAX_OBJECT_BYTES: usize = MAX_CHUNK_BYTES as usize + MAX_SEAL_OVERHEAD_BYTES;

/// Sum of the objects that may travel with a commit. More goes in packs before it.
pub const MAX_ATTACHED_BYTES: usize = 1 << 20;

/// Most objects that may travel with a commit.
pub const MAX_ATTACHED_OBJECTS: usize = 4096;

/// Longest pack. A pack aims for 8 MiB; this admits one object of the longest kind beside others.
pub const MAX_PACK_BYTES: usize = 20 << 20;

/// Most objects that one stored layout node refers to.
pub const MAX_REFS: usize = 4096;

/// Most chunks of one read.
pub const MAX_READ_CHUNKS: usize = 4096;

/// Most chunk ids of one question for what is missing.
pub const MAX_MISSING_CHUNKS: usize = 16_384;

/// Longest change set that an event carries itself; a longer one is named by its position.
pub const MAX_EVENT_INLINE_BYTES: usize = 64 << 10;

/// Most spaces one event stream follows.
pub const MAX_EVENT_SPACES: usize = 1024;

/// Most spaces an account makes or takes part in: fewer than its devices' event streams follow.
pub const MAX_SPACES: usize = 1000;

/// Most change sets one page of a log holds, also when more were asked for.
pub const MAX_LOG_PAGE: u32 = 1000;

/// Most missing chunks that one problem names.
pub const MAX_NAMED_MISSING: usize = 256;

/// Longest text a person chose: login, device name, folder label.
pub const MAX_TEXT_BYTES: usize = 256;

/// Most sync folders a device tells of.
pub const MAX_FOLDERS: usize = 256;

/// Passkeys of one account: what a browser is asked stays small.
pub const MAX_PASSKEYS: usize = 16;

/// Longest JSON request.
pub const MAX_JSON_BYTES: usize = 256 << 10;

/// Most change sets with which an account or a space begins.
pub const MAX_FOUNDING_CHANGE_SETS: usize = 16;

/// Most sealed parts beside one record of a snapshot.
pub const MAX_RECORD_PARTS: usize = 8;

/// Longest frame of a snapshot, of a history or of the trash: one record with its sealed parts.
pub const MAX_RECORD_FRAME_BYTES: usize = 2 << 20;

/// Seconds between heartbeats of an event stream. Three missed ones mean a dead connection.
pub const HEARTBEAT_SECONDS: u64 = 15;

/// Longest time, in seconds, until a removed device or a lost right ends what is running.
pub const RECHECK_SECONDS: u64 = 5;
