import { expect, test } from 'vitest';
import { isOwn } from './trusted';

test("only the app's built scripts may be started", () => {
  expect(isOwn('/assets/opaque.worker-1a2b.js')).toBe(true);
  for (const url of [
    'https://example.org/assets/x.js',
    '//example.org/assets/x.js',
    '/api/v1/web/spaces/a/nodes/b/content',
    '/assets/../api/v1/x.js',
    'data:text/javascript,1',
    'blob:http://localhost/assets/x.js',
  ]) {
    expect(isOwn(url), url).toBe(false);
  }
});
