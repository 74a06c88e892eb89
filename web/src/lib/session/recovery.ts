/** Recovery codes: into an account with one, and the first showing of a new one. */

import { KeyholderSecret } from '../format/flow/keyholder';
import { equal } from '../format/bytes';
import { ACCOUNT_ID } from '../format/ids';
import { parseRecovery, recoveryText } from '../format/recovery';
import { malformed, needText } from './api';
import type { Context } from './context';
import { unlock } from './device';
import { SessionError, isFault } from './fault';
import type { KeptDevice, KeyStore } from './keystore';
import { enterWithKeyholder } from './login';
import { serverInfo } from './server';

/** Makes this browser a device of the account whose recovery code it is. */
export async function recover(
  context: Context,
  typed: string,
  deviceName: string | null,
): Promise<KeptDevice> {
  const secret = KeyholderSecret.ofRecovery(readCode(typed));
  const server = await serverInfo(context.api);
  const token = secret.token();
  const account = await accountOf(context, token);
  return enterWithKeyholder(
    context,
    server,
    'recovery',
    { account, token, secret, comeback: null },
    deviceName,
  );
}

/** The bytes of a code that was typed. */
export function readCode(typed: string): Uint8Array {
  const code = parseRecovery(typed);
  if (typeof code === 'string') throw new SessionError({ kind: 'wrongRecoveryCode', slip: code });
  return code;
}

/** The recovery code that its owner has still to write down; null where there is none. */
export async function unconfirmedRecovery(store: KeyStore): Promise<string | null> {
  const code = await unconfirmed(store);
  return code === null ? null : recoveryText(code);
}

/** Takes a code that was typed back as proof that it is written down. Throws `wrongRecoveryCode`. */
export async function confirmRecovery(store: KeyStore, typed: string): Promise<void> {
  const written = readCode(typed);
  const code = await unconfirmed(store);
  if (code === null) return;
  if (!equal(code, written)) throw new SessionError({ kind: 'wrongRecoveryCode', slip: 'unknown' });
  await store.remove('recovery');
}

async function unconfirmed(store: KeyStore): Promise<Uint8Array | null> {
  const [kept, device] = [await store.get('recovery'), await store.get('device')];
  return kept === null || device === null ? null : unlock(device.vault, kept.sealed);
}

async function accountOf({ api }: Context, token: Uint8Array): Promise<KeptDevice['account']> {
  try {
    const reply = await api.json('POST', '/login/recover', { scheme: 'Hythe-One-Time', token });
    const account = ACCOUNT_ID.parse(needText(reply, 'account'));
    if (account === null) throw malformed();
    return account;
  } catch (error) {
    const unknown = isFault(error, 'spent') || isFault(error, 'signedOut');
    throw unknown
      ? new SessionError({ kind: 'wrongRecoveryCode', slip: 'unknown' }, { cause: error })
      : error;
  }
}
