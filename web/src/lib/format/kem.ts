/** Secrets wrapped to X-Wing keys. A wrap opens only as what it was made for. */

import { concat, utf8 } from './bytes';
import { U32, encode, fixed, struct, variants } from './cbor/codec';
import { FormatError } from './cbor/error';
import type { Value } from './cbor/codec';
import type { Entropy } from './entropy';
import {
  ENCAPSULATED_BYTES,
  ENCAPSULATION_SEED_BYTES,
  PUBLIC_BYTES,
  hpkeOpen,
  hpkeSeal,
  publicKey,
} from './hpke';
import { ACCOUNT_ID, DEVICE_ID, SPACE_ID } from './ids';

const SUITE = 1;
const SECRET_BYTES = 32;

/** A public key. Whether its bytes are a key is found when it is used. */
export const KEM_PUBLIC = fixed(PUBLIC_BYTES);

/** A wrapped secret: suite, encapsulated key, sealed secret. */
export const WRAPPED = fixed(1 + ENCAPSULATED_BYTES + SECRET_BYTES + 16);

const PURPOSE = variants({
  /** The secret of a space's key epoch, for a member account. */
  epoch: [1, struct({ space: SPACE_ID, epoch: U32, account: ACCOUNT_ID, generation: U32 })],
  /** The secret of an account's key, for a device, keyholder or offer. */
  account: [2, struct({ account: ACCOUNT_ID, generation: U32, device: DEVICE_ID })],
  /** The secret of an account's key, for the generation that follows it. */
  previous: [3, struct({ account: ACCOUNT_ID, generation: U32 })],
  /** The secret of a space's key epoch, for whoever takes up an offer to join. */
  joinOffer: [4, struct({ space: SPACE_ID, epoch: U32, key: DEVICE_ID })],
});

/** What a wrapped secret is and for whom. */
export type Purpose = Value<typeof PURPOSE>;

/** Nothing was wrapped for this key and purpose here. */
export class UnwrapError extends Error {
  override readonly name = 'UnwrapError';
}

/** Wraps 32 secret bytes for the holder of a public key. */
export async function wrap(
  to: Uint8Array,
  purpose: Purpose,
  secret: Uint8Array,
  entropy: Entropy,
): Promise<Uint8Array> {
  const seed = entropy.bytes(ENCAPSULATION_SEED_BYTES);
  try {
    const { encapsulated, sealed } = await hpkeSeal(to, info(purpose), secret, seed);
    return concat(Uint8Array.of(SUITE), encapsulated, sealed);
  } catch (cause) {
    throw new FormatError('no public key', { cause });
  }
}

/** Opens what was wrapped for the key of a seed and a purpose. */
export async function unwrap(seed: Uint8Array, purpose: Purpose, wrapped: Uint8Array): Promise<Uint8Array> {
  const sent = {
    encapsulated: wrapped.subarray(1, 1 + ENCAPSULATED_BYTES),
    sealed: wrapped.subarray(1 + ENCAPSULATED_BYTES),
  };
  const opened = wrapped[0] === SUITE ? await hpkeOpen(seed, info(purpose), sent) : null;
  if (opened?.length !== SECRET_BYTES) throw new UnwrapError('a wrapped secret does not open');
  return opened;
}

/** The public key that belongs to a seed. */
export function kemPublic(seed: Uint8Array): Uint8Array {
  return publicKey(seed);
}

function info(purpose: Purpose): Uint8Array {
  return concat(utf8('hythe/1/wrap\0'), encode(PURPOSE, purpose));
}
