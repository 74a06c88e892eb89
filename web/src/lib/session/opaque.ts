/**
 * Passwords without showing them: OPAQUE (RFC 9807), as the server speaks it. Each step takes and gives
 * plain values, so that it can be done in a worker: stretching a password takes half a second.
 */

import { fromBase64url } from '../format/bytes';
import type { IdentityKey } from '../format/ids';

/** The cost of stretching: Argon2id with 64 MiB, 3 passes and 4 lanes. No server can lower it. */
const STRETCHING = 'memory-constrained';

/** The first half of a step: what to send, and what to keep for the other half. */
export interface Started {
  readonly request: string;
  readonly state: string;
}

/** A password that was set with the server, whose record goes with the account's log. */
export interface PasswordSet {
  readonly upload: Uint8Array;
  readonly exportKey: Uint8Array;
}

/** A login as the client finished it. */
export interface LoginFinished {
  readonly finalization: string;
  readonly exportKey: Uint8Array;
  readonly sessionKey: Uint8Array;
}

/** The client's side of the protocol. Messages are base64url, as the server takes them. */
export interface Opaque {
  startRegistration(password: string): Promise<Started>;
  finishRegistration(
    password: string,
    state: string,
    response: string,
    server: IdentityKey,
  ): Promise<PasswordSet>;
  startLogin(password: string): Promise<Started>;
  /** Null where the password is wrong, or it is another server. */
  finishLogin(
    password: string,
    state: string,
    response: string,
    server: IdentityKey,
  ): Promise<LoginFinished | null>;
}

/** The protocol on this thread. */
export const opaqueHere: Opaque = {
  async startRegistration(password) {
    const { client } = await library();
    const started = client.startRegistration({ password: typed(password) });
    return { request: started.registrationRequest, state: started.clientRegistrationState };
  },

  async finishRegistration(password, state, response, server) {
    const { client } = await library();
    const finished = client.finishRegistration({
      password: typed(password),
      clientRegistrationState: state,
      registrationResponse: response,
      identifiers: { server: serverName(server) },
      keyStretching: STRETCHING,
    });
    return { upload: bytes(finished.registrationRecord), exportKey: bytes(finished.exportKey) };
  },

  async startLogin(password) {
    const { client } = await library();
    const started = client.startLogin({ password: typed(password) });
    return { request: started.startLoginRequest, state: started.clientLoginState };
  },

  async finishLogin(password, state, response, server) {
    const { client } = await library();
    const finished = client.finishLogin({
      password: typed(password),
      clientLoginState: state,
      loginResponse: response,
      identifiers: { server: serverName(server) },
      keyStretching: STRETCHING,
    });
    if (finished === undefined) return null;
    const { finishLoginRequest, exportKey, sessionKey } = finished;
    return {
      finalization: finishLoginRequest,
      exportKey: bytes(exportKey),
      sessionKey: bytes(sessionKey),
    };
  },
};

/** Loaded when a password is typed: it weighs more than the rest of the page. */
async function library(): Promise<typeof import('@serenity-kit/opaque')> {
  const opaque = await import('@serenity-kit/opaque');
  await opaque.ready;
  return opaque;
}

/** As every keyboard writes the same (RFC 8265). */
function typed(password: string): string {
  return password.normalize('NFC');
}

function serverName(server: IdentityKey): string {
  return `hythe 1 ${server}`;
}

function bytes(text: string): Uint8Array {
  const read = fromBase64url(text);
  if (read === null) throw new TypeError('no base64url');
  return read;
}
