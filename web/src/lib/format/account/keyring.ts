/** What an account's log is about: devices, offers to new ones, keyholders, generations of the key. */

import type { AccountId, DeviceId, HeaderHash } from '../ids';
import { NO_PREVIOUS } from '../ids';
import { OFFER_LIFETIME_MS } from '../limits';
import type { Operation, OperationOf } from '../operation';
import { deviceId } from '../sign';
import { type DeviceCard, type DeviceWrap, type Keyholder, type Slot, cardId, consented } from './operation';
import { AccountRefusal } from './refusal';

/** A device that belongs or belonged to the account. */
export interface DeviceRecord {
  readonly card: DeviceCard;
  /** The positions of the log that added and removed it. */
  readonly added: number;
  readonly removed: number | null;
  /** How many change sets it has written in this log, and the last of them. */
  readonly counter: number;
  readonly last: HeaderHash;
  /** The current generation's secret for it. */
  readonly wrapped: Uint8Array | null;
}

/** A one-time key that may still add a device. */
export interface OfferRecord {
  readonly key: Uint8Array;
  readonly expiresMs: number;
  readonly wrapped: Uint8Array;
  readonly told: Uint8Array | null;
}

/** A password or recovery code of the account. */
export interface KeyholderRecord {
  readonly card: DeviceCard;
  /** The position of the log that set it. */
  readonly set: number;
  readonly counter: number;
  readonly last: HeaderHash;
  readonly wrapped: Uint8Array;
}

/** A generation of the account's key. */
export interface GenerationRecord {
  readonly public: Uint8Array;
  /** The secret of the generation before, wrapped to this one. */
  readonly previous: Uint8Array | null;
}

/** Where and when operations are applied. */
export interface Now {
  readonly account: AccountId;
  /** The position of the change set. */
  readonly here: number;
  /** The time its header says. */
  readonly timeMs: number;
}

/** Devices, offers, keyholders and key generations of an account. */
export class Keyring {
  readonly devices: Map<DeviceId, DeviceRecord>;
  readonly offers: Map<DeviceId, OfferRecord>;
  readonly generations: GenerationRecord[];
  readonly keyholders: Map<Slot, KeyholderRecord>;
  /** Whether somebody who was removed still knows the current secret. */
  isStale: boolean;

  constructor(from?: Keyring) {
    this.devices = new Map(from?.devices);
    this.offers = new Map(from?.offers);
    this.generations = [...(from?.generations ?? [])];
    this.keyholders = new Map(from?.keyholders);
    this.isStale = from?.isStale ?? false;
  }

  /** The number of the current generation; 0 before the first. */
  get generation(): number {
    return this.generations.length;
  }

  /** Active devices and keyholders by ascending id: whoever is to know the account's key. */
  recipients(): Map<DeviceId, DeviceCard> {
    const active = [...this.devices.values()].filter((record) => record.removed === null);
    const cards = [...active, ...this.keyholders.values()].map((record) => record.card);
    const named = cards.map((card) => [cardId(card), card] as const);
    return new Map(named.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** The password or recovery code that has this key. */
  keyholderOf(key: DeviceId): [Slot, KeyholderRecord] | null {
    const found = [...this.keyholders].find(([, record]) => cardId(record.card) === key);
    return found ?? null;
  }

  /** Carries out one operation of a change set whose author is admitted. */
  apply(now: Now, author: DeviceId, operation: Operation): void {
    switch (operation.kind) {
      case 'addDevice':
        return this.#addDevice(now, operation);
      case 'removeDevice':
        return this.#removeDevice(now, author, operation.device);
      case 'kemGeneration':
        return this.#renew(operation);
      case 'authoriseOneTime':
        return this.#authorise(now, operation);
      case 'setKeyholder':
        return this.#setKeyholder(now, operation);
      default:
        throw new AccountRefusal('badChain');
    }
  }

  #addDevice(now: Now, add: OperationOf<'addDevice'>): void {
    this.#checkGeneration(add.generation);
    this.#checkNew(now, add.device, add.consent);
    this.devices.set(cardId(add.device), {
      card: add.device,
      added: now.here,
      removed: null,
      counter: 0,
      last: NO_PREVIOUS,
      wrapped: add.wrapped,
    });
  }

  /** Another device removes a device: one that left would itself know the key it leaves behind. */
  #removeDevice(now: Now, by: DeviceId, device: DeviceId): void {
    const record = this.devices.get(device);
    if (record === undefined || record.removed !== null || device === by) {
      throw new AccountRefusal('device');
    }
    this.devices.set(device, { ...record, removed: now.here, wrapped: null });
    this.isStale = true;
  }

  #renew(kem: OperationOf<'kemGeneration'>): void {
    if (kem.generation !== this.generation + 1) throw new AccountRefusal('generation');
    const reached = kem.wraps.map((wrap) => wrap.device);
    const wanted = [...this.recipients().keys()];
    const same = reached.length === wanted.length && reached.every((id, at) => id === wanted[at]);
    if (!same || (kem.previous === null) !== (this.generation === 0)) {
      throw new AccountRefusal('wraps');
    }
    for (const wrap of kem.wraps) this.#keepWrap(wrap);
    this.generations.push({ public: kem.public, previous: kem.previous });
    this.isStale = false;
    // Offers hold the old secret; whoever uses one now would be left behind.
    this.offers.clear();
  }

  #keepWrap({ device, wrapped }: DeviceWrap): void {
    const record = this.devices.get(device);
    if (record !== undefined) this.devices.set(device, { ...record, wrapped });
    const holder = this.keyholderOf(device);
    if (holder !== null) this.keyholders.set(holder[0], { ...holder[1], wrapped });
  }

  #authorise(now: Now, offer: OperationOf<'authoriseOneTime'>): void {
    this.#checkGeneration(offer.generation);
    const id = deviceId(offer.key);
    if (this.#isTaken(id)) throw new AccountRefusal('device');
    if (offer.expiresMs > now.timeMs + OFFER_LIFETIME_MS) throw new AccountRefusal('expired');
    const { key, expiresMs, wrapped, told } = offer;
    this.offers.set(id, { key, expiresMs, wrapped, told });
  }

  #setKeyholder(now: Now, { slot, holder }: OperationOf<'setKeyholder'>): void {
    const record = holder === null ? null : this.#newKeyholder(now, holder);
    // Whoever knew what is replaced knows the account's key.
    if (this.keyholders.delete(slot)) this.isStale = true;
    if (record !== null) this.keyholders.set(slot, record);
  }

  #newKeyholder(now: Now, holder: Keyholder): KeyholderRecord {
    this.#checkGeneration(holder.generation);
    this.#checkNew(now, holder.card, holder.consent);
    const { card, wrapped } = holder;
    return { card, set: now.here, counter: 0, last: NO_PREVIOUS, wrapped };
  }

  #checkNew(now: Now, card: DeviceCard, consent: Uint8Array): void {
    if (this.#isTaken(cardId(card))) throw new AccountRefusal('device');
    if (!consented(now.account, card, consent)) throw new AccountRefusal('signature');
  }

  #checkGeneration(generation: number): void {
    if (generation !== this.generation || generation === 0) throw new AccountRefusal('generation');
  }

  /** Whether an id belongs to a device, an offer or a keyholder. */
  #isTaken(id: DeviceId): boolean {
    return this.devices.has(id) || this.offers.has(id) || this.keyholderOf(id) !== null;
  }
}
