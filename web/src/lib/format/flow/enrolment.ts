/** Making a new device's keys and letting somebody sign them in. */

import type { AccountKeys } from '../account/keys';
import { consentTo } from '../account/operation';
import type { AccountState } from '../account/state';
import { type ChangeSet, signChangeSet } from '../changeset';
import { type Device, type MakeDevice, cardOf } from '../device';
import type { Entropy } from '../entropy';
import type { Operation } from '../operation';
import { wrappedFor } from './generation';
import { type Author, accountStamp } from './stamp';

/** A device that was signed in. */
export interface Enrolled {
  /** For the account's log; the device belongs to the account once it is accepted. */
  readonly changeSet: ChangeSet;
  readonly device: Device;
  readonly keys: AccountKeys;
}

/** Makes a new device's keys and lets `author` sign them in; `keys` are the account's. */
export async function signIn(
  account: AccountState,
  author: Author,
  keys: AccountKeys,
  timeMs: number,
  entropy: Entropy,
  make: MakeDevice,
): Promise<Enrolled> {
  const device = await make(entropy);
  const card = cardOf(device);
  const { generation } = keys;
  const wrapped = await wrappedFor(account.id, generation, card, keys.current, entropy);
  const consent = await consentTo(account.id, card, device.signer);
  const operation: Operation = { kind: 'addDevice', device: card, consent, generation, wrapped };
  const stamp = accountStamp(account, author, timeMs, entropy);
  const changeSet = await signChangeSet(stamp, [operation], author.signer);
  account.append(changeSet);
  return { changeSet, device, keys };
}
