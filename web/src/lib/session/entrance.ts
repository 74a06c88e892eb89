/**
 * How this browser becomes a device of an account. Whatever is drawn at random for it is kept before it
 * is sent, so that a repetition after a lost answer sends the same bytes and has the same outcome.
 */

import { decode, encode, fixed, octets, optional, struct, word } from '../format/cbor/codec';
import type { Device } from '../format/device';
import { deriveKey } from '../format/hash';
import type { AccountId, IdentityKey } from '../format/ids';
import { ENROL_REPLY, MAX_REPLY_BYTES, REGISTER_REPLY, TOKEN } from '../format/wire/account';
import { concat, equal, utf8 } from '../format/bytes';
import { RECOVERY_BYTES } from '../format/recovery';
import { type Api, ApiError, type Credential, malformed } from './api';
import { leaveBehind } from './comeback';
import type { Context } from './context';
import { keep, lock, makeVault, unlock } from './device';
import { SessionError } from './fault';
import type { Enrolling, KeptDevice } from './keystore';

/** How often the account's log may go on while this browser signs itself in. */
const TRIES = 5;

const MAX_SEALED_BYTES = 2 << 20;

/** A way into an account. */
export interface Way {
  /** Tells this way from another, to know a repetition by. */
  readonly name: Uint8Array;
  readonly kind: 'register' | 'enrol';
  /** What the server lets in; null where everybody may. */
  readonly credential: Exclude<Credential, 'cookie'>;
  readonly identity: IdentityKey;
  /** Makes everything that is drawn at random. */
  readonly begin: () => Promise<Begun>;
}

/** An enrolment with everything that was drawn for it. */
export interface Begun {
  readonly account: AccountId;
  readonly device: Device;
  /** What the device will show the server. */
  readonly token: Uint8Array;
  /** The request, byte for byte. */
  readonly request: Uint8Array;
  /** The recovery code of a new account. */
  readonly recovery: Uint8Array | null;
  /** The key under which what it takes to come back is left behind; null: nothing is. */
  readonly comeback: Uint8Array | null;
}

/** What is sealed of an enrolment. */
const PENDING = struct({
  way: fixed(32),
  kind: word(['register', 'enrol']),
  scheme: optional(word(['Bearer', 'Hythe-Invite', 'Hythe-One-Time'])),
  shown: optional(TOKEN),
  token: TOKEN,
  request: octets(),
  recovery: optional(fixed(RECOVERY_BYTES)),
  comeback: optional(fixed(32)),
});
type Pending = ReturnType<(typeof PENDING)['read']>;

/** Names a way by what it consists of. */
export function wayName(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const bytes = parts.map((part) => (typeof part === 'string' ? utf8(part) : part));
  // Each with its length in front, so that no two lists of parts are one text.
  const framed = bytes.map((part) => concat(utf8(`${part.length}:`), part));
  return deriveKey('hythe 1 browser way in', concat(...framed));
}

/** Makes this browser a device by a way, and begins its session. */
export async function enter(context: Context, way: Way): Promise<KeptDevice> {
  const { api, store } = context;
  let tries = 0;
  for (;;) {
    const found = await findPending(context, way);
    const [enrolling, pending] = found ?? (await beginPending(context, way));
    try {
      await send(api, enrolling.device, pending);
      await settle(context, enrolling, pending);
      return enrolling.device;
    } catch (error) {
      if (!isFinal(error)) throw error;
      await store.remove('enrolling');
      // What was begun earlier may have ended meanwhile; and a log that went on accepted nothing.
      const again = found !== null || hasGoneOn(error);
      tries += 1;
      if (!again || tries > TRIES) throw overtaken(error);
    }
  }
}

async function findPending(context: Context, way: Way): Promise<[Enrolling, Pending] | null> {
  const enrolling = await context.store.get('enrolling');
  if (enrolling === null) return null;
  const pending = await openPending(enrolling);
  return pending !== null && equal(pending.way, way.name) ? [enrolling, pending] : null;
}

async function openPending({ device, sealed }: Enrolling): Promise<Pending | null> {
  try {
    return decode(PENDING, await unlock(device.vault, sealed), MAX_SEALED_BYTES);
  } catch {
    // Another version of the page wrote it: what it had begun is begun anew.
    return null;
  }
}

async function beginPending(context: Context, way: Way): Promise<[Enrolling, Pending]> {
  const begun = await way.begin();
  const vault = await makeVault();
  const { kind, credential } = way;
  const pending: Pending = {
    way: way.name,
    kind,
    scheme: credential?.scheme ?? null,
    shown: credential?.token ?? null,
    token: begun.token,
    request: begun.request,
    recovery: begun.recovery,
    comeback: begun.comeback,
  };
  const sealed = await lock(vault, encode(PENDING, pending));
  const device = await keep(begun.device, begun.account, way.identity, vault);
  const enrolling = { device, sealed };
  await context.store.put('enrolling', enrolling);
  return [enrolling, pending];
}

async function send(api: Api, device: KeptDevice, pending: Pending): Promise<void> {
  const { kind, scheme, shown, request } = pending;
  const who = scheme === null || shown === null ? null : { scheme, token: shown };
  const reply =
    kind === 'register'
      ? await api.message('/accounts', who, request, REGISTER_REPLY, MAX_REPLY_BYTES)
      : await api.message('/devices/enrol', who, request, ENROL_REPLY, MAX_REPLY_BYTES);
  if (reply.account !== device.account || reply.device !== device.device) throw malformed();
}

/** Keeps the device, and changes its token for a cookie that no script sees. */
async function settle(context: Context, { device }: Enrolling, pending: Pending): Promise<void> {
  const { api, store } = context;
  const { recovery, comeback } = pending;
  // Whatever is there is of another account, under another vault.
  if (recovery === null) await store.remove('recovery');
  else await store.put('recovery', { sealed: await lock(device.vault, recovery) });
  await store.put('device', device);
  if (comeback === null) await store.remove('left');
  else await leaveBehind(context, device, pending.token, comeback);
  await api.nothing('POST', '/web/session', { scheme: 'Bearer', token: pending.token });
  await store.remove('enrolling');
}

/** Whether the server will never accept this very request. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  const { status } = error.problem;
  return status >= 400 && status < 500 && ![404, 408, 429].includes(status);
}

/** Whether a change set was refused only because the account's log has gone on meanwhile. */
export function hasGoneOn(error: unknown): boolean {
  return error instanceof ApiError && error.problem.there?.['kind'] === 'account-log';
}

function overtaken(error: unknown): unknown {
  return hasGoneOn(error) ? new SessionError({ kind: 'overtaken' }, { cause: error }) : error;
}
