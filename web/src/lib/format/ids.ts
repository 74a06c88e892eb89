/**
 * Ids and hashes: in memory and in JSON lower-case hexadecimal, in CBOR byte strings of exactly their
 * length. Each is a type of its own, so that one cannot be passed for another. Their order as texts is
 * that of their bytes.
 */

import { fromHex, hex } from './bytes';
import { type Codec, struct, uint } from './cbor/codec';
import { FormatError } from './cbor/error';

declare const KIND: unique symbol;

/** Hexadecimal of one kind of id. */
type Id<K extends string> = string & { readonly [KIND]: K };

export type SpaceId = Id<'space'>;
export type AccountId = Id<'account'>;
export type DeviceId = Id<'device'>;
export type NodeId = Id<'node'>;
export type VersionId = Id<'version'>;
export type OperationId = Id<'operation'>;
export type ChunkId = Id<'chunk'>;
export type NameTag = Id<'name tag'>;
export type HeaderHash = Id<'header'>;
export type ChainHash = Id<'chain'>;
/** BLAKE3 of bytes that are not named by an id of their own. */
export type Hash32 = Id<'hash'>;
export type ServerEpoch = Id<'server epoch'>;
/** The server's identity: an Ed25519 public key. */
export type IdentityKey = Id<'identity'>;

/** The ids of one kind. */
export interface IdKind<I extends string> extends Codec<I> {
  /** The id of exactly so many bytes. */
  readonly of: (bytes: Uint8Array) => I;
  /** The id that a text is; null where it is none. */
  readonly parse: (text: string) => I | null;
}

function id<I extends string>(length: number): IdKind<I> {
  const of = (bytes: Uint8Array): I => {
    if (bytes.length !== length) throw new FormatError(`an id of ${bytes.length} bytes`);
    return hex(bytes) as I;
  };
  return {
    of,
    parse: (text) => (fromHex(text)?.length === length ? (text as I) : null),
    write: (to, value) => to.bytes(idBytes(value)),
    read: (from) => of(from.bytes()),
  };
}

export const SPACE_ID = id<SpaceId>(32);
export const ACCOUNT_ID = id<AccountId>(32);
export const DEVICE_ID = id<DeviceId>(32);
export const NODE_ID = id<NodeId>(16);
export const VERSION_ID = id<VersionId>(16);
export const OPERATION_ID = id<OperationId>(16);
export const CHUNK_ID = id<ChunkId>(32);
export const NAME_TAG = id<NameTag>(32);
export const HEADER_HASH = id<HeaderHash>(32);
export const CHAIN_HASH = id<ChainHash>(32);
export const HASH32 = id<Hash32>(32);
export const SERVER_EPOCH = id<ServerEpoch>(16);
export const IDENTITY_KEY = id<IdentityKey>(32);

/** The bytes of an id. */
export function idBytes(value: string): Uint8Array<ArrayBuffer> {
  const bytes = fromHex(value);
  if (bytes === null) throw new FormatError('no id');
  return bytes;
}

/** The root directory of every space. */
export const ROOT = '0'.repeat(32) as NodeId;

/** What a device's first change set in a log names as its previous one. */
export const NO_PREVIOUS = '0'.repeat(64) as HeaderHash;

/** The id of the log a genesis starts, which is not known before the genesis is hashed. */
export const NO_LOG = '0'.repeat(64) as SpaceId;

/** The chain before the first change set. */
export const CHAIN_START = '0'.repeat(64) as ChainHash;

/** A position and the chain hash there: names one history, not just a place in any. */
export interface Head {
  cursor: number;
  chain: ChainHash;
}

export const HEAD: Codec<Head> = struct({ cursor: uint(), chain: CHAIN_HASH });

/** The head of an empty log. */
export const HEAD_START: Readonly<Head> = { cursor: 0, chain: CHAIN_START };

/** Whether two heads are the same. */
export function sameHead(one: Head, other: Head): boolean {
  return one.cursor === other.cursor && one.chain === other.chain;
}

/** Lists of 32-byte values as one byte string, each after the other. */
export function words<I extends string>(kind: IdKind<I>): Codec<I[]> {
  return {
    write: (to, values) => {
      const joined = new Uint8Array(32 * values.length);
      values.forEach((value, index) => {
        joined.set(idBytes(value), 32 * index);
      });
      to.bytes(joined);
    },
    read: (from) => {
      const joined = from.bytes();
      if (joined.length % 32 !== 0) throw new FormatError('a list of words of a wrong length');
      return Array.from({ length: joined.length / 32 }, (_, index) =>
        kind.of(joined.subarray(32 * index, 32 * index + 32)),
      );
    },
  };
}
