/** Codes of the server's problems (`wire/src/problem.rs`) that the app has words of its own for. */
export const CODES = [
  'unauthenticated',
  'token-spent',
  'login-wrong',
  'second-factor',
  'device-removed',
  'account-suspended',
  'registration-closed',
  'forbidden',
  'not-found',
  'conflict',
  'login-taken',
  'link-ended',
  'too-large',
  'rate-limited',
  'internal',
  'overloaded',
  'unavailable',
  'quota-exceeded',
  'storage-full',
] as const;

export type Code = (typeof CODES)[number];

/** What can go wrong before a server is asked. */
type OwnCode = 'offline' | 'recovery-wrong' | 'approval-ended' | 'passkey-none' | 'other';

/** Why something was not done, as the other side told it. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly code: Code | OwnCode,
    /** What it was this time, in the server's words. */
    readonly detail?: string,
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(detail ?? code, options);
  }

  /** Whether the same may go well a little later without anybody doing anything. */
  get passing(): boolean {
    return ['offline', 'overloaded', 'unavailable', 'rate-limited', 'internal'].includes(this.code);
  }
}

function isCode(text: string): text is Code {
  return (CODES as readonly string[]).includes(text);
}

const PREFIX = 'urn:hythe:problem:';

/** The problem that an answer tells (RFC 9457), or what its status lets one guess. */
export async function problemOf(answer: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    const read: unknown = await answer.json();
    if (typeof read === 'object' && read !== null) body = read as Record<string, unknown>;
  } catch {
    // Something between here and the server answered in its place; the status has to do.
  }
  const type = typeof body['type'] === 'string' ? body['type'] : '';
  const told = type.startsWith(PREFIX) ? type.slice(PREFIX.length) : '';
  const detail = typeof body['detail'] === 'string' ? body['detail'] : undefined;
  const after = typeof body['retry_after_ms'] === 'number' ? body['retry_after_ms'] : undefined;
  return new Problem(isCode(told) ? told : byStatus(answer.status), detail, after);
}

function byStatus(status: number): Code | 'other' {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  if (status === 409) return 'conflict';
  if (status === 413) return 'too-large';
  if (status === 429) return 'rate-limited';
  if (status === 507) return 'storage-full';
  if (status === 502 || status === 503 || status === 504) return 'unavailable';
  return status >= 500 ? 'internal' : 'other';
}

/** Whether something ended because it was told to, which is no failure. */
export function wasAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
