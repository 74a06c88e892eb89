import { beforeAll, describe, expect, test } from 'vitest';

import { type Stamp, signChangeSet } from '../changeset';
import { deviceFromSeeds } from '../device';
import { Entropy } from '../entropy';
import { type NewAccount, createAccount, removeDevices } from '../flow/account';
import { keyGeneration } from '../flow/generation';
import { KeyholderSecret, enrolWithKeyholder, setKeyholders } from '../flow/keyholder';
import { addDeviceOffer, enrolWithOffer } from '../flow/offer';
import { accountStamp, deviceAuthor } from '../flow/stamp';
import { OPERATION_ID } from '../ids';
import { kemPublic, wrap } from '../kem';
import type { Operation } from '../operation';
import type { Signer } from '../sign';
import { filled } from '../testing/golden';
import { AccountKeys } from './keys';
import { type AccountFault, AccountRefusal } from './refusal';
import type { AccountState } from './state';

const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;

let entropy: Entropy;
let made: NewAccount;
let password: KeyholderSecret;
/** The account with a password and a second device. */
let state: AccountState;
let second: Awaited<ReturnType<typeof enrolWithKeyholder>>;

beforeAll(async () => {
  entropy = Entropy.fromSeed(filled(32, 9));
  made = await createAccount(NOW, entropy, deviceFromSeeds);
  password = KeyholderSecret.ofPassword(filled(64, 3));
  const holders = [['password', password]] as const;
  const set = await setKeyholders(made.state, made.device.signer, made.keys, holders, NOW, entropy);
  const held = made.state.append(set);
  second = await enrolWithKeyholder(held, password, NOW, entropy, deviceFromSeeds);
  state = held.append(second.changeSet);
});

function faultOf(work: () => unknown): AccountFault {
  try {
    work();
  } catch (error) {
    if (error instanceof AccountRefusal) return error.fault;
    throw error;
  }
  throw new Error('it was taken');
}

/** What the fold says to operations that somebody signs next, with changes of the header. */
async function judge(
  operations: readonly Operation[],
  signer: Signer = made.device.signer,
  changes: Partial<Stamp> = {},
  on: AccountState = state,
): Promise<AccountFault> {
  const holder = on.keyring.keyholderOf(signer.id)?.[1];
  const device = deviceAuthor(on, signer);
  const author =
    holder === undefined ? device : { ...device, counter: holder.counter + 1, previous: holder.last };
  const stamp = { ...accountStamp(on, author, NOW, entropy), ...changes };
  const changeSet = await signChangeSet(stamp, operations, signer);
  return faultOf(() => on.append(changeSet));
}

/** The next generation of the key, for all but some. */
function renewal(...without: readonly string[]): Promise<Operation> {
  const recipients = state.keyring.recipients();
  for (const id of without) recipients.delete(id as never);
  return keyGeneration(state, recipients, filled(32, 4), made.keys.current, entropy);
}

const removal = (id: string): Operation => ({ kind: 'removeDevice', device: id as never, wipe: null });

