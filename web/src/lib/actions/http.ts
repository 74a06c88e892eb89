import { Problem, problemOf, wasAborted } from './problem';

/** Where the server's routes begin: on the page's own origin, always. */
export const API = '/api/v1';

/** No form and no foreign page can send it; the cookie is taken only along with it. */
const OURS = { 'Hythe-Web': '1' } as const;

export interface Call extends Omit<RequestInit, 'headers' | 'body'> {
  headers?: Record<string, string>;
  body?: BodyInit;
  json?: unknown;
}

/** Sends a request, and throws a {@link Problem} for every answer that is not a good one. */
export async function call(path: string, { json, headers, ...rest }: Call = {}): Promise<Response> {
  const init: RequestInit = { credentials: 'same-origin', cache: 'no-store', redirect: 'error', ...rest };
  init.headers = { ...OURS, ...headers };
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers = { ...init.headers, 'Content-Type': 'application/json' };
  }
  let answer: Response;
  try {
    answer = await fetch(API + path, init);
  } catch (error) {
    if (wasAborted(error)) throw error;
    throw new Problem('offline', undefined, undefined, { cause: error });
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

/** The JSON of an answer. */
export async function callJson<Body>(path: string, init?: Call): Promise<Body> {
  const answer = await call(path, init);
  try {
    return (await answer.json()) as Body;
  } catch (error) {
    if (wasAborted(error)) throw error;
    throw new Problem('offline', 'the answer was cut off', undefined, { cause: error });
  }
}
