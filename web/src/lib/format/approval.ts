/**
 * A new device that another one of the account lets in, by a code that is copied from the new one to
 * the old one. The server never sees the code.
 */

import { asMeant, decodeCrockford, encodeCrockford, inGroups } from './crockford';
import { deriveKey } from './hash';

/** Random bytes of a code. */
export const APPROVAL_BYTES = 12;

/** How long a request waits, in milliseconds. */
export const APPROVAL_LIFETIME_MS = 10 * 60 * 1000;

/** What the device URL is sealed for on its way back. */
export const GRANT = 'hythe 1 approval grant';

const DIGITS = 20;

/** The text of a code. */
export function approvalText(code: Uint8Array): string {
  return inGroups(encodeCrockford(code));
}

/** The bytes of a code that was typed; null where it is none. */
export function parseApproval(typed: string): Uint8Array | null {
  const meant = asMeant(typed, DIGITS);
  return meant === null ? null : decodeCrockford(meant);
}

/** What the server knows the request by. */
export function approvalId(code: Uint8Array): Uint8Array {
  return deriveKey('hythe 1 approval id', code);
}

/** What the device URL is sealed under. */
export function approvalKey(code: Uint8Array): Uint8Array {
  return deriveKey('hythe 1 approval key', code);
}
