import type { Context, Fault } from '../session';
import { callJson } from './http';
import { Problem } from './problem';
import type { Approval, DeviceActions, Me, SessionActions, SignIn, SignUp, Welcome } from './types';

/**
 * The session's steps, done by `lib/session`, which is loaded when one of them is asked for: with its
 * cryptography it weighs more than the rest of the page.
 */
const parts = (): Promise<typeof import('../session')> => import('../session');

let opened: Promise<Context> | undefined;

function context(): Promise<Context> {
  opened ??= parts().then(async ({ Api, browserContext, openKeyStore, opaqueInWorker }) =>
    browserContext(new Api(), await openKeyStore(), opaqueInWorker()),
  );
  return opened;
}

const CODES: Partial<Record<Fault['kind'], Problem['code']>> = {
  wrongPassword: 'login-wrong',
  secondFactorNeeded: 'second-factor',
  wrongFactor: 'second-factor',
  spent: 'token-spent',
  loginTaken: 'login-taken',
  closed: 'registration-closed',
  notAllowed: 'forbidden',
  suspended: 'account-suspended',
  deviceRemoved: 'device-removed',
  signedOut: 'unauthenticated',
  notFound: 'not-found',
  rateLimited: 'rate-limited',
  busy: 'overloaded',
  offline: 'offline',
  serverFault: 'internal',
  wrongRecoveryCode: 'recovery-wrong',
  wrongApprovalCode: 'approval-ended',
};

/** Does a step, and tells what goes wrong with it as everywhere in the app. */
async function step<Result>(work: () => Promise<Result>): Promise<Result> {
  const { SessionError } = await parts();
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    const detail = error.fault.kind;
    throw new Problem(CODES[error.fault.kind] ?? 'other', detail, undefined, { cause: error });
  }
}

/** Who the cookie says that we are; null without one. Asked at every start, so without what is heavy. */
async function current(): Promise<Me | null> {
  try {
    const me = await callJson<Me>('/web/session');
    return { ...me, displayName: me.displayName || me.loginName };
  } catch (error) {
    const nobody = error instanceof Problem && ['unauthenticated', 'device-removed'].includes(error.code);
    if (nobody) return null;
    throw error;
  }
}

async function mine(): Promise<Me> {
  const me = await current();
  if (!me) throw new Problem('unauthenticated');
  return me;
}

/** A login whose password was right, and that waits for the second factor. */
interface Begun {
  login: string;
  password: string;
  attempt: Awaited<ReturnType<(typeof import('../session'))['LoginAttempt']['begin']>>;
  passkey: object | null;
}
let begun: Begun | undefined;

async function signIn({ login, password, second }: SignIn): Promise<Me> {
  const { LoginAttempt, answerPasskey, isFault } = await parts();
  if (begun?.login !== login || begun.password !== password) {
    const attempt = await LoginAttempt.begin(await context(), { login, password });
    begun = { login, password, attempt, passkey: null };
  }
  const { attempt, passkey } = begun;
  try {
    if (second === 'passkey' && passkey) {
      const answer = await answerPasskey(passkey);
      if (!answer) throw new Problem('passkey-none');
      await attempt.finish({ passkey: answer }, null);
    } else await attempt.finish(second && second !== 'passkey' ? second : null, null);
  } catch (error) {
    if (isFault(error, 'secondFactorNeeded')) {
      begun.passkey = error.fault.passkey;
      throw new Problem('second-factor', error.fault.passkey ? 'passkey' : 'code', undefined, {
        cause: error,
      });
    }
    throw error;
  }
  begun = undefined;
  return mine();
}

const UNCONFIRMED = 'hythe.recovery-shown';

/** Whether a recovery code waits to be typed back is asked only where one was made. */
function remember(made: boolean): void {
  try {
    if (made) localStorage.setItem(UNCONFIRMED, '1');
    else localStorage.removeItem(UNCONFIRMED);
  } catch {
    // Then it is shown now, and in the settings of a later visit not again.
  }
}

function remembered(): boolean {
  try {
    return localStorage.getItem(UNCONFIRMED) !== null;
  } catch {
    return false;
  }
}

async function signUp({ login, password, invite }: SignUp): Promise<Me> {
  const { register } = await parts();
  await register(await context(), { login, password, invite: invite ?? null, deviceName: null });
  remember(true);
  return mine();
}

async function unconfirmedRecovery(): Promise<string | null> {
  if (!remembered()) return null;
  const { unconfirmedRecovery: unconfirmed } = await parts();
  return unconfirmed((await context()).store);
}

async function confirmRecovery(code: string): Promise<void> {
  const { confirmRecovery: confirm } = await parts();
  await confirm((await context()).store, code);
  remember(false);
}

async function recover(code: string, password: string): Promise<Me> {
  const { recover: enter, setPassword } = await parts();
  await enter(await context(), code, null);
  await setPassword(await context(), password, { kind: 'recovery', code });
  return mine();
}

async function askApproval(): Promise<Approval> {
  const { askApproval: ask } = await parts();
  const { code, join } = await ask(await context(), null);
  const waiting = new AbortController();
  const granted = step(() => join(waiting.signal).then(mine));
  return { code, granted, cancel: () => waiting.abort() };
}

async function welcome(): Promise<Welcome> {
  const { registration } = await callJson<Partial<Welcome>>('/server');
  return { serverName: location.host, registration: registration ?? 'invite' };
}

export const session: SessionActions = {
  current,
  welcome,
  signIn: (given) => step(() => signIn(given)),
  signUp: (given) => step(() => signUp(given)),
  unconfirmedRecovery: () => step(unconfirmedRecovery),
  confirmRecovery: (code) => step(() => confirmRecovery(code)),
  recover: (code, password) => step(() => recover(code, password)),
  askApproval: () => step(askApproval),
  signOut: () => step(async () => (await parts()).signOut(await context())),
};

export const devices: DeviceActions = {
  list: () => step(async () => (await parts()).listDevices((await context()).api)),
  remove: (id) => step(async () => (await parts()).cutOff(await context(), [id as never])),
  offer: () => step(async () => (await parts()).offerDevice(await context(), location.origin)),
  look: (code) => step(async () => (await parts()).lookAtDevice(await context(), code)),
  approve: (code) => step(async () => (await parts()).approveDevice(await context(), code, location.origin)),
};
