/** Operations of an account's own log: its devices, keyholders and generations of its key. */

import { INTEGER, U32, type Value, encode, fixed, list, octets, optional, struct, word } from '../cbor/codec';
import { ACCOUNT_ID, type AccountId, DEVICE_ID, type DeviceId } from '../ids';
import { KEM_PUBLIC, WRAPPED } from '../kem';
import { MAX_SEALED_TOLD_BYTES } from '../limits';
import { type Signer, deviceId, sign, verify } from '../sign';

export const PUBLIC_KEY = fixed(32);
export const SIGNATURE = fixed(64);

/** The public keys of a device, or of whatever else may hold the account's key. */
export const DEVICE_CARD = struct({ key: PUBLIC_KEY, kem: KEM_PUBLIC });
export type DeviceCard = Value<typeof DEVICE_CARD>;

/** What a person keeps in mind or on paper, and may log in with. */
export const SLOT = word(['password', 'recovery']);
export type Slot = Value<typeof SLOT>;

export const ACCOUNT_GENESIS = struct({ nonce: fixed(32), device: DEVICE_CARD });

export const ADD_DEVICE = struct({
  device: DEVICE_CARD,
  consent: SIGNATURE,
  generation: U32,
  wrapped: WRAPPED,
});
export type AddDevice = Value<typeof ADD_DEVICE>;

/** What a removed device is asked to delete. */
const WIPE = word(['copies']);

export const REMOVE_DEVICE = struct({ device: DEVICE_ID, wipe: optional(WIPE) });

export const DEVICE_WRAP = struct({ device: DEVICE_ID, wrapped: WRAPPED });
export type DeviceWrap = Value<typeof DEVICE_WRAP>;

export const KEM_GENERATION = struct({
  generation: U32,
  public: KEM_PUBLIC,
  wraps: list(DEVICE_WRAP),
  previous: optional(WRAPPED),
});
export type KemGeneration = Value<typeof KEM_GENERATION>;

export const AUTHORISE_ONE_TIME = struct({
  key: PUBLIC_KEY,
  expiresMs: INTEGER,
  generation: U32,
  wrapped: WRAPPED,
  told: optional(octets(MAX_SEALED_TOLD_BYTES, 1)),
});
export type AuthoriseOneTime = Value<typeof AUTHORISE_ONE_TIME>;

export const KEYHOLDER = struct({
  card: DEVICE_CARD,
  consent: SIGNATURE,
  generation: U32,
  wrapped: WRAPPED,
});
export type Keyholder = Value<typeof KEYHOLDER>;

export const SET_KEYHOLDER = struct({ slot: SLOT, holder: optional(KEYHOLDER) });
export type SetKeyholder = Value<typeof SET_KEYHOLDER>;

/** The device's id. */
export function cardId(card: DeviceCard): DeviceId {
  return deviceId(card.key);
}

/** Signs that the holder of a key wants to belong to an account with these keys. */
export function consentTo(account: AccountId, card: DeviceCard, signer: Signer): Promise<Uint8Array> {
  return sign(signer, 'deviceConsent', consentText(account, card));
}

/** Whether the device itself wants to belong to an account with these keys. */
export function consented(account: AccountId, card: DeviceCard, consent: Uint8Array): boolean {
  return verify(card.key, 'deviceConsent', consentText(account, card), consent);
}

const CONSENT = struct({ account: ACCOUNT_ID, card: DEVICE_CARD });

function consentText(account: AccountId, card: DeviceCard): Uint8Array {
  return encode(CONSENT, { account, card });
}
