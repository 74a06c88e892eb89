/** The devices of the account: letting one in, cutting some off, and leaving oneself. */

import { GRANT, approvalId, approvalKey, parseApproval } from '../format/approval';
import { base64url, hex, utf8 } from '../format/bytes';
import { removeDevices } from '../format/flow/account';
import { addDeviceOffer } from '../format/flow/offer';
import { DEVICE_ID, type DeviceId } from '../format/ids';
import { deviceUrl } from '../format/invite';
import { sealUnder } from '../format/seal';
import { type Api, malformed, needText } from './api';
import { isBrowser } from './browser';
import type { Context } from './context';
import { SessionError, isFault } from './fault';
import { changeAccount } from './own';
import { asObject, numberIn, textIn } from './problem';

/** A device as the server tells of it. */
export interface DeviceView {
  readonly id: DeviceId;
  readonly name: string;
  readonly platform: string;
  readonly version: string;
  readonly address: string | null;
  readonly createdMs: number;
  readonly lastSeenMs: number | null;
  /** Whether it is a browser. */
  readonly browser: boolean;
  /** Whether it is the one that asks. */
  readonly current: boolean;
}

/** Who shows an approval code. */
export interface Asker {
  readonly name: string;
  readonly platform: string;
  readonly address: string | null;
  readonly askedMs: number;
}

/** A way in for one more device. */
export interface WayIn {
  /** It is secret: whoever has it becomes a device of the account. */
  readonly url: string;
  readonly expiresMs: number;
}

/** The account's devices, oldest first. */
export async function listDevices(api: Api): Promise<DeviceView[]> {
  const { devices } = await api.json('GET', '/devices', 'cookie');
  if (!Array.isArray(devices)) throw malformed();
  return devices.map((one) => readDevice(asObject(one)));
}

/** Cuts devices off and renews the account's key for the others. */
export async function cutOff(context: Context, devices: readonly DeviceId[]): Promise<void> {
  await changeAccount(context, async ({ device, state, keys }, entropy) => {
    const there = devices.filter((id) => state.keyring.devices.get(id)?.removed === null);
    if (there.length === 0) return null;
    const { signer } = device;
    return { changeSet: await removeDevices(state, signer, keys, there, context.now(), entropy) };
  });
}

/** Authorises one more device for an hour and says how it gets in. `address` is the server's. */
export async function offerDevice(context: Context, address: string): Promise<WayIn> {
  const made = await changeAccount(context, async ({ kept, device, state, keys }, entropy) => {
    const offer = await addDeviceOffer(state, device.signer, keys, context.now(), entropy);
    const { changeSet, secret, expiresMs } = offer;
    return { changeSet, beside: { oneTime: secret.token() }, kept, secret: secret.secret, expiresMs };
  });
  if (made === null) throw new SessionError({ kind: 'overtaken' });
  const { account, identity } = made.kept;
  const url = deviceUrl(address, { kind: 'device', identity, account, secret: made.secret });
  return { url, expiresMs: made.expiresMs };
}

/** Who shows a code. Throws `wrongApprovalCode` where nobody does. */
export async function lookAtDevice({ api }: Context, typed: string): Promise<Asker> {
  const id = hex(approvalId(readApproval(typed)));
  const seen = await ended(api.json('POST', '/approvals/look', 'cookie', { id }));
  return {
    name: needText(seen, 'name'),
    platform: needText(seen, 'platform'),
    address: textIn(seen, 'address'),
    askedMs: numberIn(seen, 'asked_ms') ?? 0,
  };
}

/** Lets the device that shows a code into the account. `address` is the server's. */
export async function approveDevice(context: Context, typed: string, address: string): Promise<void> {
  const code = readApproval(typed);
  const { url } = await offerDevice(context, address);
  const sealed = await sealUnder(approvalKey(code), GRANT, approvalId(code), utf8(url));
  const grant = { id: hex(approvalId(code)), sealed: base64url(sealed) };
  await ended(context.api.nothing('POST', '/approvals/grant', 'cookie', grant));
}

/**
 * Ends this browser's session, and forgets its keys. What it takes to come back with the password as the
 * same device stays, unless all is to be forgotten, as on somebody else's computer.
 */
export async function signOut({ api, store }: Context, forgetAll = false): Promise<void> {
  try {
    await api.nothing('DELETE', '/web/session', 'cookie');
  } catch (error) {
    // Whoever has no session any more is signed out.
    if (!isFault(error, 'signedOut') && !isFault(error, 'deviceRemoved')) throw error;
  }
  await store.remove('device', 'enrolling', 'recovery');
  if (forgetAll) await store.remove('left');
}

/** Cuts off all other browsers of the account; gives how many. This one stays. */
export async function signOutElsewhere(context: Context): Promise<number> {
  const devices = await listDevices(context.api);
  const others = devices.filter((device) => device.browser && !device.current);
  if (others.length > 0) {
    const ids = others.map((device) => device.id);
    await cutOff(context, ids);
  }
  return others.length;
}

/** Cuts off all other browsers of the account, and signs out here. */
export async function signOutEverywhere(context: Context): Promise<void> {
  await signOutElsewhere(context);
  await signOut(context, true);
}

function readApproval(typed: string): Uint8Array {
  const code = parseApproval(typed);
  if (code === null) throw new SessionError({ kind: 'wrongApprovalCode' });
  return code;
}

/** A request of a device that nobody knows (any more) is a code that was mistyped or waited too long. */
async function ended<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isFault(error, 'notFound') ? new SessionError({ kind: 'wrongApprovalCode' }) : error;
  }
}

function readDevice(fields: Readonly<Record<string, unknown>> | null): DeviceView {
  const id = DEVICE_ID.parse(textIn(fields, 'id') ?? '');
  if (fields === null || id === null) throw malformed();
  const platform = needText(fields, 'platform');
  return {
    id,
    name: needText(fields, 'name'),
    platform,
    version: needText(fields, 'version'),
    address: textIn(fields, 'address'),
    createdMs: numberIn(fields, 'created_ms') ?? 0,
    lastSeenMs: numberIn(fields, 'last_seen_ms'),
    browser: isBrowser(platform),
    current: fields['current'] === true,
  };
}
