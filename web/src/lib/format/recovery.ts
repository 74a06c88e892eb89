/** Recovery codes: what a person writes down to get into the account when nothing else is left. */

import { equal, utf8 } from './bytes';
import { asMeant, decodeCrockford, encodeCrockford, inGroups } from './crockford';
import { deriveKey } from './hash';

/** Random bytes of a code. */
export const RECOVERY_BYTES = 20;

/** Characters of the text form that carry the bytes, and those that find a slip of the pen. */
const DIGITS = 32;
const CHECK = 2;

/** What is wrong with what was typed: it cannot be a code, or has a mistake in it. */
export type RecoverySlip = 'form' | 'check';

/** The text of a code: eight groups of four characters, and two more. */
export function recoveryText(code: Uint8Array): string {
  return inGroups(digits(code));
}

/** The bytes of a code that was typed. */
export function parseRecovery(typed: string): Uint8Array | RecoverySlip {
  const meant = asMeant(typed, DIGITS + CHECK);
  const code = meant === null ? null : decodeCrockford(meant.slice(0, DIGITS));
  if (meant === null || code === null) return 'form';
  return equal(utf8(digits(code)), utf8(meant)) ? code : 'check';
}

function digits(code: Uint8Array): string {
  const check = deriveKey('hythe 1 recovery code check', code).subarray(0, CHECK);
  return (encodeCrockford(code) + encodeCrockford(check)).slice(0, DIGITS + CHECK);
}
