import { expect, test } from 'vitest';
import type { Entry } from '$lib/actions/types';
import { comparator, sortInSlices, SortKeys } from './order';

const file = (name: string, more: Partial<Entry> = {}): Entry => ({ id: name, kind: 'file', name, ...more });
const names = (entries: readonly Entry[]): string[] => entries.map((entry) => entry.name);
const signal = new AbortController().signal;

test('names are in the order of people: numbers by value, accents and case aside, directories first', () => {
  const entries = ['scan 10', 'Éclair', 'scan 9', 'apple', 'Zoo', 'eclair'].map((name) => file(name));
  entries.push(file('zz', { kind: 'directory' }));
  entries.sort(comparator({ by: 'name', down: false }, new SortKeys()));
  expect(names(entries)).toEqual(['zz', 'apple', 'eclair', 'Éclair', 'scan 9', 'scan 10', 'Zoo']);
});

test('down turns the column around, and leaves directories on top', () => {
  const entries = [file('a', { size: 1 }), file('b', { size: 3 }), file('d', { kind: 'directory' })];
  entries.sort(comparator({ by: 'size', down: true }, new SortKeys()));
  expect(names(entries)).toEqual(['d', 'b', 'a']);
});

test('sorting in slices gives what sorting at once gives, and is stable', async () => {
  let seed = 7;
  const numbers = Array.from({ length: 10_000 }, (_, at) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return { by: seed % 100, at };
  });
  const compare = (one: { by: number }, other: { by: number }): number => one.by - other.by;
  expect(await sortInSlices(numbers, compare, signal)).toEqual([...numbers].sort(compare));
});

test('sorting stops when nobody wants the result any more', async () => {
  const stopped = new AbortController();
  stopped.abort();
  expect(await sortInSlices([3, 1, 2], (a, b) => a - b, stopped.signal)).toBeUndefined();
});
