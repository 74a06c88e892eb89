/** Browsers' sessions for tests: browsers without pages, beside devices of the command line. */

import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect } from 'vitest';

import {
  Api,
  type Context,
  type Fault,
  LoginAttempt,
  MemoryKeyStore,
  SessionError,
  opaqueHere,
  register,
} from '../src/lib/session';
import { makeBrowserDevice } from '../src/lib/session/device';
import { Stage } from './stage';

export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
export const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

export const PASSWORD = 'Grüße, Schärfe! 7 häfen';

/** The server of the test that runs. */
export let stage: Stage;

/** A server for each test: it counts how often one address tries to log in. */
export function onStage(): void {
  beforeEach(async () => {
    // The server's certificate is its own; a person would have told the browser to go on.
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    stage = await Stage.start();
  });
  afterEach(async () => {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    await stage.stop();
  });
}

/** What a browser does with cookies. */
export function withCookies(): typeof fetch {
  const jar = new Map<string, string>();
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    if (jar.size > 0) headers.set('cookie', [...jar].map((pair) => pair.join('=')).join('; '));
    const answer = await fetch(input, { ...init, headers });
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0]!.split('=');
      if (/max-age=0/i.test(line)) jar.delete(name!);
      else jar.set(name!, value!);
    }
    return answer;
  };
}

export function browser(changes: Partial<Context> = {}, fetches = withCookies()): Context {
  return {
    api: new Api(stage.url, fetches),
    store: new MemoryKeyStore(),
    opaque: opaqueHere,
    userAgent: FIREFOX,
    make: makeBrowserDevice,
    now: () => Date.now(),
    ...changes,
  };
}

export async function founded(login: string, context = browser()): Promise<Context> {
  await register(context, {
    login,
    password: PASSWORD,
    invite: await stage.invite(),
    deviceName: null,
  });
  return context;
}

export async function signedIn(login: string, context = browser(), password = PASSWORD): Promise<Context> {
  const attempt = await LoginAttempt.begin(context, { login, password });
  await attempt.finish(null, null);
  return context;
}

export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SessionError) return error.fault;
    throw error;
  }
  throw new Error('it worked');
}

/** The names of the account's devices, as the command line of one of them lists them. */
export async function namesByCommand(home: string): Promise<string[]> {
  const said = await stage.run(home, ['devices', '--json']);
  expect(said.err).toBe('');
  const { devices } = JSON.parse(said.out) as { devices: { name: string }[] };
  return devices.map((device) => device.name).sort();
}

export async function connected(login: string, home: string, password = PASSWORD): Promise<void> {
  const args = ['connect', stage.url, '--login', login, '--device-name', home];
  const said = await stage.run(home, args, [password]);
  expect(said, said.err).toMatchObject({ code: 0 });
}

export function totp(secret: string, stepsAhead = 0): string {
  const digits = [...secret].map((sign) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign));
  const bits = digits.map((digit) => digit.toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + stepsAhead));
  const hash = createHmac('sha1', key).update(step).digest();
  const at = hash.at(-1)! & 0xf;
  return String((hash.readUInt32BE(at) & 0x7fff_ffff) % 1_000_000).padStart(6, '0');
}
