/** Requests to the server, and answers that are what they should be. */

import { hex } from '../format/bytes';
import { type Codec, decode } from '../format/cbor/codec';
import { FormatError } from '../format/cbor/error';
import { SessionError } from './fault';
import { type Problem, asObject, faultOf, readProblem, textIn } from './problem';

/** How a request says who asks. */
export type Credential =
  | { readonly scheme: 'Bearer' | 'Hythe-Invite' | 'Hythe-One-Time'; readonly token: Uint8Array }
  /** The session's cookie, which the browser sends and no script sees. */
  | 'cookie'
  | null;

/** The fields of a JSON answer. */
export type Fields = Readonly<Record<string, unknown>>;

/** The server did not do what was asked, and said why. */
export class ApiError extends SessionError {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(faultOf(problem));
    this.problem = problem;
  }
}

const CBOR = 'application/cbor';
const JSON_TYPE = 'application/json';

/** A server at an address; the page's own where the address is empty. */
export class Api {
  readonly #base: string;
  readonly #fetch: typeof fetch;

  constructor(base = '', fetches: typeof fetch = (...asked) => fetch(...asked)) {
    this.#base = base.replace(/\/$/, '');
    this.#fetch = fetches;
  }

  /** A JSON answer, to a JSON request where there is a body. */
  async json(method: string, path: string, who: Credential, body?: Fields): Promise<Fields> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), type: JSON_TYPE };
    const answer = await this.#send(method, path, who, sent);
    const fields = asObject(await whole(answer.json()));
    if (fields === null) throw malformed();
    return fields;
  }

  /** A request that is answered with nothing. */
  async nothing(method: string, path: string, who: Credential, body?: Fields): Promise<void> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), type: JSON_TYPE };
    await this.#send(method, path, who, sent);
  }

  /** A CBOR message for bytes of one. */
  async message<T>(
    path: string,
    who: Credential,
    body: Uint8Array,
    reply: Codec<T>,
    most: number,
  ): Promise<T> {
    const answer = await this.#send('POST', path, who, { body: new Uint8Array(body), type: CBOR });
    const bytes = new Uint8Array(await whole(answer.arrayBuffer()));
    try {
      return decode(reply, bytes, most);
    } catch (error) {
      throw error instanceof FormatError ? malformed(error) : error;
    }
  }

  /** A whole answer of bytes. */
  async bytes(path: string, who: Credential): Promise<Uint8Array> {
    const answer = await this.#send('GET', path, who, {});
    return new Uint8Array(await whole(answer.arrayBuffer()));
  }

  async #send(
    method: string,
    path: string,
    who: Credential,
    sent: { readonly body?: BodyInit; readonly type?: string },
  ): Promise<Response> {
    const headers = new Headers(sent.type === undefined ? {} : { 'content-type': sent.type });
    if (who === 'cookie') headers.set('hythe-web', '1');
    else if (who !== null) headers.set('authorization', `${who.scheme} ${hex(who.token)}`);
    const init: RequestInit = { method, headers, cache: 'no-store', credentials: 'same-origin' };
    if (sent.body !== undefined) init.body = sent.body;
    const answer = await whole(this.#fetch(`${this.#base}/api/v1${path}`, init));
    if (!answer.ok) throw new ApiError(await readProblem(answer));
    return answer;
  }
}

/** A text of an answer that has to be there. */
export function needText(from: Fields, field: string): string {
  const value = textIn(from, field);
  if (value === null) throw malformed();
  return value;
}

/** An answer that is not what its route gives. */
export function malformed(cause?: unknown): SessionError {
  return new SessionError({ kind: 'serverFault', request: null }, { cause });
}

/** What the network breaks off is no fault of the server. */
async function whole<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof SyntaxError) throw malformed(cause);
    throw new SessionError({ kind: 'offline' }, { cause });
  }
}
