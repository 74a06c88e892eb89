/** What this browser does as a device of its account: opening the account's keys, changing its log. */

import { AccountKeys } from '../format/account/keys';
import { AccountRefusal } from '../format/account/refusal';
import type { AccountState } from '../format/account/state';
import { encode } from '../format/cbor/codec';
import type { ChangeSet } from '../format/changeset';
import type { Device } from '../format/device';
import { Entropy } from '../format/entropy';
import { UnwrapError } from '../format/kem';
import { APPEND_REPLY, APPEND_REQUEST, MAX_REPLY_BYTES, type PasswordUpload } from '../format/wire/account';
import type { Context } from './context';
import { unkeep } from './device';
import { hasGoneOn } from './entrance';
import { SessionError, isFault } from './fault';
import type { KeptDevice } from './keystore';
import { readAccount } from './server';

/** How often the account's log may go on while a change of it is made. */
const TRIES = 5;

/** The account as it is now, with everything that this browser has of it. */
export interface Opened {
  readonly kept: KeptDevice;
  readonly device: Device;
  readonly state: AccountState;
  readonly keys: AccountKeys;
}

/** What goes to the server with a change of the account's log. */
export interface Beside {
  readonly oneTime?: Uint8Array;
  readonly password?: PasswordUpload;
  readonly recovery?: Uint8Array;
  readonly proof?: Uint8Array;
}

/** A change of the account's log that was signed. */
export interface Signed {
  readonly changeSet: ChangeSet;
  readonly beside?: Beside;
}

/** Signs a change of the account's log; null where it is as it should be. */
export type Change<S extends Signed> = (opened: Opened, entropy: Entropy) => Promise<S | null>;

/** Opens this browser's account. */
export async function openAccount({ api, store }: Context): Promise<Opened> {
  const kept = await store.get('device');
  if (kept === null) throw new SessionError({ kind: 'signedOut' });
  const device = await unkeep(kept);
  const state = await readAccount(api, kept.account, 'cookie');
  try {
    return { kept, device, state, keys: await AccountKeys.open(state, kept.device, device.kemSeed) };
  } catch (cause) {
    if (!(cause instanceof UnwrapError)) throw cause;
    throw new SessionError({ kind: 'deviceRemoved' }, { cause });
  }
}

/**
 * Carries on the account's log, on what it has become where it goes on meanwhile. Gives what was accepted;
 * null where nothing had to be done.
 */
export async function changeAccount<S extends Signed>(
  context: Context,
  change: Change<S>,
): Promise<S | null> {
  for (let tries = 0; tries <= TRIES; tries += 1) {
    const opened = await openAccount(context);
    const signed = await sign(change, opened);
    if (signed === null) return null;
    try {
      await append(context, opened.kept, signed);
      return signed;
    } catch (error) {
      const isOffline = isFault(error, 'offline');
      // The answer to an earlier try may have been lost: the log says what became of it.
      if (!(hasGoneOn(error) || isOffline) || (isOffline && tries === TRIES)) throw error;
    }
  }
  throw new SessionError({ kind: 'overtaken' });
}

async function sign<S extends Signed>(change: Change<S>, opened: Opened): Promise<S | null> {
  try {
    return await change(opened, Entropy.system());
  } catch (cause) {
    if (!(cause instanceof AccountRefusal)) throw cause;
    throw new SessionError({ kind: 'notAllowed' }, { cause });
  }
}

async function append({ api }: Context, kept: KeptDevice, { changeSet, beside }: Signed): Promise<void> {
  const request = encode(APPEND_REQUEST, {
    changeSet: changeSet.encoded,
    oneTime: beside?.oneTime ?? null,
    password: beside?.password ?? null,
    recovery: beside?.recovery ?? null,
    proof: beside?.proof ?? null,
  });
  await api.message(`/accounts/${kept.account}/log`, 'cookie', request, APPEND_REPLY, MAX_REPLY_BYTES);
}
