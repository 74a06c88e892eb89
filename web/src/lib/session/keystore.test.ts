import 'fake-indexeddb/auto';

import { describe, expect, test } from 'vitest';

import { hex, utf8 } from '../format/bytes';
import { Entropy } from '../format/entropy';
import type { AccountId, IdentityKey } from '../format/ids';
import { verifyBare } from '../format/sign';
import { keep, lock, makeBrowserDevice, makeSeedDevice, makeVault, unkeep, unlock } from './device';
import { openKeyStore } from './indexeddb';
import { MemoryKeyStore } from './keystore';

const ACCOUNT = '11'.repeat(32) as AccountId;
const IDENTITY = '22'.repeat(32) as IdentityKey;
const MESSAGE = utf8('signed');

describe.each([
  ['of the browser', openKeyStore],
  ['in memory', () => Promise.resolve(new MemoryKeyStore())],
])('the store %s', (_, open) => {
  test.each([
    ['that no script can read', makeBrowserDevice],
    ['from a seed', makeSeedDevice],
  ])('keeps a device with a signing key %s', async (_name, make) => {
    const store = await open();
    const made = await make(Entropy.system());
    await store.put('device', await keep(made, ACCOUNT, IDENTITY, await makeVault()));
    const kept = (await store.get('device'))!;
    expect(kept).toMatchObject({ account: ACCOUNT, identity: IDENTITY, device: made.signer.id });
    const back = await unkeep(kept);
    expect(hex(back.kemSeed)).toBe(hex(made.kemSeed));
    const signature = await back.signer.signBare(MESSAGE);
    expect(verifyBare(made.signer.key, MESSAGE, signature)).toBe(true);
    await store.remove('device', 'enrolling');
    expect(await store.get('device')).toBeNull();
  });
});

describe('the store of the browser', () => {
  test('is there again when the page is', async () => {
    const vault = await makeVault();
    await (await openKeyStore()).put('recovery', { sealed: await lock(vault, MESSAGE) });
    const { sealed } = (await (await openKeyStore()).get('recovery'))!;
    expect(hex(await unlock(vault, sealed))).toBe(hex(MESSAGE));
  });

  test('is one in memory where the browser keeps nothing', async () => {
    const { indexedDB } = globalThis;
    try {
      Object.assign(globalThis, { indexedDB: undefined });
      expect(await openKeyStore()).toBeInstanceOf(MemoryKeyStore);
    } finally {
      Object.assign(globalThis, { indexedDB });
    }
  });
});

describe('keys of a browser', () => {
  test('are given out to no script', async () => {
    const vault = await makeVault();
    const made = await makeBrowserDevice(Entropy.system());
    const { signing } = await keep(made, ACCOUNT, IDENTITY, vault);
    expect(signing).toBeInstanceOf(CryptoKey);
    await expect(crypto.subtle.exportKey('pkcs8', signing as CryptoKey)).rejects.toThrow();
    await expect(crypto.subtle.exportKey('raw', vault)).rejects.toThrow();
  });

  test('are sealed where the browser has no Ed25519', async () => {
    const made = await makeSeedDevice(Entropy.fromSeed(MESSAGE));
    const seed = hex(Entropy.fromSeed(MESSAGE).bytes(32));
    const { signing } = await keep(made, ACCOUNT, IDENTITY, await makeVault());
    expect(hex(signing as Uint8Array)).not.toContain(seed);
    await expect(unlock(await makeVault(), signing as Uint8Array)).rejects.toThrow();
  });
});
