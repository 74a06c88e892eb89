/** This browser's keys: made so that no script can read them, as far as the browser can. */

import { own } from '../format/aes';
import { concat } from '../format/bytes';
import type { Device, MakeDevice } from '../format/device';
import type { Entropy } from '../format/entropy';
import type { AccountId, DeviceId, IdentityKey } from '../format/ids';
import { type Signer, deviceId, seedSigner } from '../format/sign';
import type { KeptDevice } from './keystore';

const NONCE_BYTES = 12;

/** A key under which a browser seals what it keeps, and that no script can read. */
export function makeVault(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

/** Seals bytes for this browser. Nonces are random: far fewer are drawn than 96 bits allow. */
export async function lock(vault: CryptoKey, plain: Uint8Array): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, vault, own(plain));
  return concat(iv, new Uint8Array(sealed));
}

/** Opens what was sealed for this browser. */
export async function unlock(vault: CryptoKey, sealed: Uint8Array): Promise<Uint8Array> {
  const iv = own(sealed.subarray(0, NONCE_BYTES));
  const body = own(sealed.subarray(NONCE_BYTES));
  return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, vault, body));
}

/** A signing key in the hands of the browser. */
class BrowserSigner implements Signer {
  readonly key: Uint8Array;
  readonly id: DeviceId;
  readonly held: CryptoKey;

  constructor(key: Uint8Array, held: CryptoKey) {
    this.key = key;
    this.id = deviceId(key);
    this.held = held;
  }

  async signBare(message: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign('Ed25519', this.held, own(message)));
  }
}

/** A signing key from a seed that this page holds: where the browser has no Ed25519. */
class SeedSigner implements Signer {
  readonly key: Uint8Array;
  readonly id: DeviceId;
  readonly seed: Uint8Array;
  readonly signBare: Signer['signBare'];

  constructor(seed: Uint8Array) {
    const { key, id, signBare } = seedSigner(seed);
    this.key = key;
    this.id = id;
    this.seed = seed;
    this.signBare = signBare;
  }
}

/** Makes this browser's keys. */
export const makeBrowserDevice: MakeDevice = async (entropy) => ({
  signer: (await browserSigner()) ?? new SeedSigner(entropy.bytes(32)),
  kemSeed: entropy.bytes(32),
});

/** As where the browser has no Ed25519. */
export const makeSeedDevice: MakeDevice = (entropy: Entropy) =>
  Promise.resolve({ signer: new SeedSigner(entropy.bytes(32)), kemSeed: entropy.bytes(32) });

/** A device as it is kept. */
export async function keep(
  device: Device,
  account: AccountId,
  identity: IdentityKey,
  vault: CryptoKey,
): Promise<KeptDevice> {
  const { signer, kemSeed } = device;
  const signing = await heldSigner(signer, vault);
  const { key, id } = signer;
  return { account, device: id, identity, key, signing, vault, kemSeed: await lock(vault, kemSeed) };
}

/** A device out of what was kept. */
export async function unkeep(kept: KeptDevice): Promise<Device> {
  const { vault, key, signing } = kept;
  const kemSeed = await unlock(vault, kept.kemSeed);
  if (signing instanceof Uint8Array) {
    return { signer: new SeedSigner(await unlock(vault, signing)), kemSeed };
  }
  return { signer: new BrowserSigner(key, signing), kemSeed };
}

function heldSigner(signer: Signer, vault: CryptoKey): Promise<CryptoKey | Uint8Array> {
  if (signer instanceof BrowserSigner) return Promise.resolve(signer.held);
  if (signer instanceof SeedSigner) return lock(vault, signer.seed);
  throw new TypeError('a signing key that was not made for keeping');
}

async function browserSigner(): Promise<BrowserSigner | null> {
  try {
    const made = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
    if (!('privateKey' in made)) return null;
    const key = await crypto.subtle.exportKey('raw', made.publicKey);
    return new BrowserSigner(new Uint8Array(key), made.privateKey);
  } catch {
    // A browser from before Web Crypto had Ed25519.
    return null;
  }
}
