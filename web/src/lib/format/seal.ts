/** Small secrets sealed under another secret: the sealing construction of docs/format/content.md. */

import { aesOpen, aesSeal } from './aes';
import { concat, equal } from './bytes';
import { deriveKey, keyedBlake3 } from './hash';

const SUITE = 1;
const WRAPPED = 4;
const HEAD = Uint8Array.of(SUITE, WRAPPED);
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const CONTEXTS = 'hythe 2026-11-22 content v1: ';

/**
 * Seals bytes under a secret for one purpose. `aad` says which object this is: it is authenticated,
 * not stored, and must be given again to open.
 */
export async function sealUnder(
  secret: Uint8Array,
  purpose: string,
  aad: Uint8Array,
  plain: Uint8Array,
): Promise<Uint8Array> {
  const object = objectKeys(secret, purpose, aad);
  const nonce = object.nonce(plain);
  return concat(HEAD, nonce, await aesSeal(object.cipher, nonce, object.aad, plain));
}

/** Opens what was sealed with the same secret, purpose and `aad`; null where any of them differs. */
export async function openUnder(
  secret: Uint8Array,
  purpose: string,
  aad: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array | null> {
  const head = sealed.subarray(0, HEAD.length);
  if (sealed.length < HEAD.length + NONCE_BYTES + TAG_BYTES || !equal(head, HEAD)) return null;
  const object = objectKeys(secret, purpose, aad);
  const nonce = sealed.subarray(HEAD.length, HEAD.length + NONCE_BYTES);
  const body = sealed.subarray(HEAD.length + NONCE_BYTES);
  const plain = await aesOpen(object.cipher, nonce, object.aad, body);
  // GCM does not commit to its key; the nonce follows from the plaintext and tells.
  return plain !== null && equal(object.nonce(plain), nonce) ? plain : null;
}

interface ObjectKeys {
  readonly cipher: Uint8Array;
  readonly aad: Uint8Array;
  readonly nonce: (plain: Uint8Array) => Uint8Array;
}

function objectKeys(secret: Uint8Array, purpose: string, aad: Uint8Array): ObjectKeys {
  const object = deriveKey(purpose, concat(secret, aad));
  const nonceKey = deriveKey(`${CONTEXTS}wrapped, nonce`, object);
  const authenticated = concat(HEAD, aad);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(authenticated.length));
  return {
    cipher: deriveKey(`${CONTEXTS}wrapped, cipher`, object),
    aad: authenticated,
    nonce: (plain) => keyedBlake3(nonceKey, concat(length, authenticated, plain)).slice(0, NONCE_BYTES),
  };
}
