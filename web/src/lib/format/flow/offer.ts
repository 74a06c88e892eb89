/** Letting a device in with nobody else online, and being let in so. */

import { AccountKeys } from '../account/keys';
import { AccountRefusal } from '../account/refusal';
import type { AccountState } from '../account/state';
import { type ChangeSet, signChangeSet } from '../changeset';
import type { MakeDevice } from '../device';
import type { Entropy } from '../entropy';
import { deriveKey } from '../hash';
import { NO_PREVIOUS } from '../ids';
import { kemPublic, wrap } from '../kem';
import { OFFER_LIFETIME_MS } from '../limits';
import type { Operation } from '../operation';
import { type Signer, seedSigner } from '../sign';
import { type Enrolled, signIn } from './enrolment';
import { accountStamp, deviceAuthor } from './stamp';

/** 32 secret bytes from which everything about an offer follows. */
export class OfferSecret {
  /** The bytes to show. */
  readonly secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.secret = secret;
  }

  /** The one-time key that signs the new device in. */
  signer(): Signer {
    return seedSigner(deriveKey('hythe 1 offer signing key', this.secret));
  }

  /** The seed of the key that the account's secret is wrapped to. */
  kemSeed(): Uint8Array {
    return deriveKey('hythe 1 offer wrapping key', this.secret);
  }

  /** What the new device shows the server to be let in. */
  token(): Uint8Array {
    return deriveKey('hythe 1 offer token', this.secret);
  }
}

/** An offer to a new device. */
export interface Offer {
  /** For the account's log. */
  readonly changeSet: ChangeSet;
  /** To be shown to the new device. */
  readonly secret: OfferSecret;
  /** When it ends, in milliseconds since 1970. */
  readonly expiresMs: number;
}

/** Makes an offer that holds for an hour from `timeMs`. */
export async function addDeviceOffer(
  account: AccountState,
  signer: Signer,
  keys: AccountKeys,
  timeMs: number,
  entropy: Entropy,
): Promise<Offer> {
  const secret = new OfferSecret(entropy.bytes(32));
  const { key, id: device } = secret.signer();
  const { generation } = keys;
  const purpose = { kind: 'account', account: account.id, generation, device } as const;
  const wrapped = await wrap(kemPublic(secret.kemSeed()), purpose, keys.current, entropy);
  const expiresMs = timeMs + OFFER_LIFETIME_MS;
  const operation: Operation = {
    kind: 'authoriseOneTime',
    key,
    expiresMs,
    generation,
    wrapped,
    told: null,
  };
  const stamp = accountStamp(account, deviceAuthor(account, signer), timeMs, entropy);
  const changeSet = await signChangeSet(stamp, [operation], signer);
  account.append(changeSet);
  return { changeSet, secret, expiresMs };
}

/** Takes up an offer: makes the new device's keys and signs them in with the one-time key. */
export async function enrolWithOffer(
  account: AccountState,
  secret: OfferSecret,
  timeMs: number,
  entropy: Entropy,
  make: MakeDevice,
): Promise<Enrolled> {
  const signer = secret.signer();
  const offer = account.keyring.offers.get(signer.id);
  if (offer === undefined) throw new AccountRefusal('author');
  const keys = await AccountKeys.openWrapped(account, signer.id, secret.kemSeed(), offer.wrapped);
  const author = { signer, counter: 1, previous: NO_PREVIOUS };
  return signIn(account, author, keys, timeMs, entropy, make);
}
