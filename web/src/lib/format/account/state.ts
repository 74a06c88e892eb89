/** The fold of an account's log. */

import { headNext } from '../chain';
import { type ChangeSet, isSignedBy } from '../changeset';
import { type Header, logOf } from '../header';
import {
  ACCOUNT_ID,
  type AccountId,
  CHAIN_START,
  type ChainHash,
  type DeviceId,
  type Head,
  type HeaderHash,
  NO_PREVIOUS,
  idBytes,
  sameHead,
} from '../ids';
import type { Operation } from '../operation';
import { Keyring } from './keyring';
import { type Slot, cardId } from './operation';
import { AccountRefusal } from './refusal';

/** Who signs: a device, a password or recovery code, or a one-time key. */
interface Author {
  readonly key: Uint8Array;
  readonly counter: number;
  readonly previous: HeaderHash;
  /** Keeps that it has written, in what follows. */
  readonly note: (keyring: Keyring, counter: number, last: HeaderHash) => void;
}

/** An account at one position of its log. Does not change: `append` gives the next one. */
export class AccountState {
  readonly id: AccountId;
  /** The chain hash after each change set. */
  readonly chain: readonly ChainHash[];
  readonly keyring: Keyring;

  private constructor(id: AccountId, chain: readonly ChainHash[], keyring: Keyring) {
    this.id = id;
    this.chain = chain;
    this.keyring = keyring;
  }

  /** The account that a genesis starts. */
  static start(genesis: ChangeSet): AccountState {
    const [operation] = genesis.operations;
    if (operation?.kind !== 'accountGenesis') throw new AccountRefusal('badChain');
    const { header, hash } = genesis;
    if (!sameHead(header.accountSeen, header.seen)) throw new AccountRefusal('badChain');
    if (!isSignedBy(genesis, operation.device.key)) throw new AccountRefusal('signature');
    const head = headNext(header.seen, hash);
    const keyring = new Keyring();
    keyring.devices.set(cardId(operation.device), {
      card: operation.device,
      added: head.cursor,
      removed: null,
      counter: 1,
      last: hash,
      wrapped: null,
    });
    return new AccountState(ACCOUNT_ID.of(idBytes(hash)), [head.chain], keyring);
  }

  /** The account that a whole log leads to. */
  static replay(log: readonly ChangeSet[]): AccountState {
    const [genesis, ...rest] = log;
    if (genesis === undefined) throw new AccountRefusal('badChain');
    return rest.reduce((state, changeSet) => state.append(changeSet), AccountState.start(genesis));
  }

  /** The account after one more change set. */
  append(changeSet: ChangeSet): AccountState {
    const { header, hash } = changeSet;
    this.#checkPlace(header);
    const author = this.#admit(changeSet);
    const head = headNext(this.head, hash);
    const keyring = new Keyring(this.keyring);
    const now = { account: this.id, here: head.cursor, timeMs: header.timeMs };
    for (const operation of changeSet.operations) keyring.apply(now, header.author, operation);
    author.note(keyring, header.counter, hash);
    if (keyring.isStale) throw new AccountRefusal('wraps');
    return new AccountState(this.id, [...this.chain, head.chain], keyring);
  }

  /** The position this state is at. */
  get head(): Head {
    return { cursor: this.chain.length, chain: this.chain.at(-1) ?? CHAIN_START };
  }

  /** The current generation of the key; 0 before the first. */
  get generation(): number {
    return this.keyring.generation;
  }

  /** The current public key, to which spaces' secrets are wrapped. */
  get kem(): Uint8Array | null {
    return this.keyring.generations.at(-1)?.public ?? null;
  }

  #checkPlace(header: Header): void {
    const here = header.space === logOf(this.id) && header.behalf === null && header.keyEpoch === 0;
    const chain = header.seen.cursor === 0 ? CHAIN_START : this.chain[header.seen.cursor - 1];
    const seen = chain === header.seen.chain && sameHead(header.accountSeen, header.seen);
    if (!here || !seen) throw new AccountRefusal('badChain');
    if (!sameHead(header.seen, this.head)) throw new AccountRefusal('behind');
  }

  /** Checks author, signature and the author's own chain. */
  #admit(changeSet: ChangeSet): Author {
    const { header } = changeSet;
    const author = this.#author(changeSet);
    if (!isSignedBy(changeSet, author.key)) throw new AccountRefusal('signature');
    if (header.counter !== author.counter || header.previous !== author.previous) {
      throw new AccountRefusal('badChain');
    }
    return author;
  }

  #author(changeSet: ChangeSet): Author {
    const id = changeSet.header.author;
    const device = this.keyring.devices.get(id);
    if (device !== undefined) {
      if (device.removed !== null) throw new AccountRefusal('author');
      const { counter, last: previous } = device;
      return { key: device.card.key, counter: counter + 1, previous, note: noteDevice(id) };
    }
    const holder = this.keyring.keyholderOf(id);
    if (holder !== null) {
      const [slot, { card, counter, last: previous }] = holder;
      if (!signsDevices(changeSet.operations)) throw new AccountRefusal('author');
      return { key: card.key, counter: counter + 1, previous, note: noteKeyholder(slot) };
    }
    return this.#oneTime(changeSet);
  }

  /** A one-time key may add one device, before it expires. */
  #oneTime({ header, operations }: ChangeSet): Author {
    const offer = this.keyring.offers.get(header.author);
    const [operation, ...more] = operations;
    if (offer === undefined || operation?.kind !== 'addDevice' || more.length > 0) {
      throw new AccountRefusal('author');
    }
    if (header.timeMs > offer.expiresMs) throw new AccountRefusal('expired');
    const note = (keyring: Keyring): void => void keyring.offers.delete(header.author);
    return { key: offer.key, counter: 1, previous: NO_PREVIOUS, note };
  }
}

function noteDevice(id: DeviceId): Author['note'] {
  return (keyring, counter, last) => {
    const record = keyring.devices.get(id);
    if (record !== undefined) keyring.devices.set(id, { ...record, counter, last });
  };
}

function noteKeyholder(slot: Slot): Author['note'] {
  return (keyring, counter, last) => {
    const record = keyring.keyholders.get(slot);
    if (record !== undefined) keyring.keyholders.set(slot, { ...record, counter, last });
  };
}

/** Whether a change set only signs one device in, or devices out (with the new key that calls for). */
function signsDevices(operations: readonly Operation[]): boolean {
  const [first, ...rest] = operations;
  if (first?.kind === 'addDevice') return rest.length === 0;
  const removed = operations.slice(0, -1);
  return (
    operations.at(-1)?.kind === 'kemGeneration' &&
    removed.length > 0 &&
    removed.every((operation) => operation.kind === 'removeDevice')
  );
}
