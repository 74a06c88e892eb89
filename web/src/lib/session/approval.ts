/** Into an account by another device of it: with its URL, or by a code that this browser shows. */

import { APPROVAL_BYTES, GRANT, approvalId, approvalKey, approvalText } from '../format/approval';
import { fromBase64url, fromUtf8, hex } from '../format/bytes';
import { encode } from '../format/cbor/codec';
import { Entropy } from '../format/entropy';
import { OfferSecret, enrolWithOffer } from '../format/flow/offer';
import { type DeviceOffer, parseConnectUrl } from '../format/invite';
import { openUnder } from '../format/seal';
import { ENROL_REQUEST } from '../format/wire/account';
import { malformed } from './api';
import { type Context, deviceInfo } from './context';
import { type Begun, enter, wayName } from './entrance';
import { SessionError, isFault } from './fault';
import type { KeptDevice } from './keystore';
import { textIn } from './problem';
import { type ServerInfo, readAccount, serverInfo } from './server';

/** Between two looks whether somebody approved: a person copies the code meanwhile. */
const POLL_MS = 1000;

/** A browser that waits to be let in. */
export interface Asking {
  /** What another device of the account has to be told. */
  readonly code: string;
  /** Waits until it is let in. Throws `wrongApprovalCode` when the request has ended, or what aborts. */
  readonly join: (signal: AbortSignal) => Promise<KeptDevice>;
}

/** Asks to be let in by another device of the account. The server learns nothing of the code. */
export async function askApproval(context: Context, deviceName: string | null): Promise<Asking> {
  const server = await serverInfo(context.api);
  const code = crypto.getRandomValues(new Uint8Array(APPROVAL_BYTES));
  const { name, platform } = deviceInfo(context, server.version, deviceName);
  const id = hex(approvalId(code));
  await context.api.nothing('POST', '/approvals', null, { id, name, platform });
  const join = async (signal: AbortSignal): Promise<KeptDevice> => {
    const sealed = await poll(context, id, signal);
    const offer = await openGrant(code, sealed);
    return enterWithOffer(context, server, offer, deviceName);
  };
  return { code: approvalText(code), join };
}

/** Makes this browser a device with the URL that another device gave out. */
export async function enterWithUrl(
  context: Context,
  url: string,
  deviceName: string | null,
): Promise<KeptDevice> {
  const offer = parseConnectUrl(url);
  if (typeof offer === 'string' || offer.kind !== 'device') {
    throw new SessionError({ kind: 'badUrl', newer: offer === 'version' });
  }
  return enterWithOffer(context, await serverInfo(context.api), offer, deviceName);
}

function enterWithOffer(
  context: Context,
  server: ServerInfo,
  offer: DeviceOffer,
  deviceName: string | null,
): Promise<KeptDevice> {
  if (offer.identity !== server.identity) throw new SessionError({ kind: 'wrongServer' });
  const { account } = offer;
  const secret = new OfferSecret(offer.secret);
  const credential = { scheme: 'Hythe-One-Time', token: secret.token() } as const;
  return enter(context, {
    name: wayName('offer', server.identity, account, offer.secret, deviceName ?? ''),
    kind: 'enrol',
    credential,
    identity: server.identity,
    begin: async (): Promise<Begun> => {
      const state = await readAccount(context.api, account, credential);
      const entropy = Entropy.system();
      const now = context.now();
      const { changeSet, device } = await enrolWithOffer(state, secret, now, entropy, context.make);
      const token = entropy.bytes(32);
      const info = deviceInfo(context, server.version, deviceName);
      const request = encode(ENROL_REQUEST, { device: info, token, changeSet: changeSet.encoded });
      return { account, device, token, request, recovery: null, comeback: null };
    },
  });
}

async function poll({ api }: Context, id: string, signal: AbortSignal): Promise<Uint8Array> {
  for (;;) {
    signal.throwIfAborted();
    const sealed = await look(() => api.json('POST', '/approvals/poll', null, { id }));
    if (sealed !== null) return sealed;
    await pause(signal);
  }
}

/** What came back; null where nobody approved yet, or the network is away for a moment. */
async function look(ask: () => Promise<Readonly<Record<string, unknown>>>): Promise<Uint8Array | null> {
  try {
    const text = textIn(await ask(), 'sealed');
    const sealed = text === null ? null : fromBase64url(text);
    if (text !== null && sealed === null) throw malformed();
    return sealed;
  } catch (error) {
    if (isFault(error, 'offline')) return null;
    throw isFault(error, 'notFound') ? new SessionError({ kind: 'wrongApprovalCode' }) : error;
  }
}

async function openGrant(code: Uint8Array, sealed: Uint8Array): Promise<DeviceOffer> {
  const opened = await openUnder(approvalKey(code), GRANT, approvalId(code), sealed);
  const offer = opened === null ? 'fragment' : parseConnectUrl(fromUtf8(opened));
  // Nobody who does not know the code can seal it: this is no offer of the account's device.
  if (typeof offer === 'string' || offer.kind !== 'device') throw new SessionError({ kind: 'unverified' });
  return offer;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, POLL_MS);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
