/**
 * HPKE (RFC 9180) in base mode with X-Wing (0x647a), HKDF-SHA256 and AES-256-GCM, for one message
 * without authenticated data: what secrets are wrapped with.
 */

import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ml_kem768_x25519 as xWing } from '@noble/post-quantum/hybrid.js';

import { aesOpen, aesSeal } from './aes';
import { concat, utf8 } from './bytes';

/** Lengths of a public key, of what is sent along, and of the randomness that sending takes. */
export const PUBLIC_BYTES = 1216;
export const ENCAPSULATED_BYTES = 1120;
export const ENCAPSULATION_SEED_BYTES = 64;

const NONE = new Uint8Array();
const BASE_MODE = Uint8Array.of(0);
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const VERSION = utf8('HPKE-v1');
/** "HPKE" and the numbers of X-Wing, HKDF-SHA256 and AES-256-GCM. */
const SUITE_ID = concat(utf8('HPKE'), Uint8Array.of(0x64, 0x7a, 0x00, 0x01, 0x00, 0x02));

/** A message for the holder of a key. */
export interface Sent {
  readonly encapsulated: Uint8Array;
  readonly sealed: Uint8Array;
}

/** The public key that belongs to a 32-byte seed. */
export function publicKey(seed: Uint8Array): Uint8Array {
  return xWing.keygen(seed).publicKey;
}

/** Seals for the holder of a public key; throws where the bytes are none. */
export async function hpkeSeal(
  to: Uint8Array,
  info: Uint8Array,
  plain: Uint8Array,
  seed: Uint8Array,
): Promise<Sent> {
  const { cipherText: encapsulated, sharedSecret } = xWing.encapsulate(to, seed);
  const { key, nonce } = schedule(sharedSecret, info);
  return { encapsulated, sealed: await aesSeal(key, nonce, NONE, plain) };
}

/** Opens with the key of a seed; null where it does not open. */
export async function hpkeOpen(seed: Uint8Array, info: Uint8Array, sent: Sent): Promise<Uint8Array | null> {
  if (sent.encapsulated.length !== ENCAPSULATED_BYTES) return null;
  const shared = xWing.decapsulate(sent.encapsulated, seed);
  const { key, nonce } = schedule(shared, info);
  return aesOpen(key, nonce, NONE, sent.sealed);
}

/** KeySchedule of RFC 9180, 5.1, with nothing of a pre-shared key. The first nonce is the base nonce. */
function schedule(shared: Uint8Array, info: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const context = concat(
    BASE_MODE,
    labeledExtract(NONE, 'psk_id_hash', NONE),
    labeledExtract(NONE, 'info_hash', info),
  );
  const secret = labeledExtract(shared, 'secret', NONE);
  return {
    key: labeledExpand(secret, 'key', context, KEY_BYTES),
    nonce: labeledExpand(secret, 'base_nonce', context, NONCE_BYTES),
  };
}

function labeledExtract(salt: Uint8Array, label: string, material: Uint8Array): Uint8Array {
  return extract(sha256, concat(VERSION, SUITE_ID, utf8(label), material), salt);
}

function labeledExpand(secret: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  const labeled = concat(Uint8Array.of(0, length), VERSION, SUITE_ID, utf8(label), info);
  return expand(sha256, secret, labeled, length);
}
