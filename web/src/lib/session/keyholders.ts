/** Setting a new password or recovery code of the account. */

import { Entropy } from '../format/entropy';
import { KeyholderSecret, setKeyholders } from '../format/flow/keyholder';
import type { Slot } from '../format/account/operation';
import { cardId } from '../format/account/operation';
import { RECOVERY_BYTES, recoveryText } from '../format/recovery';
import type { Context } from './context';
import { lock } from './device';
import { SessionError } from './fault';
import type { Credentials, Factor } from './login';
import { LoginAttempt } from './login';
import { type Beside, changeAccount } from './own';
import { readCode } from './recovery';
import { registerPassword } from './register';

/** What a change is allowed by: a device that was left open is not enough. */
export type Proof =
  /** There is neither a password nor a recovery code to be replaced. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'password'; readonly credentials: Credentials; readonly factor: Factor | null }
  | { readonly kind: 'recovery'; readonly code: string };

/** Sets the password of this browser's account. */
export async function setPassword(context: Context, password: string, proof: Proof): Promise<void> {
  const device = await context.store.get('device');
  if (device === null) throw new SessionError({ kind: 'signedOut' });
  const shown = await proofToken(context, proof);
  const { secret, upload } = await registerPassword(context, device.identity, password);
  await setSlot(context, 'password', secret, { password: upload, ...shown });
}

/** Draws a new recovery code in place of the one before; it is to be typed back (`confirmRecovery`). */
export async function renewRecovery(context: Context, proof: Proof): Promise<string> {
  const device = await context.store.get('device');
  if (device === null) throw new SessionError({ kind: 'signedOut' });
  const shown = await proofToken(context, proof);
  const code = Entropy.system().bytes(RECOVERY_BYTES);
  const secret = KeyholderSecret.ofRecovery(code);
  // Kept before it counts: a code that counts and that nobody knows would be of no use.
  await context.store.put('recovery', { sealed: await lock(device.vault, code) });
  await setSlot(context, 'recovery', secret, { recovery: secret.token(), ...shown });
  return recoveryText(code);
}

async function proofToken(context: Context, proof: Proof): Promise<Beside> {
  switch (proof.kind) {
    case 'nothing':
      return {};
    case 'password': {
      const attempt = await LoginAttempt.begin(context, proof.credentials);
      return { proof: (await attempt.prove(proof.factor)).token };
    }
    case 'recovery':
      return { proof: KeyholderSecret.ofRecovery(readCode(proof.code)).token() };
  }
}

async function setSlot(context: Context, slot: Slot, secret: KeyholderSecret, beside: Beside): Promise<void> {
  const wanted = secret.signer().id;
  await changeAccount(context, async ({ device, state, keys }, entropy) => {
    const there = state.keyring.keyholders.get(slot);
    if (there !== undefined && cardId(there.card) === wanted) return null;
    const holders = [[slot, secret]] as const;
    const { signer } = device;
    const changeSet = await setKeyholders(state, signer, keys, holders, context.now(), entropy);
    return { changeSet, beside };
  });
}
