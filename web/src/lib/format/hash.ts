/** BLAKE3, of small data. */

import { blake3 as hash } from '@noble/hashes/blake3.js';

import { utf8 } from './bytes';

/** BLAKE3 of bytes. */
export function blake3(bytes: Uint8Array): Uint8Array {
  return hash(bytes);
}

/** Keyed BLAKE3. */
export function keyedBlake3(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return hash(bytes, { key });
}

/** BLAKE3's key derivation. */
export function deriveKey(context: string, material: Uint8Array, length = 32): Uint8Array {
  return hash(material, { context: utf8(context), dkLen: length });
}
