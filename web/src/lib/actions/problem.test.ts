import { expect, test } from 'vitest';
import { explain } from './explain';
import { CODES, Problem, problemOf } from './problem';

const answer = (status: number, body: string): Response => new Response(body, { status });

test('a problem is what its type says', async () => {
  const body = '{"type":"urn:hythe:problem:quota-exceeded","title":"","status":507,"detail":"4 bytes left"}';
  const problem = await problemOf(answer(507, body));
  expect(problem.code).toBe('quota-exceeded');
  expect(problem.detail).toBe('4 bytes left');
});

test.each([
  [500, '<html>Bad gateway</html>', 'internal'],
  [502, '', 'unavailable'],
  [404, '{"type":"about:blank"}', 'not-found'],
  [418, '[]', 'other'],
])('an answer of somebody in between, %i, is judged by its status', async (status, body, code) => {
  expect((await problemOf(answer(status, body))).code).toBe(code);
});

test('every code has a sentence and a next step', () => {
  for (const code of CODES) {
    const told = explain(new Problem(code));
    expect(told.sentence, code).toMatch(/\.$/);
    expect(told.next, code).toMatch(/\.$/);
  }
  expect(explain(new TypeError('bug')).code).toBe('other');
});
