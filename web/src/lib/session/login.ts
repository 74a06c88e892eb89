/** Into an account with its password, and a second factor where the account asks for one. */

import { Entropy } from '../format/entropy';
import { KeyholderSecret, enrolWithKeyholder } from '../format/flow/keyholder';
import { encode } from '../format/cbor/codec';
import { deriveKey } from '../format/hash';
import { ACCOUNT_ID, type AccountId } from '../format/ids';
import { ENROL_REQUEST } from '../format/wire/account';
import { type Fields, malformed, needText } from './api';
import { comeBack, comebackKey } from './comeback';
import { type Context, deviceInfo } from './context';
import { type Begun, enter, wayName } from './entrance';
import { SessionError, isFault } from './fault';
import type { KeptDevice } from './keystore';
import { passkeyFields } from './passkey';
import { type ServerInfo, readAccount, serverInfo } from './server';

/** What a person logs in with. */
export interface Credentials {
  readonly login: string;
  readonly password: string;
}

/** What a passkey answered (`PublicKeyCredential`), each part in base64url. */
export interface PasskeyAnswer {
  readonly id: string;
  readonly clientData: string;
  readonly authenticatorData: string;
  readonly signature: string;
}

/** A second factor: the six digits of an authenticator, or a passkey's answer. */
export type Factor = { readonly code: string } | { readonly passkey: PasskeyAnswer };

/** A login that succeeded: proof of the password, and the way in for a device. */
export interface LoggedIn {
  readonly account: AccountId;
  readonly token: Uint8Array;
  readonly secret: KeyholderSecret;
  /** What this browser leaves behind for coming back is sealed under it; null: nothing is left. */
  readonly comeback: Uint8Array | null;
}

/** The first half of a login, finished on this side. */
interface HalfWay {
  readonly session: string;
  readonly finalization: string;
  readonly token: Uint8Array;
  readonly secret: KeyholderSecret;
  readonly comeback: Uint8Array;
  readonly begunMs: number;
}

/** A server keeps the first half of a login for a minute; a person may look for a telephone longer. */
const SESSION_MS = 50_000;

/**
 * A login that may be continued: where `finish` throws `secondFactorNeeded`, ask for one and call it again
 * with that. Nothing has to be typed twice.
 */
export class LoginAttempt {
  readonly #context: Context;
  readonly #server: ServerInfo;
  readonly #credentials: Credentials;
  #half: HalfWay;

  private constructor(context: Context, server: ServerInfo, credentials: Credentials, half: HalfWay) {
    this.#context = context;
    this.#server = server;
    this.#credentials = credentials;
    this.#half = half;
  }

  /** Throws `wrongPassword` where it is. */
  static async begin(context: Context, credentials: Credentials): Promise<LoginAttempt> {
    const server = await serverInfo(context.api);
    const half = await halfWay(context, server, credentials);
    return new LoginAttempt(context, server, credentials, half);
  }

  /** Proves the password, and the second factor where there is one. */
  async prove(factor: Factor | null): Promise<LoggedIn> {
    const { api, now } = this.#context;
    const isOld = now() - this.#half.begunMs > SESSION_MS;
    // A passkey answers the challenge of this very session, which then holds longer.
    if (isOld && (factor === null || 'code' in factor)) {
      this.#half = await halfWay(this.#context, this.#server, this.#credentials);
    }
    const { session, finalization, token, secret, comeback } = this.#half;
    const shown = factor === null ? {} : factorFields(factor);
    try {
      const done = await api.json('POST', '/login/finish', null, { session, finalization, ...shown });
      const account = ACCOUNT_ID.parse(needText(done, 'account'));
      if (account === null) throw malformed();
      return { account, token, secret, comeback };
    } catch (error) {
      const isFactor = factor !== null && isFault(error, 'wrongPassword');
      throw isFactor ? new SessionError({ kind: 'wrongFactor' }, { cause: error }) : error;
    }
  }

  /**
   * Makes this browser a device of the account, or again the one that it was before it was signed out;
   * `deviceName` null: what it says of itself.
   */
  async finish(factor: Factor | null, deviceName: string | null): Promise<KeptDevice> {
    const proof = await this.prove(factor);
    const { identity } = this.#server;
    const before = await comeBack(this.#context, identity, proof.account, this.#half.comeback);
    if (before !== null) return before;
    return enterWithKeyholder(this.#context, this.#server, 'password', proof, deviceName);
  }
}

/** Signs this browser in with what a person knows. */
export function enterWithKeyholder(
  context: Context,
  server: ServerInfo,
  by: 'password' | 'recovery',
  { account, token, secret, comeback }: LoggedIn,
  deviceName: string | null,
): Promise<KeptDevice> {
  const credential = { scheme: 'Hythe-One-Time', token } as const;
  return enter(context, {
    name: wayName(by, server.identity, account, deviceName ?? ''),
    kind: 'enrol',
    credential,
    identity: server.identity,
    begin: async (): Promise<Begun> => {
      const state = await readAccount(context.api, account, credential);
      const entropy = Entropy.system();
      const now = context.now();
      const { changeSet, device } = await enrolWithKeyholder(state, secret, now, entropy, context.make);
      const own = entropy.bytes(32);
      const info = deviceInfo(context, server.version, deviceName);
      const request = encode(ENROL_REQUEST, { device: info, token: own, changeSet: changeSet.encoded });
      return { account, device, token: own, request, recovery: null, comeback };
    },
  });
}

async function halfWay(context: Context, server: ServerInfo, credentials: Credentials): Promise<HalfWay> {
  const { api, opaque, now } = context;
  const { login, password } = credentials;
  const begunMs = now();
  const { request, state } = await opaque.startLogin(password);
  const reply = await api.json('POST', '/login', null, { login, request });
  const response = needText(reply, 'response');
  const finished = await opaque.finishLogin(password, state, response, server.identity);
  if (finished === null) throw new SessionError({ kind: 'wrongPassword' });
  return {
    session: needText(reply, 'session'),
    finalization: finished.finalization,
    token: deriveKey('hythe 1 login token', finished.sessionKey),
    secret: KeyholderSecret.ofPassword(finished.exportKey),
    comeback: comebackKey(finished.exportKey),
    begunMs,
  };
}

function factorFields(factor: Factor): Fields {
  if ('code' in factor) return { code: factor.code.replaceAll(/\s/g, '') };
  return { passkey: passkeyFields(factor.passkey) };
}
