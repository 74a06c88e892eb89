import { describe, expect, test } from 'vitest';

import { AccountState } from './account/state';
import { AccountRefusal } from './account/refusal';
import { type ChangeSet, decodeChangeSet } from './changeset';
import { U32, BOOL, encode, list, octets, optional, struct, uint, fixed, type Codec } from './cbor/codec';
import { FormatError } from './cbor/error';
import { MAJOR } from './cbor/writer';
import { DEVICE_CARD } from './account/operation';
import { deviceFromSeeds } from './device';
import { Entropy } from './entropy';
import { createAccount, removeDevices } from './flow/account';
import { KeyholderSecret, enrolWithKeyholder, setKeyholders } from './flow/keyholder';
import { addDeviceOffer, enrolWithOffer } from './flow/offer';
import { HEADER } from './header';
import { OPERATION, type Operation } from './operation';
import { createSpace, recipientOf } from './flow/space';
import { hex } from './bytes';
import { ACCOUNT_ID, CHAIN_HASH, DEVICE_ID, HEADER_HASH, words } from './ids';
import { filled, goldenLines } from './testing/golden';

/** The time in the golden files. */
const NOW = 1_800_000_000_000;

const LOGS = [
  'account-log-1.hex',
  'account-keyholders-1.hex',
  'space-log-1.hex',
  'space-members-1.hex',
  'space-ending-1.hex',
];

/** The outermost form of a change set. */
const OUTER = struct({
  header: octets(),
  signature: fixed(64),
  clear: octets(),
  sealed: list(optional(octets())),
});

function clearOf(operations: readonly Operation[]): Uint8Array {
  return encode(list(OPERATION), [...operations]);
}

/** Bytes with one bit of a part of them turned. */
function swapped(bytes: Uint8Array, part: Uint8Array): Uint8Array {
  const at = hex(bytes).indexOf(hex(part)) / 2;
  const changed = bytes.slice();
  changed[at]! ^= 1;
  return changed;
}

function texts(log: readonly ChangeSet[]): string[] {
  return log.map((changeSet) => hex(changeSet.encoded));
}

describe('change sets', () => {
  test.each(LOGS)('of %s are read and written again as they are', (name) => {
    for (const bytes of goldenLines(name)) {
      expect(hex(decodeChangeSet(bytes).encoded)).toBe(hex(bytes));
    }
  });

  test('with any bit turned are refused, or are not signed by their author', () => {
    const [genesis, ...rest] = goldenLines('account-keyholders-1.hex');
    const last = rest.at(-1)!;
    const before = AccountState.replay([genesis!, ...rest.slice(0, -1)].map(decodeChangeSet));
    // Every 97th bit: all of them take minutes, and the parts are longer than that.
    for (let bit = 0; bit < last.length * 8; bit += 97) {
      const changed = last.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => before.append(decodeChangeSet(changed)), `bit ${bit}`).toThrow();
    }
  });

  test('with a sealed part changed or left out are refused; one that was purged is not missed', () => {
    const [whole] = goldenLines('space-log-1.hex')
      .map(decodeChangeSet)
      .filter((changeSet) => changeSet.sealed.length > 1);
    const { header, signature, operations, sealed, encoded } = whole!;
    expect(() => decodeChangeSet(swapped(encoded, sealed[0]!))).toThrow('sealed part');
    const outer = { header: encode(HEADER, header), signature, clear: clearOf(operations) };
    const purged = sealed.map((part, index) => (index === 0 ? null : part));
    expect(decodeChangeSet(encode(OUTER, { ...outer, sealed: purged })).sealed[0]).toBeNull();
    const fewer = encode(OUTER, { ...outer, sealed: sealed.slice(1) });
    expect(() => decodeChangeSet(fewer)).toThrow('missing');
  });

  test('of a suite that is not known are refused, also where everything else fits', () => {
    const { header, signature, operations } = decodeChangeSet(goldenLines('account-log-1.hex')[0]!);
    const other = encode(HEADER, { ...header, suite: 2 });
    const bytes = encode(OUTER, { header: other, signature, clear: clearOf(operations), sealed: [] });
    expect(() => decodeChangeSet(bytes)).toThrow('unknown suite 2');
  });

  test('followed by anything are refused', () => {
    const [genesis] = goldenLines('account-log-1.hex');
    expect(() => decodeChangeSet(Uint8Array.of(...genesis!, 0))).toThrow(FormatError);
  });
});

describe('the fold of an account', () => {
  test.each([
    ['account-log-1.hex', 'account-state-1.hex'],
    ['account-keyholders-1.hex', 'account-keyholders-state-1.hex'],
  ])('of %s leads to the state that Rust stores', (log, state) => {
    const folded = AccountState.replay(goldenLines(log).map(decodeChangeSet));
    expect(hex(encode(STATE, stored(folded)))).toBe(hex(goldenLines(state)[0]!));
  });

  test('starts with a genesis that its own device signed, and with nothing else', () => {
    const log = goldenLines('account-log-1.hex').map(decodeChangeSet);
    const [genesis] = log;
    expect(() => AccountState.replay([])).toThrow(AccountRefusal);
    expect(() => AccountState.replay(log.slice(1))).toThrow('badChain');
    const other = decodeChangeSet(goldenLines('account-keyholders-1.hex')[0]!);
    const unsigned = { ...genesis!, signature: other.signature };
    expect(() => AccountState.start(unsigned)).toThrow('signature');
    const header = { ...genesis!.header, accountSeen: { cursor: 1, chain: log[1]!.header.seen.chain } };
    expect(() => AccountState.start({ ...genesis!, header })).toThrow('badChain');
  });

  test('refuses a log with a change set left out, and one that comes twice', () => {
    const log = goldenLines('account-log-1.hex').map(decodeChangeSet);
    const without = [...log.slice(0, 2), ...log.slice(3)];
    expect(() => AccountState.replay(without)).toThrow(AccountRefusal);
    expect(() => AccountState.replay([...log, log.at(-1)!])).toThrow(AccountRefusal);
  });
});

