import { expect, test } from 'vitest';
import { readLines } from './ndjson';
import { Problem } from './problem';

/** A body that arrives in pieces of `size` bytes, wherever they cut. */
function body(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(stream) {
      if (at >= bytes.length) stream.close();
      else stream.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

const text = '{"name":"שלום 👩‍👩‍👧"}\n{"name":"b"}\n{"end":true,"cursor":7,"count":2}\n';

test.each([1, 2, 3, 7, 1000])('lines are whole in pieces of %i bytes', async (size) => {
  const taken: { name: string }[] = [];
  const end = await readLines<{ name: string }>(body(text, size), (lines) => taken.push(...lines));
  expect(taken.map((line) => line.name)).toEqual(['שלום 👩‍👩‍👧', 'b']);
  expect(end).toEqual({ end: true, cursor: 7, count: 2 });
});

test.each([text.length - 20, 12])('a listing that was cut off is none', async (length) => {
  const reading = readLines(body(text.slice(0, length), 5), () => undefined);
  await expect(reading).rejects.toThrow(Problem);
});
