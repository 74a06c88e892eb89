import { describe, expect, test } from 'vitest';

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { ml_kem768_x25519 as xWing } from '@noble/post-quantum/hybrid.js';

import { concat, hex } from './bytes';
import { seedSigner, sign, verify, verifyBare } from './sign';
import { bytesOf, filled, repositoryText } from './testing/golden';

describe('Ed25519', () => {
  // RFC 8032, 7.1, test 2.
  const seed = bytesOf('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
  const key = bytesOf('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  const signature = bytesOf(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );

  test('signs and verifies as RFC 8032 says', async () => {
    const signer = seedSigner(seed);
    expect(hex(signer.key)).toBe(hex(key));
    expect(hex(await signer.signBare(Uint8Array.of(0x72)))).toBe(hex(signature));
    expect(verifyBare(key, Uint8Array.of(0x72), signature)).toBe(true);
    expect(verifyBare(key, Uint8Array.of(0x73), signature)).toBe(false);
  });

  test('takes no signature of one context for another', async () => {
    const signer = seedSigner(seed);
    const made = await sign(signer, 'changeSet', filled(32, 1));
    expect(verify(key, 'changeSet', filled(32, 1), made)).toBe(true);
    expect(verify(key, 'checkpoint', filled(32, 1), made)).toBe(false);
  });

  test('refuses a second form of a signature (s + L)', () => {
    const s = [...signature.subarray(32)].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    let more = s + ed25519.Point.Fn.ORDER;
    const second = signature.slice();
    for (let at = 32; at < 64; at += 1) {
      second[at] = Number(more & 0xffn);
      more >>= 8n;
    }
    expect(verifyBare(key, Uint8Array.of(0x72), second)).toBe(false);
  });

  test('refuses weak keys, which sign everything', () => {
    const neutral = concat(Uint8Array.of(1), filled(31, 0));
    const forged = concat(neutral, filled(32, 0));
    expect(ed25519.verify(forged, Uint8Array.of(1), neutral, { zip215: true })).toBe(true);
    expect(verifyBare(neutral, Uint8Array.of(1), forged)).toBe(false);
  });

  test("refuses what only holds up to the curve's cofactor", () => {
    // R moved by a point of order 8 (RFC 8032 lets a verifier multiply the equation by 8).
    const { Point } = ed25519;
    const order8 = Point.fromBytes(
      bytesOf('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
    );
    const message = Uint8Array.of(0x72);
    const nonce = 12345n;
    const moved = Point.BASE.multiply(nonce).add(order8).toBytes();
    const { scalar } = ed25519.utils.getExtendedPublicKey(seed);
    const challenge = sha512(concat(moved, key, message));
    const k = [...challenge].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    let s = (nonce + (k % Point.Fn.ORDER) * scalar) % Point.Fn.ORDER;
    const made = concat(moved, filled(32, 0));
    for (let at = 32; at < 64; at += 1) {
      made[at] = Number(s & 0xffn);
      s >>= 8n;
    }
    expect(ed25519.verify(made, message, key)).toBe(true);
    expect(verifyBare(key, message, made)).toBe(false);
  });
});

describe('X-Wing', () => {
  const lines = repositoryText('crates/space/src/crypto/x-wing.txt').trim().split('\n');
  const values = lines.filter((line) => !line.startsWith('#')).map((line) => bytesOf(line.split(' ')[1]!));
  const vectors = [0, 1, 2].map((index) => values.slice(5 * index, 5 * index + 5));

  test.each(vectors)('makes the keys and secrets of its draft', (...vector) => {
    const [seed, key, chosen, encapsulated, shared] = vector as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    expect(hex(xWing.keygen(seed).publicKey)).toBe(hex(key));
    const sent = xWing.encapsulate(key, chosen);
    expect(hex(sent.cipherText)).toBe(hex(encapsulated));
    expect(hex(sent.sharedSecret)).toBe(hex(shared));
    expect(hex(xWing.decapsulate(encapsulated, seed))).toBe(hex(shared));
  });
});
