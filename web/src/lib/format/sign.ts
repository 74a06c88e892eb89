/** Ed25519: signatures of devices, verified strictly. */

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';

import { concat, equal, utf8 } from './bytes';
import { blake3 } from './hash';
import { DEVICE_ID, type DeviceId } from './ids';

/** What a signature is for: the text in front of what is signed. */
export const CONTEXT = {
  changeSet: 'hythe/1/change-set',
  deviceConsent: 'hythe/1/device-consent',
  joinConsent: 'hythe/1/join-consent',
  checkpoint: 'hythe/1/checkpoint',
  sighting: 'hythe/1/sighting',
} as const;

export type Context = keyof typeof CONTEXT;

/** Whatever signs: a key that a browser keeps, or one that follows from a secret. */
export interface Signer {
  /** The public half. */
  readonly key: Uint8Array;
  /** The id of the device that holds it. */
  readonly id: DeviceId;
  /** The signature of exactly these bytes. */
  signBare(message: Uint8Array): Promise<Uint8Array>;
}

/** The id of the device with a key: its BLAKE3. */
export function deviceId(key: Uint8Array): DeviceId {
  return DEVICE_ID.of(blake3(key));
}

/** The signer that belongs to 32 secret bytes. */
export function seedSigner(seed: Uint8Array): Signer {
  const key = ed25519.getPublicKey(seed);
  return {
    key,
    id: deviceId(key),
    signBare: (message) => Promise.resolve(ed25519.sign(message, seed)),
  };
}

/** Signs `content` for one purpose. */
export function sign(signer: Signer, context: Context, content: Uint8Array): Promise<Uint8Array> {
  return signer.signBare(message(context, content));
}

/** Whether a key signed `content` for one purpose. */
export function verify(
  key: Uint8Array,
  context: Context,
  content: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verifyBare(key, message(context, content), signature);
}

/**
 * Whether a key signed exactly these bytes. Strict as the other side is (`verify_strict` of
 * ed25519-dalek): weak keys, second spellings and the cofactor's play are refused, so that everybody
 * agrees about every signature.
 */
export function verifyBare(key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const { Point } = ed25519;
  const encodedR = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  try {
    // Throws for an s that is not below the order: there would be a second form of each signature.
    const sB = Point.BASE.multiplyUnsafe(s);
    const a = Point.fromBytes(key);
    const r = Point.fromBytes(encodedR);
    if (a.isSmallOrder() || r.isSmallOrder()) return false;
    const challenge = littleEndian(sha512(concat(encodedR, key, bytes))) % Point.Fn.ORDER;
    const expected = sB.subtract(a.multiplyUnsafe(challenge));
    return equal(expected.toBytes(), encodedR);
  } catch {
    // What is no point is no signature.
    return false;
  }
}

function message(context: Context, content: Uint8Array): Uint8Array {
  return concat(utf8(CONTEXT[context]), Uint8Array.of(0), content);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
