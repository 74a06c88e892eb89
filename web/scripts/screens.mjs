/** Takes pictures of each screen, for people to look at: `npm run screens`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

/** @typedef {import('playwright-core').Page} Page */

const here = import.meta.dirname;
const out = join(here, '..', '..', 'docs', 'screens');
const only = process.argv[2];

const WINDOW = { width: 1120, height: 700 };
const PHONE = { width: 390, height: 780 };

/** @param {Page} page @param {string} name */
const entry = (page, name) => page.getByRole('link', { name, exact: true });

/**
 * Each screen: where it is, and what is done there first.
 * @type {Record<string, { at: string, then?: (page: Page) => Promise<void> }>}
 */
const SCREENS = {
  enter: { at: '/?enter' },
  'enter-wrong': {
    at: '/?enter',
    async then(page) {
      await page.getByLabel(/Login|Anmelde|שם כניסה/).fill('noa');
      await page.locator('input[type=password]').fill('wrong');
      await page.locator('button[type=submit]').click();
      await page.getByRole('alert').waitFor();
    },
  },
  'sign-up': {
    at: '/?enter',
    async then(page) {
      await page.getByText(/Create an account|Ein Konto anlegen|יצירת חשבון חדש/).click();
    },
  },
  recovery: {
    at: '/?enter',
    async then(page) {
      await page.getByText(/Create an account|Ein Konto anlegen|יצירת חשבון חדש/).click();
      await page.locator('input').nth(0).fill('noa');
      await page.locator('input').nth(1).fill('a long password');
      await page.locator('input').nth(2).fill('a long password');
      await page.locator('button[type=submit]').click();
      await page.locator('code').waitFor();
    },
  },
  files: { at: '/' },
  selection: {
    at: '/',
    async then(page) {
      await page.getByRole('grid').focus();
      for (const key of ['Home', 'ArrowDown', 'Shift+ArrowDown', 'Shift+ArrowDown']) {
        await page.keyboard.press(key);
      }
    },
  },
  menu: {
    at: '/',
    async then(page) {
      await entry(page, 'Harbour.jpg').click({ button: 'right' });
    },
  },
  grid: {
    at: '/',
    async then(page) {
      await entry(page, 'Photos').click();
      await entry(page, 'Summer at the lake').click();
      await page.getByRole('button', { name: /Show as grid|Als Kacheln|הצגה כאריחים/ }).click();
      await page.locator('.tile img').first().waitFor();
    },
  },
  look: {
    at: '/',
    async then(page) {
      await entry(page, 'Harbour.jpg').click();
      await page.locator('dialog img').waitFor();
    },
  },
  markdown: {
    at: '/',
    async then(page) {
      await entry(page, 'Notes for Sunday.md').click();
      await page.locator('dialog h1').waitFor();
    },
  },
  code: {
    at: '/',
    async then(page) {
      await entry(page, 'Allotment').click();
      await entry(page, 'beds.ts').click();
      await page.locator('dialog code').waitFor();
    },
  },
  sheet: {
    at: '/',
    async then(page) {
      await entry(page, 'Allotment').click();
      await entry(page, 'Costs 2026.csv').click();
      await page.locator('dialog table').waitFor();
      await page.keyboard.press('i');
      await page.locator('dialog aside li').first().waitFor();
    },
  },
  names: {
    at: '/',
    async then(page) {
      await entry(page, 'Odd names').click();
      await page.getByText('family.jpg').first().waitFor();
    },
  },
  empty: {
    at: '/',
    async then(page) {
      await entry(page, 'Empty').click();
      await page.locator('.state').waitFor();
    },
  },
  failed: {
    at: '/',
    async then(page) {
      await page.evaluate(() => {
        const { fake } = /** @type {any} */ (window);
        fake.failNext('files.children', new fake.Problem('offline'), 9);
      });
      await entry(page, 'Music').click();
      await page.getByRole('alert').waitFor();
    },
  },
  move: {
    at: '/',
    async then(page) {
      await entry(page, 'Harbour.jpg').click({ button: 'right' });
      await page.getByRole('menuitem', { name: /Move to|Verschieben|העברה אל/ }).click();
      await page.locator('dialog li button').first().waitFor();
    },
  },
  rename: {
    at: '/',
    async then(page) {
      await entry(page, 'Harbour.jpg').click({ button: 'right' });
      await page.getByRole('menuitem', { name: /Rename|Umbenennen|שינוי שם/ }).click();
      await page.keyboard.type('a/b');
    },
  },
  undo: {
    at: '/',
    async then(page) {
      await entry(page, 'Harbour.jpg').click({ button: 'right' });
      await page.getByRole('menuitem', { name: /Delete|Löschen|מחיקה/ }).click();
      await page.getByRole('button', { name: /Undo|Rückgängig|ביטול הפעולה/ }).waitFor();
    },
  },
  uploads: {
    at: '/',
    async then(page) {
      await page.evaluate(() => {
        const { fake } = /** @type {any} */ (window);
        fake.failNext('uploads.small', new fake.Problem('quota-exceeded'), 1);
        const send = fake.uploads.send;
        let sent = 0;
        fake.uploads.send = (/** @type {unknown[]} */ ...given) =>
          (sent += 1) > 4 ? new Promise(() => undefined) : send(...given);
      });
      await page.evaluate(() => {
        const picked = new DataTransfer();
        const add = (/** @type {string} */ name, /** @type {number} */ bytes) =>
          picked.items.add(new File([new Uint8Array(bytes)], name));
        add('Backup.zip', 100_000);
        add('Wedding, first part.mp4', 28_000_000);
        add('Scan 1.pdf', 300_000);
        add('Scan 2.pdf', 18_000_000);
        add('Scan 3.pdf', 300_000);
        const picker = document.querySelector('input[type=file]');
        if (!(picker instanceof HTMLInputElement)) throw new Error('no picker');
        picker.files = picked.files;
        picker.dispatchEvent(new Event('change', { bubbles: true }));
      });
      await page.waitForTimeout(700);
    },
  },
  crowd: {
    at: '/files/space-archive',
    async then(page) {
      await entry(page, 'Everything').click();
      await page.locator('[aria-rowcount="100001"]').waitFor();
      await page.locator('.scroll').evaluate((element) => element.scrollTo(0, 2_000_000));
      await page.waitForTimeout(200);
    },
  },
  sealed: { at: '/files/space-diary' },
  trash: { at: '/trash/space-home' },
  search: { at: '/search/space-home?q=a' },
  mine: { at: '/mine' },
  offline: {
    at: '/',
    async then(page) {
      await page.context().setOffline(true);
      await page.getByRole('status').first().waitFor();
    },
  },
  lost: { at: '/nowhere/at/all' },
};

