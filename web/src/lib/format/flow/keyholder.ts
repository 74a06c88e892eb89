/** Password and recovery code: what a person knows holds the account's key like a device. */

import { AccountKeys } from '../account/keys';
import { type DeviceCard, type Slot, cardId, consentTo } from '../account/operation';
import { AccountRefusal } from '../account/refusal';
import type { AccountState } from '../account/state';
import { type ChangeSet, signChangeSet } from '../changeset';
import type { MakeDevice } from '../device';
import type { Entropy } from '../entropy';
import { deriveKey } from '../hash';
import { kemPublic } from '../kem';
import type { Operation, OperationOf } from '../operation';
import { type Signer, seedSigner } from '../sign';
import { type Enrolled, signIn } from './enrolment';
import { keyGeneration, wrappedFor } from './generation';
import { accountStamp, deviceAuthor } from './stamp';

/** 32 secret bytes from which everything about a password or a recovery code follows. */
export class KeyholderSecret {
  readonly #secret: Uint8Array;

  private constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** That of a password: from the export key that OPAQUE gives for it. */
  static ofPassword(exportKey: Uint8Array): KeyholderSecret {
    return new KeyholderSecret(deriveKey('hythe 1 password keyholder', exportKey));
  }

  /** That of a recovery code's random bytes. */
  static ofRecovery(code: Uint8Array): KeyholderSecret {
    return new KeyholderSecret(deriveKey('hythe 1 recovery keyholder', code));
  }

  /** What signs devices in and out. */
  signer(): Signer {
    return seedSigner(deriveKey('hythe 1 keyholder signing key', this.#secret));
  }

  /** The seed of the key that the account's secret is wrapped to. */
  kemSeed(): Uint8Array {
    return deriveKey('hythe 1 keyholder wrapping key', this.#secret);
  }

  /** What is shown to the server to be let in with a recovery code. */
  token(): Uint8Array {
    return deriveKey('hythe 1 keyholder token', this.#secret);
  }
}

/** What a slot is to hold from now on; null: nothing. */
export type Holder = readonly [Slot, KeyholderSecret | null];

/**
 * Sets, replaces or removes password and recovery code, signed by a device. Where one is replaced or
 * removed the account's key is renewed.
 */
export async function setKeyholders(
  account: AccountState,
  signer: Signer,
  keys: AccountKeys,
  holders: readonly Holder[],
  timeMs: number,
  entropy: Entropy,
): Promise<ChangeSet> {
  const operations: Operation[] = [];
  const replaced = new Set<Slot>();
  const cards: DeviceCard[] = [];
  for (const [slot, secret] of holders) {
    if (account.keyring.keyholders.has(slot)) replaced.add(slot);
    const operation = await setOperation(account, keys, slot, secret, entropy);
    if (operation.holder !== null) cards.push(operation.holder.card);
    operations.push(operation);
  }
  if (replaced.size > 0) operations.push(await renewal(account, keys, replaced, cards, entropy));
  const stamp = accountStamp(account, deviceAuthor(account, signer), timeMs, entropy);
  const changeSet = await signChangeSet(stamp, operations, signer);
  account.append(changeSet);
  return changeSet;
}

/** Makes a new device's keys and signs them in with the password or the recovery code. */
export async function enrolWithKeyholder(
  account: AccountState,
  secret: KeyholderSecret,
  timeMs: number,
  entropy: Entropy,
  make: MakeDevice,
): Promise<Enrolled> {
  const signer = secret.signer();
  const record = account.keyring.keyholderOf(signer.id)?.[1];
  if (record === undefined) throw new AccountRefusal('author');
  const keys = await AccountKeys.openWrapped(account, signer.id, secret.kemSeed(), record.wrapped);
  const author = { signer, counter: record.counter + 1, previous: record.last };
  return signIn(account, author, keys, timeMs, entropy, make);
}

async function setOperation(
  account: AccountState,
  keys: AccountKeys,
  slot: Slot,
  secret: KeyholderSecret | null,
  entropy: Entropy,
): Promise<OperationOf<'setKeyholder'>> {
  if (secret === null) return { kind: 'setKeyholder', slot, holder: null };
  const signer = secret.signer();
  const card = { key: signer.key, kem: kemPublic(secret.kemSeed()) };
  const { generation } = keys;
  const wrapped = await wrappedFor(account.id, generation, card, keys.current, entropy);
  const consent = await consentTo(account.id, card, signer);
  return { kind: 'setKeyholder', slot, holder: { card, consent, generation, wrapped } };
}

/** The new generation that calls for, without who was replaced and with who came. */
async function renewal(
  account: AccountState,
  keys: AccountKeys,
  replaced: ReadonlySet<Slot>,
  cards: readonly DeviceCard[],
  entropy: Entropy,
): Promise<OperationOf<'kemGeneration'>> {
  const recipients = account.keyring.recipients();
  for (const slot of replaced) {
    const record = account.keyring.keyholders.get(slot);
    if (record !== undefined) recipients.delete(cardId(record.card));
  }
  for (const card of cards) recipients.set(cardId(card), card);
  const ascending = new Map([...recipients].sort(([one], [other]) => (one < other ? -1 : 1)));
  return keyGeneration(account, ascending, entropy.bytes(32), keys.current, entropy);
}
