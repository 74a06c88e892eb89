/** Messages about accounts and devices, in CBOR; see docs/format/wire.md. */

import { type Value, fixed, list, octets, optional, struct, text } from '../cbor/codec';
import { ACCOUNT_ID, DEVICE_ID, HEAD, SPACE_ID } from '../ids';
import { MAX_CHANGE_SET_BYTES, MAX_FOUNDING_CHANGE_SETS, MAX_TEXT_BYTES } from '../limits';

/** 256 random bits that let somebody in. */
export const TOKEN = fixed(32);

export const DEVICE_INFO = struct({
  name: text(MAX_TEXT_BYTES),
  platform: text(MAX_TEXT_BYTES),
  version: text(MAX_TEXT_BYTES),
});
/** What a device tells about itself. */
export type DeviceInfo = Value<typeof DEVICE_INFO>;

export const PASSWORD_UPLOAD = struct({ credential: octets(), upload: octets() });
export type PasswordUpload = Value<typeof PASSWORD_UPLOAD>;

const FOUNDING_LOG = list(octets(), MAX_FOUNDING_CHANGE_SETS);

export const REGISTER_REQUEST = struct({
  login: text(MAX_TEXT_BYTES),
  device: DEVICE_INFO,
  token: TOKEN,
  account: FOUNDING_LOG,
  space: FOUNDING_LOG,
  password: optional(PASSWORD_UPLOAD),
  recovery: optional(TOKEN),
});

export const REGISTER_REPLY = struct({
  account: ACCOUNT_ID,
  device: DEVICE_ID,
  accountHead: HEAD,
  space: SPACE_ID,
  spaceHead: HEAD,
});

export const ENROL_REQUEST = struct({ device: DEVICE_INFO, token: TOKEN, changeSet: octets() });

export const ENROL_REPLY = struct({ account: ACCOUNT_ID, device: DEVICE_ID, accountHead: HEAD });

export const APPEND_REQUEST = struct({
  changeSet: octets(MAX_CHANGE_SET_BYTES),
  oneTime: optional(TOKEN),
  password: optional(PASSWORD_UPLOAD),
  recovery: optional(TOKEN),
  proof: optional(TOKEN),
});

export const APPEND_REPLY = struct({ head: HEAD });

/** Most bytes of a reply about an account. */
export const MAX_REPLY_BYTES = 1024;
