import { beforeEach, expect, test } from 'vitest';
import { makeFake, type Fake } from '$fake/index';
import { NAUGHTY_NAMES } from '$fake/samples';
import { useActions } from '$lib/actions/index';
import { Problem } from '$lib/actions/problem';
import type { Space } from '$lib/actions/types';
import Toasts from '$lib/components/Toasts.svelte';
import { showable } from '$lib/i18n/showable';
import { button, expectAccessible, press, show, type, until } from '../../../tests/mounting';
import FilesScreen from './FilesScreen.svelte';
import { view } from './view.svelte';

let fake: Fake;
const CROWD = 100_000;

beforeEach(() => {
  view.grid = false;
  view.details = false;
  fake = makeFake({ crowd: 10 });
  useActions(fake);
});

async function open(id: string, path: string[] = []): Promise<HTMLElement> {
  const space = (await fake.spaces.list()).find((one) => one.id === id) as Space;
  const tree = fake.trees.get(id);
  let node = space.root;
  for (const name of path) node = tree?.child(node, name)?.entry.id ?? '';
  const screen = show(FilesScreen, { space, node, look: undefined });
  await until(() => document.querySelector('[role=grid], .state'));
  return screen;
}

const grid = (): HTMLElement => document.querySelector('[role=grid]') as HTMLElement;
const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('.row')];
const row = (name: string): HTMLElement | undefined =>
  rows().find((one) => one.querySelector('bdi')?.getAttribute('title') === name);
const chosen = (): string[] =>
  rows()
    .filter((one) => one.getAttribute('aria-selected') === 'true')
    .map((one) => one.querySelector('bdi')?.getAttribute('title') ?? '');

test('a directory is a grid that axe finds nothing wrong with, as list and with a selection', async () => {
  const screen = await open('space-home');
  await expectAccessible(screen);
  press(grid(), 'a', { ctrlKey: true });
  expect(chosen().length).toBeGreaterThan(5);
  await expectAccessible(screen);
});

test('of 100,000 entries at most 100 rows are in the document', async () => {
  fake = makeFake({ crowd: CROWD });
  useActions(fake);
  await open('space-archive', ['Everything']);
  await until(() => grid().getAttribute('aria-rowcount') === String(CROWD + 1));
  expect(rows().length).toBeGreaterThan(5);
  expect(rows().length).toBeLessThanOrEqual(100);
  press(grid(), 'End');
  expect(rows().length).toBeLessThanOrEqual(100);
}, 20_000);

test('the keyboard moves, extends, finds, and chooses all', async () => {
  await open('space-home');
  press(grid(), 'ArrowDown');
  expect(chosen()).toEqual(['Allotment']);
  press(grid(), 'ArrowDown', { shiftKey: true });
  expect(chosen()).toEqual(['Allotment', 'Documents']);
  press(grid(), 'p');
  expect(chosen()).toEqual(['Photos']);
  press(grid(), 'Escape');
  expect(chosen()).toEqual([]);
});

test('deleting shows at once, and undo brings it back', async () => {
  show(Toasts, {});
  await open('space-home');
  press(grid(), 'h');
  press(grid(), 'Delete');
  await until(() => !row('Harbour.jpg'));
  (await until(() => button('Undo'))).click();
  await until(() => row('Harbour.jpg'));
});

test('a delete that the server refuses is taken back, and said', async () => {
  show(Toasts, {});
  await open('space-home');
  fake.failNext('files.edit', new Problem('forbidden'));
  press(grid(), 'h');
  press(grid(), 'Delete');
  const told = await until(() => document.querySelector('[role=alert]'));
  expect(told.textContent).toContain('You may not do this here.');
  await until(() => row('Harbour.jpg'));
});

test('renaming in place refuses what is no name and what is taken, and keeps the ending out of the choice', async () => {
  await open('space-home');
  press(grid(), 'h');
  press(grid(), 'F2');
  const input = await until(() => document.querySelector<HTMLInputElement>('.rename input'));
  expect([input.selectionStart, input.selectionEnd]).toEqual([0, 'Harbour'.length]);
  type(input, 'a/b');
  expect(document.querySelector('[role=alert]')?.textContent).toContain('slash');
  type(input, 'ä'.repeat(128));
  expect(document.querySelector('[role=alert]')?.textContent).toContain('255');
  type(input, 'Photos');
  press(input, 'Enter');
  await until(() => document.querySelector('[role=alert]')?.textContent.includes('already'));
  type(input, 'Quay.jpg');
  press(input, 'Enter');
  await until(() => row('Quay.jpg'));
});

test('a new folder is made by its dialog', async () => {
  await open('space-home', ['Empty']);
  button('New folder')?.click();
  const input = await until(() => document.querySelector<HTMLInputElement>('dialog input'));
  await expectAccessible(document.body);
  type(input, 'Boats');
  document.querySelector('dialog form')?.dispatchEvent(new Event('submit', { cancelable: true }));
  await until(() => row('Boats'));
});

test.each([false, true])('naughty names stay text (grid: %s)', async (asGrid) => {
  view.grid = asGrid;
  const screen = await open('space-home', ['Odd names']);
  await until(() => screen.textContent.includes('onerror'));
  expect(screen.querySelectorAll('script, img[src=x]')).toHaveLength(0);
  const titles = [...screen.querySelectorAll('bdi')].map((name) => name.getAttribute('title'));
  for (const name of NAUGHTY_NAMES) expect(titles).toContain(showable(name));
});

test('who may only look is offered nothing to change', async () => {
  await open('space-club');
  expect(button('Upload')).toBeUndefined();
  press(grid(), 'ArrowDown');
  expect(button('Download')).toBeDefined();
  expect(button('Delete')).toBeUndefined();
  press(grid(), 'Delete');
  expect(fake.calls).not.toContain('files.edit');
});

test('a server that cannot be reached is said, and tried again', async () => {
  fake.failNext('files.children', new Problem('offline'));
  const screen = await open('space-home');
  await until(() => screen.querySelector('[role=alert]')?.textContent.includes('cannot be reached'));
  await expectAccessible(screen);
  button('Try again')?.click();
  await until(() => row('Photos'));
});
