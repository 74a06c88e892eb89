/** Making an account, and removing devices from it. */

import { AccountKeys } from '../account/keys';
import { AccountState } from '../account/state';
import { type ChangeSet, signChangeSet } from '../changeset';
import { type Device, type MakeDevice, cardOf } from '../device';
import type { Entropy } from '../entropy';
import { type DeviceId, HEAD_START } from '../ids';
import type { Operation } from '../operation';
import type { Signer } from '../sign';
import { keyGeneration } from './generation';
import { accountStamp, deviceAuthor, drawOperation, genesisStamp } from './stamp';

/** A new account with its first device. */
export interface NewAccount {
  /** Its log so far: genesis and first key generation. */
  readonly log: ChangeSet[];
  readonly state: AccountState;
  readonly device: Device;
  readonly keys: AccountKeys;
}

/** Makes an account and the keys of its first device. */
export async function createAccount(timeMs: number, entropy: Entropy, make: MakeDevice): Promise<NewAccount> {
  const device = await make(entropy);
  const { signer } = device;
  const nonce = entropy.bytes(32);
  const stamp = genesisStamp(drawOperation(entropy), { ...HEAD_START }, timeMs);
  const operation: Operation = { kind: 'accountGenesis', nonce, device: cardOf(device) };
  const genesis = await signChangeSet(stamp, [operation], signer);
  const begun = AccountState.start(genesis);
  const seed = entropy.bytes(32);
  const generation = await keyGeneration(begun, begun.keyring.recipients(), seed, null, entropy);
  const next = accountStamp(begun, deviceAuthor(begun, signer), timeMs, entropy);
  const first = await signChangeSet(next, [generation], signer);
  const state = begun.append(first);
  const keys = AccountKeys.first(state.id, seed);
  return { log: [genesis, first], state, device, keys };
}

/**
 * Removes devices and renews the account's key for the others. The spaces' secrets should be renewed
 * after it. Throws an `AccountRefusal` when one is not there or is the author itself.
 */
export async function removeDevices(
  account: AccountState,
  signer: Signer,
  keys: AccountKeys,
  devices: readonly DeviceId[],
  timeMs: number,
  entropy: Entropy,
): Promise<ChangeSet> {
  const seed = entropy.bytes(32);
  const recipients = account.keyring.recipients();
  for (const device of devices) recipients.delete(device);
  const generation = await keyGeneration(account, recipients, seed, keys.current, entropy);
  const removals = devices.map((device): Operation => ({ kind: 'removeDevice', device, wipe: null }));
  const stamp = accountStamp(account, deviceAuthor(account, signer), timeMs, entropy);
  const changeSet = await signChangeSet(stamp, [...removals, generation], signer);
  account.append(changeSet);
  return changeSet;
}
