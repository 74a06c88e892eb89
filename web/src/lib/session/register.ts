/** A new account, its personal space, its password and recovery code, and this browser as its device. */

import { encode } from '../format/cbor/codec';
import { type ChangeSet } from '../format/changeset';
import { Entropy } from '../format/entropy';
import { createAccount } from '../format/flow/account';
import { KeyholderSecret, setKeyholders } from '../format/flow/keyholder';
import { createSpace, recipientOf } from '../format/flow/space';
import type { IdentityKey } from '../format/ids';
import { type Invite, parseConnectUrl } from '../format/invite';
import { RECOVERY_BYTES } from '../format/recovery';
import { type PasswordUpload, REGISTER_REQUEST } from '../format/wire/account';
import { needText } from './api';
import { fromBase64url } from '../format/bytes';
import { comebackKey } from './comeback';
import { type Context, deviceInfo } from './context';
import { type Begun, enter, wayName } from './entrance';
import { SessionError } from './fault';
import type { KeptDevice } from './keystore';
import { type ServerInfo, readAccount, serverInfo } from './server';

/** How many characters a password has. */
export const PASSWORD_CHARACTERS = { fewest: 8, most: 256 } as const;

/** Who makes an account. */
export interface Founder {
  /** The login name that is wished for. */
  readonly login: string;
  readonly password: string;
  /** The URL of an invite, or its fragment; null where everybody may make an account. */
  readonly invite: string | null;
  /** What this browser is to be called; null: what it says of itself. */
  readonly deviceName: string | null;
}

/** A password that is registered with the server, and not yet the account's. */
export interface RegisteredPassword {
  readonly secret: KeyholderSecret;
  readonly comeback: Uint8Array;
  readonly upload: PasswordUpload;
}

/**
 * Makes an account. Its recovery code is kept until its owner has typed it back: see `recovery.ts`. May
 * be repeated with the same input until it works.
 */
export async function register(context: Context, founder: Founder): Promise<KeptDevice> {
  const invite = readInvite(founder.invite);
  const server = await serverInfo(context.api);
  if (server.registration === 'closed') throw new SessionError({ kind: 'closed' });
  if (invite === null && server.registration === 'invite') throw new SessionError({ kind: 'closed' });
  if (invite !== null && invite.identity !== server.identity) {
    throw new SessionError({ kind: 'wrongServer' });
  }
  const { login, password } = founder;
  const token = invite?.token ?? new Uint8Array();
  return enter(context, {
    name: wayName('register', server.identity, token, login, password),
    kind: 'register',
    // An invite counts also where none is needed: it may give more than everybody gets.
    credential: invite === null ? null : { scheme: 'Hythe-Invite', token },
    identity: server.identity,
    begin: () => found(context, server, founder),
  });
}

/** Registers a password with the server: it learns nothing of it. */
export async function registerPassword(
  { api, opaque }: Context,
  identity: IdentityKey,
  password: string,
): Promise<RegisteredPassword> {
  const { request, state } = await opaque.startRegistration(password);
  const reply = await api.json('POST', '/password', null, { request });
  const credential = fromBase64url(needText(reply, 'credential'));
  if (credential === null) throw new SessionError({ kind: 'serverFault', request: null });
  const response = needText(reply, 'response');
  const set = await opaque.finishRegistration(password, state, response, identity);
  const secret = KeyholderSecret.ofPassword(set.exportKey);
  const comeback = comebackKey(set.exportKey);
  return { secret, comeback, upload: { credential, upload: set.upload } };
}

/** Makes everything that is drawn at random: keys, account, space, recovery code, token. */
async function found(context: Context, server: ServerInfo, founder: Founder): Promise<Begun> {
  // The server is a member of open spaces, so its key must be known before the space is made.
  const recipient = recipientOf(await readAccount(context.api, server.account, null));
  const password = await registerPassword(context, server.identity, founder.password);
  const entropy = Entropy.system();
  const code = entropy.bytes(RECOVERY_BYTES);
  const recovery = KeyholderSecret.ofRecovery(code);
  const holders = [
    ['password', password.secret],
    ['recovery', recovery],
  ] as const;
  const now = context.now();
  const made = await createAccount(now, entropy, context.make);
  const { signer } = made.device;
  const set = await setKeyholders(made.state, signer, made.keys, holders, now, entropy);
  const state = made.state.append(set);
  const space = await createSpace(state, signer, recipient, now, entropy);
  const token = entropy.bytes(32);
  const request = encode(REGISTER_REQUEST, {
    login: founder.login,
    device: deviceInfo(context, server.version, founder.deviceName),
    token,
    account: encoded([...made.log, set]),
    space: encoded(space.log),
    password: password.upload,
    recovery: recovery.token(),
  });
  const { comeback } = password;
  return { account: state.id, device: made.device, token, request, recovery: code, comeback };
}

function readInvite(url: string | null): Invite | null {
  if (url === null) return null;
  const parsed = parseConnectUrl(url);
  if (typeof parsed !== 'string' && parsed.kind === 'invite') return parsed;
  throw new SessionError({ kind: 'badUrl', newer: parsed === 'version' });
}

function encoded(log: readonly ChangeSet[]): Uint8Array[] {
  return log.map((changeSet) => changeSet.encoded);
}
