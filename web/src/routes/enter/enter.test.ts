import { beforeEach, expect, test } from 'vitest';
import { makeFake, type Fake } from '$fake/index';
import { useActions } from '$lib/actions/index';
import type { Me } from '$lib/actions/types';
import { button, expectAccessible, show, type, until } from '../../../tests/mounting';
import EnterScreen from './EnterScreen.svelte';
import RecoveryCode from './RecoveryCode.svelte';

let fake: Fake;
let entered: Me[];

beforeEach(() => {
  fake = makeFake({ crowd: 1, signedIn: false });
  useActions(fake);
  entered = [];
});

async function open(invite?: string): Promise<HTMLElement> {
  const screen = show(EnterScreen, { onentered: (me) => entered.push(me), invite });
  await until(() => screen.querySelector('form'));
  return screen;
}

const inputs = (): HTMLInputElement[] => [...document.querySelectorAll('input')];
const submit = (): void => document.querySelector<HTMLButtonElement>('button[type=submit]')?.click();

function fill(...texts: string[]): void {
  texts.forEach((text, at) => type(inputs()[at] as HTMLInputElement, text));
}

test('a password lets in; a wrong one is said, with what to do', async () => {
  const screen = await open();
  await expectAccessible(screen);
  fill('noa', 'wrong');
  submit();
  const told = await until(() => screen.querySelector('[role=alert]'));
  expect(told.textContent).toContain('wrong');
  fill('noa', 'right');
  submit();
  await until(() => entered.length === 1);
});

test('an account with a second factor asks for it, and nothing is typed twice', async () => {
  const screen = await open();
  fill('two', 'right');
  submit();
  await until(() => screen.querySelector('input[autocomplete=one-time-code]'));
  expect(screen.querySelector('[role=alert]')).toBeNull();
  expect(button('Use a passkey')).toBeDefined();
  fill('123 456');
  submit();
  await until(() => entered.length === 1);
});

test('an invite opens the form for an account, which checks the password before it sends', async () => {
  const screen = await open('invite');
  await expectAccessible(screen);
  fill('noa', 'short', 'short');
  submit();
  expect((await until(() => screen.querySelector('[role=alert]'))).textContent).toContain('8');
  fill('noa', 'long enough', 'long enaugh');
  submit();
  await until(() => screen.textContent.includes('differ'));
  expect(fake.calls).not.toContain('session.signUp');
  fill('noa', 'long enough', 'long enough');
  submit();
  await until(() => entered.length === 1);
});

test('a recovery code counts as kept only when it was typed back', async () => {
  let done = false;
  show(RecoveryCode, { code: 'K7QM-2XRT', ondone: () => (done = true) });
  button('I have kept it')?.click();
  await until(() => inputs()[0]);
  expect(document.body.textContent).not.toContain('K7QM');
  fill('K7QM-2XRX');
  submit();
  await until(() => document.querySelector('[role=alert]'));
  fill('k7qm 2xrt');
  submit();
  await until(() => done);
});

test('another device can let this one in', async () => {
  const screen = await open();
  button('Use another device')?.click();
  await until(() => screen.querySelector('output'));
  await expectAccessible(screen);
});