describe('flows write the bytes that Rust writes', () => {
  test('an offer taken up, and a device removed', async () => {
    const entropy = Entropy.fromSeed(filled(32, 1));
    const made = await createAccount(NOW, entropy, deviceFromSeeds);
    const { signer } = made.device;
    const offer = await addDeviceOffer(made.state, signer, made.keys, NOW, entropy);
    const offered = made.state.append(offer.changeSet);
    const second = await enrolWithOffer(offered, offer.secret, NOW + 1, entropy, deviceFromSeeds);
    const joined = offered.append(second.changeSet);
    const removal = await removeDevices(
      joined,
      second.device.signer,
      second.keys,
      [signer.id],
      NOW + 2,
      entropy,
    );
    const log = [...made.log, offer.changeSet, second.changeSet, removal];
    expect(texts(log)).toEqual(goldenLines('account-log-1.hex').map(hex));
  });

  test('a password and a recovery code, and a device signed in with one', async () => {
    const entropy = Entropy.fromSeed(filled(32, 2));
    const made = await createAccount(NOW, entropy, deviceFromSeeds);
    const { signer } = made.device;
    const password = KeyholderSecret.ofPassword(filled(64, 1));
    const both = [
      ['password', password],
      ['recovery', KeyholderSecret.ofRecovery(filled(20, 2))],
    ] as const;
    const set = await setKeyholders(made.state, signer, made.keys, both, NOW, entropy);
    const held = made.state.append(set);
    const second = await enrolWithKeyholder(held, password, NOW + 1, entropy, deviceFromSeeds);
    const joined = held.append(second.changeSet);
    const none = [['password', null]] as const;
    const removed = await setKeyholders(joined, signer, made.keys, none, NOW + 2, entropy);
    const log = [...made.log, set, second.changeSet, removed];
    expect(texts(log)).toEqual(goldenLines('account-keyholders-1.hex').map(hex));
  });

  test('an open space with the server as a member', async () => {
    const entropy = Entropy.fromSeed(filled(32, 7));
    const alice = await createAccount(NOW, entropy, deviceFromSeeds);
    await createAccount(NOW, entropy, deviceFromSeeds);
    const server = await createAccount(NOW, entropy, deviceFromSeeds);
    const { state, device } = alice;
    const space = await createSpace(state, device.signer, recipientOf(server.state), NOW, entropy);
    expect(texts(space.log)).toEqual(goldenLines('space-log-1.hex').slice(0, 2).map(hex));
    const second = space.log[1]!.operations.at(-1);
    const wraps = second?.kind === 'newEpoch' ? second.wraps : [];
    const own = wraps.find((wrap) => wrap.account === state.id)!;
    const opened = await alice.keys.openEpoch(space.space, { ...own, epoch: 1 });
    expect(hex(opened)).toBe(hex(space.secret));
  });
});

/** The stored form of an account's state (docs/format/log.md), which the page itself never writes. */
const WRAPPED = fixed(1169);
const RECORD = {
  card: DEVICE_CARD,
  added: uint(),
  removed: optional(uint()),
  counter: uint(),
  last: HEADER_HASH,
  wrapped: optional(WRAPPED),
};
const KEYHOLDER = struct({
  card: DEVICE_CARD,
  set: uint(),
  counter: uint(),
  last: HEADER_HASH,
  wrapped: WRAPPED,
});
const OFFER = struct({ key: fixed(32), expiresMs: uint(), wrapped: WRAPPED, told: optional(fixed(0)) });
const STATE = struct({
  suite: U32,
  id: ACCOUNT_ID,
  chain: words(CHAIN_HASH),
  keyring: struct({
    devices: byId(struct(RECORD)),
    offers: byId(OFFER),
    generations: list(struct({ public: fixed(1216), previous: optional(WRAPPED) })),
    isStale: BOOL,
    keyholders: optional(struct({ password: optional(KEYHOLDER), recovery: optional(KEYHOLDER) })),
  }),
});

function byId<T>(codec: Codec<T>): Codec<[string, T][]> {
  return {
    write: (to, pairs) => {
      to.head(MAJOR.map, pairs.length);
      for (const [id, value] of [...pairs].sort(([one], [other]) => (one < other ? -1 : 1))) {
        DEVICE_ID.write(to, DEVICE_ID.parse(id)!);
        codec.write(to, value);
      }
    },
    read: () => {
      throw new Error('only written');
    },
  };
}

function stored({ id, chain, keyring }: AccountState) {
  const { keyholders } = keyring;
  const held = {
    password: keyholders.get('password') ?? null,
    recovery: keyholders.get('recovery') ?? null,
  };
  return {
    suite: 1,
    id,
    chain: [...chain],
    keyring: {
      devices: [...keyring.devices],
      offers: [...keyring.offers],
      generations: keyring.generations,
      isStale: keyring.isStale,
      keyholders: keyholders.size === 0 ? null : held,
    },
  };
}