const LOOKS = {
  light: { viewport: WINDOW, colorScheme: 'light', locale: 'en-GB' },
  dark: { viewport: WINDOW, colorScheme: 'dark', locale: 'de-DE' },
  phone: { viewport: PHONE, colorScheme: 'light', locale: 'en-GB', hasTouch: true, isMobile: true },
  rtl: { viewport: WINDOW, colorScheme: 'light', locale: 'he-IL' },
};

/** The dark, phone and right-to-left looks of the screens that have most to get wrong. */
const EVERYWHERE = ['enter', 'files', 'grid', 'selection', 'sheet', 'names', 'uploads', 'mine'];

const { url, close } = await serve(join(here, '..', 'dist-fake'));
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
mkdirSync(out, { recursive: true });
let failed = 0;
for (const [look, options] of Object.entries(LOOKS)) {
  for (const [name, screen] of Object.entries(SCREENS)) {
    const file = `${name}-${look}`;
    if (only ? !file.match(only) : look !== 'light' && !EVERYWHERE.includes(name)) continue;
    const context = await browser.newContext({
      .../** @type {any} */ (options),
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(5000);
    await page.clock.setFixedTime(new Date('2026-11-20T09:30:00Z'));
    page.on('pageerror', (error) => console.error(`${file}: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') console.error(`${file}: ${message.text()}`);
    });
    try {
      await page.goto(url + screen.at);
      await page.locator('h1, .state').first().waitFor({ state: 'attached' });
      if (name.startsWith('enter') || name === 'recovery' || name === 'sign-up') {
        await page.locator('form').waitFor();
      }
      await page.waitForTimeout(80);
      await screen.then?.(page);
      await page.waitForTimeout(120);
      await page.screenshot({ path: join(out, `${file}.png`), animations: 'disabled' });
    } catch (error) {
      failed += 1;
      console.error(`${file}: ${error instanceof Error ? error.message : error}`);
      await page.screenshot({ path: join(out, `${file}.png`) });
    }
    await context.close();
  }
}
await browser.close();
close();
console.log(failed === 0 ? `pictures are in ${out}` : `${failed} screens failed`);
process.exitCode = failed === 0 ? 0 : 1;
