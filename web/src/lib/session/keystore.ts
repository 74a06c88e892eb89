/** What a browser keeps of the account: this device's keys, in the hands of Web Crypto. */

import type { AccountId, DeviceId, IdentityKey } from '../format/ids';

/** This browser as a device of an account. */
export interface KeptDevice {
  readonly account: AccountId;
  readonly device: DeviceId;
  /** The server it belongs to. */
  readonly identity: IdentityKey;
  /** The public half of the signing key. */
  readonly key: Uint8Array;
  /** A signing key that no script can read; or its seed, sealed, where the browser has no Ed25519. */
  readonly signing: CryptoKey | Uint8Array;
  /** An AES-GCM key that no script can read, under which the seeds are sealed. */
  readonly vault: CryptoKey;
  /** The seed of the X-Wing key to which the account's log wraps the account's secret, sealed. */
  readonly kemSeed: Uint8Array;
}

/**
 * An enrolment whose answer was not seen: what was drawn at random for it, so that a repetition sends
 * the same bytes and has the same outcome.
 */
export interface Enrolling {
  readonly device: KeptDevice;
  /** Way, token and request, sealed under the device's vault. */
  readonly sealed: Uint8Array;
}

/** A recovery code that its owner has not typed back yet, sealed under the device's vault. */
export interface UnconfirmedRecovery {
  readonly sealed: Uint8Array;
}

/** What stays after signing out, so that the same person comes back as the same device. */
export interface LeftBehind {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly identity: IdentityKey;
  readonly key: Uint8Array;
  /** The signing key that no script can read; null where its seed is in `sealed`. */
  readonly held: CryptoKey | null;
  /** Token and seeds, sealed under the account's password. */
  readonly sealed: Uint8Array;
}

/** What there is to keep. */
export interface Slots {
  readonly device: KeptDevice;
  readonly enrolling: Enrolling;
  readonly recovery: UnconfirmedRecovery;
  readonly left: LeftBehind;
}

/** Where it is kept. What was put is there after a crash. */
export interface KeyStore {
  get<K extends keyof Slots>(slot: K): Promise<Slots[K] | null>;
  put<K extends keyof Slots>(slot: K, value: Slots[K]): Promise<void>;
  remove(...slots: (keyof Slots)[]): Promise<void>;
}

/** Keeps it as long as the page is there: for tests, and for browsers that keep nothing. */
export class MemoryKeyStore implements KeyStore {
  readonly #slots = new Map<keyof Slots, Slots[keyof Slots]>();

  get<K extends keyof Slots>(slot: K): Promise<Slots[K] | null> {
    return Promise.resolve((this.#slots.get(slot) as Slots[K] | undefined) ?? null);
  }

  put<K extends keyof Slots>(slot: K, value: Slots[K]): Promise<void> {
    this.#slots.set(slot, value);
    return Promise.resolve();
  }

  remove(...slots: (keyof Slots)[]): Promise<void> {
    for (const slot of slots) this.#slots.delete(slot);
    return Promise.resolve();
  }
}
