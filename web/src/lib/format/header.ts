/** The signed part of a change set. */

import { INTEGER, U32, type Value, decode, optional, struct, uint } from './cbor/codec';
import { FormatError } from './cbor/error';
import { blake3 } from './hash';
import {
  ACCOUNT_ID,
  type AccountId,
  DEVICE_ID,
  HASH32,
  HEAD,
  HEADER_HASH,
  type HeaderHash,
  OPERATION_ID,
  SPACE_ID,
  type SpaceId,
  words,
} from './ids';

/** The only suite there is so far. */
export const SUITE = 1;

const MAX_HEADER_BYTES = 1 << 20;

/** What the author of a change set signs; see docs/format/log.md. */
export const HEADER = struct({
  suite: uint(0xff),
  space: SPACE_ID,
  author: DEVICE_ID,
  counter: uint(),
  previous: HEADER_HASH,
  operation: OPERATION_ID,
  seen: HEAD,
  accountSeen: HEAD,
  keyEpoch: U32,
  timeMs: INTEGER,
  clear: HASH32,
  sealed: words(HASH32),
  behalf: optional(struct({ account: ACCOUNT_ID, session: OPERATION_ID })),
});
export type Header = Value<typeof HEADER>;

/** Reads a header of a suite that is known here. */
export function decodeHeader(bytes: Uint8Array): Header {
  const header = decode(HEADER, bytes, MAX_HEADER_BYTES);
  if (header.suite !== SUITE) throw new FormatError(`the unknown suite ${header.suite}`);
  return header;
}

/** The hash of encoded header bytes: the name of the change set. */
export function headerHash(encoded: Uint8Array): HeaderHash {
  return HEADER_HASH.of(blake3(encoded));
}

/** The id under which an account's log stands in headers: the account's own. */
export function logOf(account: AccountId): SpaceId {
  return account as string as SpaceId;
}
