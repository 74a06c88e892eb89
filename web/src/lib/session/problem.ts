/** Problems (RFC 9457) as the server tells them, and the faults that they are. */

import type { Fault } from './fault';

const TYPE_PREFIX = 'urn:hythe:problem:';

/** A problem as it was sent. */
export interface Problem {
  /** The stable code; `unknown` where the body is none. */
  readonly code: string;
  readonly status: number;
  readonly detail: string | null;
  /** The request's id, as in the server's log. */
  readonly instance: string | null;
  readonly retryAfterMs: number | null;
  /** What is there instead; `kind` says which form it has. */
  readonly there: Readonly<Record<string, unknown>> | null;
}

/** What an answer that is no success says. */
export async function readProblem(answer: Response): Promise<Problem> {
  const body = asObject(await answer.json().catch(() => null));
  const type = textIn(body, 'type');
  return {
    code: type?.startsWith(TYPE_PREFIX) ? type.slice(TYPE_PREFIX.length) : 'unknown',
    status: answer.status,
    detail: textIn(body, 'detail'),
    instance: textIn(body, 'instance') ?? answer.headers.get('x-request-id'),
    retryAfterMs: numberIn(body, 'retry_after_ms'),
    there: asObject(body?.['there']),
  };
}

const PLAIN: Readonly<Record<string, Fault>> = {
  'login-wrong': { kind: 'wrongPassword' },
  'passkey-copied': { kind: 'passkeyCopied' },
  'token-spent': { kind: 'spent' },
  unauthenticated: { kind: 'signedOut' },
  'device-removed': { kind: 'deviceRemoved' },
  'account-suspended': { kind: 'suspended' },
  'registration-closed': { kind: 'closed' },
  forbidden: { kind: 'notAllowed' },
  'proof-needed': { kind: 'proofNeeded' },
  'not-found': { kind: 'notFound' },
  'login-taken': { kind: 'loginTaken' },
};

/** The wait where the server names none. */
const SOME_WAIT_MS = 1000;

/** The fault that a problem is, where nothing more is known of what was asked. */
export function faultOf(problem: Problem): Fault {
  const { code, status, detail, retryAfterMs } = problem;
  const plain = PLAIN[code];
  if (plain !== undefined) return plain;
  if (code === 'second-factor') return secondFactor(problem);
  if (code === 'rate-limited' || status === 429) {
    return { kind: 'rateLimited', retryAfterMs: retryAfterMs ?? SOME_WAIT_MS };
  }
  if (code === 'overloaded' || code === 'unavailable' || status === 502 || status === 503 || status === 504) {
    return { kind: 'busy', retryAfterMs };
  }
  if (code === 'internal' || status >= 500) return { kind: 'serverFault', request: problem.instance };
  return { kind: 'refused', code, detail };
}

function secondFactor({ there }: Problem): Fault {
  // A server from before there were passkeys says nothing more.
  const code = there === null || there['code'] === true;
  return { kind: 'secondFactorNeeded', code, passkey: asObject(there?.['passkey']) };
}

/** A value as an object; null where it is none. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | null {
  const is = typeof value === 'object' && value !== null && !Array.isArray(value);
  return is ? (value as Record<string, unknown>) : null;
}

/** The text of a field; null where there is none. */
export function textIn(from: Readonly<Record<string, unknown>> | null, field: string): string | null {
  const value = from?.[field];
  return typeof value === 'string' ? value : null;
}

/** The number of a field; null where there is none. */
export function numberIn(from: Readonly<Record<string, unknown>> | null, field: string): number | null {
  const value = from?.[field];
  return typeof value === 'number' ? value : null;
}
