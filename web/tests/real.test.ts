import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage } from './stage';

/** A person at the app as the program serves it, with nothing pretended. */
let stage: Stage;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

const PASSWORD = 'a long password';
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const link = (name: string) => page.getByRole('link', { name, exact: true });
const submit = () => page.locator('button[type=submit]').click();

beforeAll(async () => {
  stage = await Stage.start();
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  // The server's certificate is its own; a person would have told the browser to go on.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB' });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // That nobody is signed in is an answer, which the browser's console calls an error.
    const asked = message.location().url.endsWith('/api/v1/web/session');
    if (message.type() === 'error' && !asked) complaints.push(message.text());
  });
});

afterAll(async () => {
  await browser.close();
  await stage.stop();
});

test('an invite becomes an account, whose recovery code is kept before anything else', async () => {
  await page.goto(await stage.invite());
  await page.getByRole('heading', { name: 'Create your account' }).waitFor();
  expect(page.url()).not.toContain('#');
  await page.getByLabel('Login name').fill('noa');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('Password again').fill(PASSWORD);
  await submit();
  const code = await page.locator('code').textContent();
  await page.reload();
  await page.locator('code').waitFor();
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByLabel(/Type the code/).fill(code ?? '');
  await submit();
  await page.getByText('Nothing here yet').waitFor();
});

test('files go up, small and large, are looked at, deleted and brought back', async () => {
  const picker = page.locator('input[type=file]').first();
  await picker.setInputFiles([
    { name: 'hello.md', mimeType: 'text/plain', buffer: Buffer.from('# Hello\n\nworld') },
    { name: 'big.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(20_000_000, 7) },
    { name: 'tiny.png', mimeType: 'image/png', buffer: Buffer.from(PIXEL, 'base64') },
  ]);
  await page.getByText('3 files uploaded').waitFor();
  await link('hello.md').click();
  await page.getByRole('dialog').getByRole('heading', { name: 'Hello' }).waitFor();
  await page.keyboard.press('i');
  await page.getByRole('dialog').getByText('Now', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await link('tiny.png').click();
  await page.waitForFunction('document.querySelector("dialog img")?.naturalWidth === 1');
  await page.keyboard.press('Escape');
  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Delete');
  await link('big.bin').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await link('big.bin').waitFor();
});

test('what was deleted is in the trash, and comes back from there', async () => {
  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Delete');
  await link('big.bin').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Trash' }).first().click();
  await page.getByRole('button', { name: 'Restore big.bin' }).click();
  await page.getByText('The trash is empty').waitFor();
  await page.getByRole('link', { name: 'My files' }).first().click();
  await link('big.bin').waitFor();
});

test('who signs out and in again finds everything', async () => {
  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
  await page.getByLabel('Login name').fill('noa');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await submit();
  await link('hello.md').waitFor();
  expect(complaints).toEqual([]);
});
