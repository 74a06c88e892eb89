/**
 * Browsers' sessions against a real server, beside devices of the command line: what TypeScript writes,
 * Rust reads, and the other way round.
 */

import { describe, expect, test } from 'vitest';

import {
  LoginAttempt,
  confirmRecovery,
  currentSession,
  listDevices,
  recover,
  register,
  renewRecovery,
  setPassword,
  unconfirmedRecovery,
} from '../src/lib/session';
import { makeSeedDevice } from '../src/lib/session/device';
import {
  PASSWORD,
  SAFARI,
  browser,
  connected,
  faultOf,
  founded,
  namesByCommand,
  onStage,
  signedIn,
  stage,
  totp,
  withCookies,
} from './people';

onStage();

describe('an account made in a browser', () => {
  test('is one that a second browser and the command line log in to', async () => {
    const first = await founded('ada');
    const second = await signedIn('ada', browser({ userAgent: SAFARI, make: makeSeedDevice }));
    await connected('ada', 'laptop');
    const names = ['Firefox on Linux', 'Safari on iPhone', 'laptop'];
    expect(await namesByCommand('laptop')).toEqual(names);
    for (const context of [first, second]) {
      const devices = await listDevices(context.api);
      expect(devices.map((device) => device.name).sort()).toEqual(names);
      expect(devices.map((device) => device.browser).filter(Boolean)).toHaveLength(2);
    }
    const who = await currentSession(first.api);
    expect(who).toMatchObject({
      loginName: 'ada',
      account: (await first.store.get('device'))!.account,
    });
  });

  test('has a personal space that the command line reads and writes', async () => {
    await founded('bob');
    await connected('bob', 'bobs');
    expect(await stage.run('bobs', ['mkdir', ':/from the command line'])).toMatchObject({ code: 0 });
    const said = await stage.run('bobs', ['ls', ':/']);
    expect(said.out).toContain('from the command line');
  });

  test('is made once, also where the answer is lost', async () => {
    let lost = 0;
    const fetches = withCookies();
    const losing: typeof fetch = async (input, init) => {
      const answer = await fetches(input, init);
      if (String(input).endsWith('/accounts') && lost++ === 0) throw new TypeError('lost');
      return answer;
    };
    const context = browser({}, losing);
    const founder = {
      login: 'carol',
      password: PASSWORD,
      invite: await stage.invite(),
      deviceName: null,
    };
    expect(await faultOf(register(context, founder))).toEqual({
      kind: 'offline',
    });
    const before = (await context.store.get('enrolling'))!.device.account;
    const kept = await register(context, founder);
    expect(kept.account).toBe(before);
    expect(await context.store.get('enrolling')).toBeNull();
  });

  test('takes an invite that holds, a name that is free, and no other', async () => {
    await founded('ada');
    const invite = await stage.invite();
    const founder = {
      login: 'ada',
      password: PASSWORD,
      invite,
      deviceName: null,
    };
    expect(await faultOf(register(browser(), { ...founder, invite: null }))).toEqual({ kind: 'closed' });
    const broken = { ...founder, invite: invite.slice(0, -9) };
    expect(await faultOf(register(browser(), broken))).toEqual({
      kind: 'badUrl',
      newer: false,
    });
    const elsewhere = {
      ...founder,
      invite: invite.replace(/(#i=..).{8}/, '$1AAAAAAAA'),
    };
    expect(await faultOf(register(browser(), elsewhere))).toEqual({
      kind: 'wrongServer',
    });
    expect(await faultOf(register(browser(), founder))).toEqual({
      kind: 'loginTaken',
    });
    await register(browser(), { ...founder, login: 'dora' });
    expect(await faultOf(register(browser(), { ...founder, login: 'ed' }))).toEqual({ kind: 'spent' });
  });
});

describe('a login', () => {
  test('with a wrong name or password says so, and nothing more', async () => {
    await founded('eve');
    for (const [login, password] of [
      ['eve', 'another password'],
      ['nobody of this name', PASSWORD],
    ] as const) {
      expect(await faultOf(signedIn(login, browser(), password))).toEqual({
        kind: 'wrongPassword',
      });
    }
  });

  test('of a password that was set at the command line works', async () => {
    const url = await stage.invite();
    const made = ['connect', url, '--login', 'fay', '--device-name', 'fays'];
    expect(await stage.run('fays', made)).toMatchObject({ code: 0 });
    const set = await stage.run('fays', ['account', 'password'], [PASSWORD, PASSWORD]);
    expect(set, set.err).toMatchObject({ code: 0 });
    await signedIn('fay');
    expect(await namesByCommand('fays')).toEqual(['Firefox on Linux', 'fays']);
  });

  test('asks for the second factor where there is one, and types nothing twice', async () => {
    const first = await founded('gil');
    const { secret } = await first.api.json('POST', '/account/totp', 'cookie', {});
    await first.api.nothing('POST', '/account/totp/confirm', 'cookie', {
      code: totp(String(secret)),
    });
    let now = Date.now();
    const context = browser({ now: () => now });
    const attempt = await LoginAttempt.begin(context, {
      login: 'gil',
      password: PASSWORD,
    });
    const asked = await faultOf(attempt.finish(null, null));
    expect(asked).toEqual({
      kind: 'secondFactorNeeded',
      code: true,
      passkey: null,
    });
    expect(await faultOf(attempt.finish({ code: '000000' }, null))).toEqual({
      kind: 'wrongFactor',
    });
    // A code counts once, and that of now was shown above: the next step's is taken as well.
    const next = totp(String(secret), 1);
    // The person looked for the telephone for an hour.
    now += 3_600_000;
    await attempt.finish({ code: `${next.slice(0, 3)} ${next.slice(3)}` }, null);
    expect((await currentSession(context.api))?.loginName).toBe('gil');
  });
});

describe('a recovery code', () => {
  test('is shown until it was typed back, and lets in whoever has it', async () => {
    const first = await founded('hal');
    const code = (await unconfirmedRecovery(first.store))!;
    const slip = code.replace(/^./, (sign) => (sign === 'X' ? 'Y' : 'X'));
    expect(await faultOf(confirmRecovery(first.store, slip))).toEqual({
      kind: 'wrongRecoveryCode',
      slip: 'check',
    });
    expect(await unconfirmedRecovery(first.store)).toBe(code);
    await confirmRecovery(first.store, code.toLowerCase());
    expect(await unconfirmedRecovery(first.store)).toBeNull();

    const second = browser({ userAgent: SAFARI });
    await recover(second, code, 'found again');
    const names = (await listDevices(second.api)).map((device) => device.name);
    expect(names).toEqual(['Firefox on Linux', 'found again']);

    await setPassword(second, 'another password', { kind: 'recovery', code });
    await signedIn('hal', browser(), 'another password');
    await connected('hal', 'hals', 'another password');
    expect(await faultOf(signedIn('hal'))).toEqual({ kind: 'wrongPassword' });
    expect(await stage.run('hals', ['ls', ':/'])).toMatchObject({ code: 0 });
  });

  test('that was replaced, or never was, lets nobody in', async () => {
    const first = await founded('ian');
    const code = (await unconfirmedRecovery(first.store))!;
    const credentials = { login: 'ian', password: PASSWORD };
    const renewed = await renewRecovery(first, {
      kind: 'password',
      credentials,
      factor: null,
    });
    expect(renewed).not.toBe(code);
    expect(await unconfirmedRecovery(first.store)).toBe(renewed);
    expect(await faultOf(recover(browser(), code, null))).toEqual({
      kind: 'wrongRecoveryCode',
      slip: 'unknown',
    });
    await recover(browser(), renewed, null);
    const bare = await faultOf(renewRecovery(first, { kind: 'nothing' }));
    expect(bare).toEqual({ kind: 'proofNeeded' });
  });
});
