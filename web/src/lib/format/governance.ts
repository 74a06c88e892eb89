/** Operations on a space itself: its genesis, members, key epochs, offers, and its end. */

import { PUBLIC_KEY, SIGNATURE } from './account/operation';
import { INTEGER, U32, type Value, fixed, list, octets, optional, struct, word } from './cbor/codec';
import { ACCOUNT_ID, DEVICE_ID, HEAD, NODE_ID, SERVER_EPOCH, SPACE_ID, VERSION_ID } from './ids';
import { WRAPPED } from './kem';
import { MAX_SEALED_SECRET_BYTES } from './limits';

/** What a member may do in a space, strongest first. */
export const ROLE = word(['owner', 'editor', 'viewer', 'drop']);
export type Role = Value<typeof ROLE>;

/** A small secret, already sealed by its author. */
const SEALED_SECRET = octets(MAX_SEALED_SECRET_BYTES, 1);

export const SPACE_GENESIS = struct({
  nonce: fixed(32),
  owner: ACCOUNT_ID,
  server: optional(ACCOUNT_ID),
});

export const MEMBER_WRAP = struct({ epoch: U32, generation: U32, wrapped: WRAPPED });
export type MemberWrap = Value<typeof MEMBER_WRAP>;

export const MEMBER = struct({
  account: ACCOUNT_ID,
  role: optional(ROLE),
  wrap: optional(MEMBER_WRAP),
});
export type Member = Value<typeof MEMBER>;

export const EPOCH_WRAP = struct({ account: ACCOUNT_ID, generation: U32, wrapped: WRAPPED });
export type EpochWrap = Value<typeof EPOCH_WRAP>;

export const NEW_EPOCH = struct({
  epoch: U32,
  wraps: list(EPOCH_WRAP),
  previous: optional(SEALED_SECRET),
});
export type NewEpoch = Value<typeof NEW_EPOCH>;

export const RESTORED = struct({ at: HEAD, epoch: SERVER_EPOCH });
export const NAME_SPACE = struct({ name: SEALED_SECRET });

export const OFFER_JOIN = struct({
  key: PUBLIC_KEY,
  role: ROLE,
  expiresMs: INTEGER,
  epoch: U32,
  wrapped: WRAPPED,
});
export type OfferJoin = Value<typeof OFFER_JOIN>;

export const JOIN = struct({
  account: ACCOUNT_ID,
  key: PUBLIC_KEY,
  consent: SIGNATURE,
  wrap: MEMBER_WRAP,
});

export const WITHDRAW_JOIN = struct({ key: DEVICE_ID });
export const END_SPACE = struct({ endsMs: optional(INTEGER) });
export const CAME_FROM = struct({ space: SPACE_ID, node: NODE_ID, at: HEAD });
export const MOVE_OUT = struct({ node: NODE_ID, expected: VERSION_ID, to: SPACE_ID });
export const MOVED_OUT = struct({ node: NODE_ID, to: SPACE_ID });
export const STAY_HERE = struct({ node: NODE_ID });
