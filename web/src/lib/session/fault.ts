/** What can go wrong between a person and the account: a closed list, each something to act on. */

import type { RecoverySlip } from '../format/recovery';

/** What an account asks for besides the password: any one of these. */
export interface SecondFactors {
  /** The code of an authenticator. */
  readonly code: boolean;
  /** What `PublicKeyCredential.parseRequestOptionsFromJSON` takes; null where no passkey works here. */
  readonly passkey: object | null;
}

export type Fault =
  /** Name or password are wrong, or another server answers; nobody is told which. */
  | { readonly kind: 'wrongPassword' }
  | ({ readonly kind: 'secondFactorNeeded' } & SecondFactors)
  /** The code of the authenticator is wrong or was used, or the passkey is another. */
  | { readonly kind: 'wrongFactor' }
  /** A passkey has counted less than before: there may be a copy of it. */
  | { readonly kind: 'passkeyCopied' }
  /** It cannot be a recovery code, has a slip of the pen in it, or nobody has it (any more). */
  | { readonly kind: 'wrongRecoveryCode'; readonly slip: RecoverySlip | 'unknown' }
  /** The code that a new device shows was mistyped, or waited too long. */
  | { readonly kind: 'wrongApprovalCode' }
  /** The invite or offer was used, or has ended. */
  | { readonly kind: 'spent' }
  /** The address holds no whole invite, or a newer version made it. */
  | { readonly kind: 'badUrl'; readonly newer: boolean }
  | { readonly kind: 'loginTaken' }
  /** The server takes no new accounts, or none without an invite. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'notAllowed' }
  /** The change needs the present password or the recovery code. */
  | { readonly kind: 'proofNeeded' }
  | { readonly kind: 'suspended' }
  /** This browser was removed from the account. */
  | { readonly kind: 'deviceRemoved' }
  /** There is no session (any more), or this browser has no keys. */
  | { readonly kind: 'signedOut' }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'rateLimited'; readonly retryAfterMs: number }
  /** The server starts, stops, or has too much to do. */
  | { readonly kind: 'busy'; readonly retryAfterMs: number | null }
  | { readonly kind: 'offline' }
  | { readonly kind: 'serverFault'; readonly request: string | null }
  /** Another server answers than the one that was named. */
  | { readonly kind: 'wrongServer' }
  /** What the server shows of the account does not verify. */
  | { readonly kind: 'unverified' }
  /** The account's log went on meanwhile, again and again. */
  | { readonly kind: 'overtaken' }
  /** The server refuses what this page sent: the page is older than the server, or wrong. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string | null };

/** A step of a session did not work. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly fault: Fault;

  constructor(fault: Fault, options?: ErrorOptions) {
    super(fault.kind, options);
    this.fault = fault;
  }
}

/** Whether an error is a fault of this kind. */
export function isFault<K extends Fault['kind']>(
  error: unknown,
  kind: K,
): error is SessionError & { readonly fault: Extract<Fault, { kind: K }> } {
  return error instanceof SessionError && error.fault.kind === kind;
}