describe("the fold of an account's log refuses", () => {
  test('what belongs to another log, skips, or repeats', async () => {
    const fine = [await renewal()];
    const other = { space: 'ab'.repeat(32) as never };
    expect(await judge(fine, undefined, other)).toBe('badChain');
    expect(await judge(fine, undefined, { counter: 99 })).toBe('badChain');
    expect(await judge(fine, undefined, { previous: 'ab'.repeat(32) as never })).toBe('badChain');
    expect(await judge(fine, undefined, { keyEpoch: 1 })).toBe('badChain');
    expect(await judge(fine, undefined, { accountSeen: made.state.head })).toBe('badChain');
    const behalf = { account: state.id, session: OPERATION_ID.of(filled(16, 0)) };
    expect(await judge(fine, undefined, { behalf })).toBe('badChain');
    const { head } = made.state;
    expect(await judge(fine, undefined, { seen: head, accountSeen: head })).toBe('behind');
    const forged = { cursor: head.cursor, chain: 'ab'.repeat(32) as never };
    expect(await judge(fine, undefined, { seen: forged, accountSeen: forged })).toBe('badChain');
  });

  test('whoever is no device of the account, or was one', async () => {
    const stranger = await deviceFromSeeds(entropy);
    expect(await judge([await renewal()], stranger.signer)).toBe('author');
    const { signer } = second.device;
    const removed = await removeDevices(state, made.device.signer, made.keys, [signer.id], NOW, entropy);
    const after = state.append(removed);
    const offer: Operation = {
      kind: 'authoriseOneTime',
      key: stranger.signer.key,
      expiresMs: NOW,
      generation: after.generation,
      wrapped: filled(1169, 0),
      told: null,
    };
    expect(await judge([offer], signer, {}, after)).toBe('author');
  });

  test('a password that does more than sign devices in and out', async () => {
    const { signer } = { signer: password.signer() };
    expect(await judge([await renewal()], signer)).toBe('author');
    const cleared: Operation = { kind: 'setKeyholder', slot: 'password', holder: null };
    expect(await judge([cleared], signer)).toBe('author');
    const gone = second.device.signer.id;
    expect(await judge([removal(gone)], signer)).toBe('author');
    // With the new key it may.
    await expect(judge([removal(gone), await renewal(gone)], signer)).rejects.toThrow('it was taken');
  });

  test('a removal without a new key, and of oneself or nobody', async () => {
    const { id } = second.device.signer;
    expect(await judge([removal(id)])).toBe('wraps');
    expect(await judge([removal(id), await renewal()])).toBe('wraps');
    const own = made.device.signer.id;
    expect(await judge([removal(own), await renewal(own)])).toBe('device');
    expect(await judge([removal('ab'.repeat(32)), await renewal()])).toBe('device');
    expect(await judge([removal(id), removal(id), await renewal(id)])).toBe('device');
  });

  test('a password that is replaced without a new key', async () => {
    const cleared: Operation = { kind: 'setKeyholder', slot: 'password', holder: null };
    expect(await judge([cleared])).toBe('wraps');
    await expect(judge([cleared, await renewal(password.signer().id)])).rejects.toThrow('it was taken');
  });

  test('a generation that is not the next, or without the one before', async () => {
    const next = (await renewal()) as Extract<Operation, { kind: 'kemGeneration' }>;
    expect(await judge([{ ...next, generation: 3 }])).toBe('generation');
    expect(await judge([{ ...next, previous: null }])).toBe('wraps');
    expect(await judge([{ ...next, wraps: next.wraps.slice(1) }])).toBe('wraps');
  });

  test('a device that did not consent, came before, or is wrapped an old key', async () => {
    const [add] = second.changeSet.operations as [Extract<Operation, { kind: 'addDevice' }>];
    expect(await judge([add])).toBe('device');
    const stranger = await deviceFromSeeds(entropy);
    const device = { ...add.device, key: stranger.signer.key };
    expect(await judge([{ ...add, device }])).toBe('signature');
    expect(await judge([{ ...add, device, generation: 0 }])).toBe('generation');
    expect(await judge([{ ...add, device, generation: 2 }])).toBe('generation');
  });

  test('an offer that lives too long, was used, or is taken up too late', async () => {
    const { signer } = made.device;
    const offer = await addDeviceOffer(state, signer, made.keys, NOW, entropy);
    const [operation] = offer.changeSet.operations as [Extract<Operation, { kind: 'authoriseOneTime' }>];
    const late = { ...operation, expiresMs: NOW + HOUR_MS + 1 };
    expect(await judge([late])).toBe('expired');
    const offered = state.append(offer.changeSet);
    expect(await judge([operation], signer, {}, offered)).toBe('device');
    const { secret } = offer;
    const tooLate = enrolWithOffer(offered, secret, NOW + HOUR_MS + 1, entropy, deviceFromSeeds);
    await expect(tooLate).rejects.toThrow('expired');
    const taken = await enrolWithOffer(offered, secret, NOW + HOUR_MS, entropy, deviceFromSeeds);
    const after = offered.append(taken.changeSet);
    await expect(enrolWithOffer(after, secret, NOW, entropy, deviceFromSeeds)).rejects.toThrow('author');
  });

  test('a signature of another key', async () => {
    const stamp = accountStamp(state, deviceAuthor(state, made.device.signer), NOW, entropy);
    const impostor: Signer = { ...second.device.signer, id: made.device.signer.id };
    const forged = await signChangeSet(stamp, [await renewal()], impostor);
    expect(faultOf(() => state.append(forged))).toBe('signature');
  });

  test('and is as it was after a refusal', async () => {
    const before = [state.head, [...state.keyring.devices], state.generation];
    const { id } = second.device.signer;
    await judge([removal(id)]);
    expect([state.head, [...state.keyring.devices], state.generation]).toEqual(before);
  });
});

describe('the keys of an account', () => {
  test('open for its devices, with those of all generations before', async () => {
    const own = await AccountKeys.open(state, second.device.signer.id, second.device.kemSeed);
    expect(own.current).toEqual(made.keys.current);
    const { signer } = second.device;
    const removed = await removeDevices(state, made.device.signer, made.keys, [signer.id], NOW, entropy);
    const after = state.append(removed);
    const left = await AccountKeys.open(after, made.device.signer.id, made.device.kemSeed);
    expect(left.generation).toBe(2);
    await expect(AccountKeys.open(after, signer.id, second.device.kemSeed)).rejects.toThrow('nothing');
  });

  test('open for nobody else', async () => {
    const { id } = made.device.signer;
    await expect(AccountKeys.open(state, id, second.device.kemSeed)).rejects.toThrow('does not open');
    // Whoever wraps something else than the account's secret is found out.
    const purpose = { kind: 'account', account: state.id, generation: 1, device: id } as const;
    const other = await wrap(kemPublic(made.device.kemSeed), purpose, filled(32, 6), entropy);
    const opening = AccountKeys.openWrapped(state, id, made.device.kemSeed, other);
    await expect(opening).rejects.toThrow('another one');
    const unknown = { epoch: 1, generation: 2, wrapped: other };
    await expect(made.keys.openEpoch('ab'.repeat(32) as never, unknown)).rejects.toThrow('not known');
  });
});
