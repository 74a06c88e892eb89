/**
 * Coming back: whoever signs out of a browser and logs in to it again with the password is the same device
 * as before. What that takes stays behind sealed under the password, which nobody tries out without the
 * server: the key follows from OPAQUE's export key.
 */

import { fixed, decode, encode, optional, struct } from '../format/cbor/codec';
import { deriveKey } from '../format/hash';
import { type AccountId, type IdentityKey, idBytes } from '../format/ids';
import { openUnder, sealUnder } from '../format/seal';
import { TOKEN } from '../format/wire/account';
import type { Context } from './context';
import { lock, makeVault, unlock } from './device';
import { isFault } from './fault';
import type { KeptDevice, LeftBehind } from './keystore';

const PURPOSE = 'hythe 1 browser comes back';
const MAX_SEALED_BYTES = 1024;

/** What is sealed: what a page needs to be the device again. */
const SEALED = struct({
  token: TOKEN,
  kemSeed: fixed(32),
  /** The seed of the signing key, where the browser has no Ed25519. */
  seed: optional(fixed(32)),
});

/** The key under which a password seals what stays behind. */
export function comebackKey(exportKey: Uint8Array): Uint8Array {
  return deriveKey('hythe 1 browser comeback key', exportKey);
}

/** Leaves behind what it takes to come back as this device. */
export async function leaveBehind(
  { store }: Context,
  kept: KeptDevice,
  token: Uint8Array,
  key: Uint8Array,
): Promise<void> {
  const { account, device, identity, vault, signing } = kept;
  const isSeed = signing instanceof Uint8Array;
  const plain = encode(SEALED, {
    token,
    kemSeed: await unlock(vault, kept.kemSeed),
    seed: isSeed ? await unlock(vault, signing) : null,
  });
  const sealed = await sealUnder(key, PURPOSE, idBytes(device), plain);
  const held = isSeed ? null : signing;
  await store.put('left', { account, device, identity, key: kept.key, held, sealed });
}

/** Makes this browser the device again that it was before; null where it cannot be. */
export async function comeBack(
  { api, store }: Context,
  identity: IdentityKey,
  account: AccountId,
  key: Uint8Array,
): Promise<KeptDevice | null> {
  const left = await store.get('left');
  if (left?.account !== account || left.identity !== identity) return null;
  const opened = await openUnder(key, PURPOSE, idBytes(left.device), left.sealed);
  // Another password since then; or nothing that this page wrote.
  if (opened === null) return null;
  const { token, kemSeed, seed } = decode(SEALED, opened, MAX_SEALED_BYTES);
  const present = await store.get('device');
  // A session that ended by itself left everything in place.
  const kept = present?.device === left.device ? present : await keptAgain(left, kemSeed, seed);
  if (kept === null) return null;
  try {
    await api.nothing('POST', '/web/session', { scheme: 'Bearer', token });
  } catch (error) {
    if (!isFault(error, 'signedOut') && !isFault(error, 'deviceRemoved')) throw error;
    // It was cut off meanwhile.
    await store.remove('left');
    return null;
  }
  await store.put('device', kept);
  return kept;
}

async function keptAgain(
  left: LeftBehind,
  kemSeed: Uint8Array,
  seed: Uint8Array | null,
): Promise<KeptDevice | null> {
  const { account, device, identity, key, held } = left;
  const vault = await makeVault();
  const signing = seed === null ? held : await lock(vault, seed);
  if (signing === null) return null;
  return { account, device, identity, key, signing, vault, kemSeed: await lock(vault, kemSeed) };
}
