/** A signed list of operations with its sealed parts, as it is stored and sent. */

import { SIGNATURE } from './account/operation';
import { decode, encode, list, octets, optional, struct } from './cbor/codec';
import { FormatError } from './cbor/error';
import { blake3 } from './hash';
import { HEADER, type Header, SUITE, decodeHeader, headerHash } from './header';
import { HASH32, type HeaderHash, NO_LOG, SPACE_ID, type SpaceId, idBytes } from './ids';
import { MAX_CHANGE_SET_BYTES, MAX_OPERATIONS, MAX_SEALED_BYTES } from './limits';
import { OPERATION, type Operation } from './operation';
import { type Signer, deviceId, sign, verify } from './sign';
import { checkStructure } from './structure';

/** A change set whose hashes fit together and whose operations can stand together. */
export interface ChangeSet {
  /** The bytes that are stored and sent. */
  readonly encoded: Uint8Array;
  readonly header: Header;
  /** The hash of the header: what the chain and the records name. */
  readonly hash: HeaderHash;
  readonly signature: Uint8Array;
  readonly operations: readonly Operation[];
  /** The sealed parts; null where one was purged. */
  readonly sealed: readonly (Uint8Array | null)[];
}

/** What the header of a change set says besides its content. */
export type Stamp = Omit<Header, 'suite' | 'author' | 'clear' | 'sealed'>;

const OUTER = struct({
  header: octets(),
  signature: SIGNATURE,
  clear: octets(),
  sealed: list(optional(octets(MAX_SEALED_BYTES))),
});

const OPERATIONS = list(OPERATION, MAX_OPERATIONS);

/** Reads a change set and checks the hash of its clear and of each sealed part. */
export function decodeChangeSet(bytes: Uint8Array): ChangeSet {
  const outer = decode(OUTER, bytes, MAX_CHANGE_SET_BYTES);
  const header = decodeHeader(outer.header);
  if (hash32(outer.clear) !== header.clear) throw new FormatError('a changed clear part');
  const operations = decode(OPERATIONS, outer.clear, MAX_CHANGE_SET_BYTES);
  checkStructure(header, operations);
  if (outer.sealed.length !== header.sealed.length) throw new FormatError('sealed parts are missing');
  outer.sealed.forEach((part, index) => {
    if (part !== null && hash32(part) !== header.sealed[index]) {
      throw new FormatError('a changed sealed part');
    }
  });
  const { signature, sealed } = outer;
  return { encoded: bytes, header, hash: headerHash(outer.header), signature, operations, sealed };
}

/** Hashes, signs and encodes operations without sealed parts. */
export async function signChangeSet(
  stamp: Stamp,
  operations: readonly Operation[],
  signer: Signer,
): Promise<ChangeSet> {
  const clear = encode(OPERATIONS, [...operations]);
  const header: Header = {
    ...stamp,
    suite: SUITE,
    author: signer.id,
    clear: hash32(clear),
    sealed: [],
  };
  checkStructure(header, operations);
  const headerBytes = encode(HEADER, header);
  const hash = headerHash(headerBytes);
  const signature = await sign(signer, 'changeSet', idBytes(hash));
  const encoded = encode(OUTER, { header: headerBytes, signature, clear, sealed: [] });
  if (encoded.length > MAX_CHANGE_SET_BYTES) throw new FormatError('a change set that is too long');
  return { encoded, header, hash, signature, operations, sealed: [] };
}

/** The log this belongs to; for a genesis, the log it starts. */
export function logOfChangeSet(changeSet: ChangeSet): SpaceId {
  const { header, hash } = changeSet;
  return header.space === NO_LOG ? SPACE_ID.of(idBytes(hash)) : header.space;
}

/** Whether a key is the author's and signed this change set. */
export function isSignedBy(changeSet: ChangeSet, key: Uint8Array): boolean {
  const { header, hash, signature } = changeSet;
  return deviceId(key) === header.author && verify(key, 'changeSet', idBytes(hash), signature);
}

function hash32(bytes: Uint8Array): Header['clear'] {
  return HASH32.of(blake3(bytes));
}
