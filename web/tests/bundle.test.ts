import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const dist = join(import.meta.dirname, '..', 'dist');
const FIRST_LOAD_BYTES = 200 * 1024;

test('the first load is at most 200 KiB of compressed script', () => {
  const page = readFileSync(join(dist, 'index.html'), 'utf8');
  const scripts = [...page.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map((match) => match[1] ?? '');
  expect(scripts.length).toBeGreaterThan(1);
  const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(dist, name))).length, 0);
  console.log(`first load: ${scripts.length} scripts, ${(bytes / 1024).toFixed(1)} KiB compressed`);
  expect(bytes).toBeLessThanOrEqual(FIRST_LOAD_BYTES);
});

test('the page has nothing that its content security policy forbids', () => {
  const page = readFileSync(join(dist, 'index.html'), 'utf8');
  expect(page).not.toMatch(/<style|style=|javascript:|data:|https?:/);
  expect(page).not.toMatch(/<script(?![^>]*\ssrc=)/);
});

test('nothing of the fake API is in what is shipped', () => {
  for (const name of readdirSync(join(dist, 'assets'))) {
    if (!name.endsWith('.js')) continue;
    expect(readFileSync(join(dist, 'assets', name), 'utf8')).not.toContain('hythe-fake-api');
  }
});
