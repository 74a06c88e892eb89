import { beforeEach, expect, test } from 'vitest';
import { makeFake, type Fake } from '$fake/index';
import { useActions } from '$lib/actions/index';
import { Problem } from '$lib/actions/problem';
import { UploadQueue, type Upload } from './uploads.svelte';

let fake: Fake;
let waited: number[];
let queue: UploadQueue;
const SPACE = 'space-home';

beforeEach(() => {
  fake = makeFake({ crowd: 1 });
  useActions(fake);
  waited = [];
  queue = new UploadQueue(async (ms) => {
    waited.push(ms);
  });
});

const root = (): string => fake.trees.get(SPACE)?.root ?? '';
const file = (name: string, bytes: number): File => new File([new Uint8Array(bytes)], name);

async function settled(items: readonly Upload[] = queue.items): Promise<void> {
  for (
    let turn = 0;
    turn < 2000 && items.some((item) => !['done', 'failed'].includes(item.status));
    turn += 1
  ) {
    await new Promise((resolve) => setTimeout(resolve));
  }
}

test('files arrive whole, in pieces, and beside what is there already', async () => {
  const tree = fake.trees.get(SPACE);
  queue.add(SPACE, root(), [file('Harbour.jpg', 20_000_000), file('empty', 0)]);
  await settled();
  expect(queue.items.map((item) => item.status)).toEqual(['done', 'done']);
  expect(tree?.child(root(), 'Harbour (2).jpg')?.entry.size).toBe(20_000_000);
  expect(tree?.child(root(), 'empty')?.entry.size).toBe(0);
  expect(fake.calls.filter((call) => call === 'uploads.send').length).toBe(3);
});

test('a broken connection is waited for, and sending goes on where the server has it', async () => {
  queue.add(SPACE, root(), [file('film', 20_000_000)]);
  fake.failNext('uploads.send', new Problem('offline'), 3);
  await settled();
  expect(queue.items[0]?.status).toBe('done');
  expect(fake.calls.filter((call) => call === 'uploads.begin').length).toBe(1);
  expect(fake.calls).toContain('uploads.offset');
  expect(waited).toEqual([1000, 2000, 4000]);
});

test('what cannot go well by itself fails with its reason, and goes well when it is tried again', async () => {
  fake.failNext('uploads.small', new Problem('quota-exceeded'));
  queue.add(SPACE, root(), [file('a', 10)]);
  await settled();
  const [item] = queue.items;
  expect(item?.status).toBe('failed');
  expect((item?.error as Problem).code).toBe('quota-exceeded');
  expect(waited).toEqual([]);
  if (item) queue.retry(item);
  await settled();
  expect(item?.status).toBe('done');
});

test('a server that takes nothing any more is given up', async () => {
  fake.failNext('uploads.small', new Problem('unavailable'), 100);
  queue.add(SPACE, root(), [file('a', 10)]);
  await settled();
  expect(queue.items[0]?.status).toBe('failed');
  expect(waited.length).toBeLessThan(20);
});

test('at most three files are on their way at once', async () => {
  queue.add(
    SPACE,
    root(),
    Array.from({ length: 8 }, (_, at) => file(`f${at}`, 10)),
  );
  expect(queue.items.filter((item) => item.status === 'sending').length).toBe(3);
  await settled();
  expect(queue.items.every((item) => item.status === 'done')).toBe(true);
});

test('what is cancelled is taken back from the server', async () => {
  queue = new UploadQueue(() => new Promise(() => undefined));
  fake.failNext('uploads.send', new Problem('offline'));
  queue.add(SPACE, root(), [file('film', 30_000_000)]);
  const [item] = queue.items;
  while (item?.status !== 'pausing') await new Promise((resolve) => setTimeout(resolve));
  queue.remove(item);
  expect(queue.items).toEqual([]);
  expect(fake.calls).toContain('uploads.cancel');
  expect(fake.trees.get(SPACE)?.child(root(), 'film')).toBeUndefined();
});
