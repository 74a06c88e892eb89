import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serve } from '../scripts/serve.mjs';

/** The built app in Debian's Chromium, under the policy that the program sends, before a pretended server. */
let browser: Browser;
let served: { url: string; close: () => void };
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

beforeAll(async () => {
  served = await serve(join(import.meta.dirname, '..', 'dist-fake'));
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});

afterAll(async () => {
  await browser.close();
  served.close();
});

/** Opens an address of the app, and gives what the page complained about when it is closed. */
async function at(
  path: string,
  use: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(served.url + path);
  await page.locator('h1, form').first().waitFor({ state: 'attached' });
  await use(page);
  expect(complaints).toEqual([]);
  await context.close();
}

const LOOKS: Record<string, BrowserContextOptions> = {
  light: {},
  dark: { colorScheme: 'dark', locale: 'de-DE' },
  phone: { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true },
  'right to left': { locale: 'he-IL' },
};
/** Each goes over 833 rows: all that are there change. */
const STEPS = 120;
const PLACES = [
  '/?enter',
  '/',
  '/files/space-club',
  '/files/space-diary',
  '/trash/space-home',
  '/search/space-home?q=a',
  '/mine',
  '/no/where/x/y',
];

async function findings(page: Page): Promise<string[]> {
  // By the debugger's door: the page's own policy lets no foreign script in.
  return await page.evaluate(
    `${axe}; axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map((node) => node.html + ' ' + node.failureSummary).join(' | ')))`,
  );
}

test.each(Object.keys(LOOKS))('axe finds nothing serious anywhere: %s', async (look) => {
  for (const place of PLACES) {
    await at(
      place,
      async (page) => {
        await page.locator('.row, form input[required], main li, .state').first().waitFor();
        expect(await findings(page), place).toEqual([]);
        const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(wide, `${place} is wider than its window`).toBeLessThanOrEqual(0);
      },
      LOOKS[look],
    );
  }
});

test('100,000 entries scroll with at most 100 rows in the document', async () => {
  await at('/files/space-archive', async (page) => {
    await page.getByRole('link', { name: 'Everything' }).click();
    await page.locator('[aria-rowcount="100001"]').waitFor();
    const meter = await page.context().newCDPSession(page);
    // Time of the processor: what else the machine does meanwhile does not count.
    await meter.send('Performance.enable', { timeDomain: 'threadTicks' });
    const scripted = async () =>
      (await meter.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'ScriptDuration')
        ?.value ?? 0;
    const before = await scripted();
    const seen = await page.evaluate<{ most: number; last: string }>(`(async () => {
      const scroller = document.querySelector('.scroll');
      let most = 0;
      for (let step = 1; step <= ${STEPS}; step += 1) {
        scroller.scrollTop = (scroller.scrollHeight * step) / ${STEPS};
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        most = Math.max(most, document.querySelectorAll('[role=row]').length);
      }
      return { most, last: [...document.querySelectorAll('.row')].map((row) => row.textContent).join() };
    })()`);
    const perStep = (((await scripted()) - before) * 1000) / STEPS;
    console.log(`scrolling 100,000: ${seen.most} rows at most, ${perStep.toFixed(1)} ms of script a step`);
    expect(seen.most).toBeLessThanOrEqual(100);
    expect(seen.last).toContain('scan 99999.pdf');
  });
});

test('a person uploads by dropping, looks, renames, deletes and undoes', async () => {
  await at('/', async (page) => {
    await page.getByRole('link', { name: 'Empty', exact: true }).click();
    await page.getByText('Nothing here yet').waitFor();
    await page.evaluate(`(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['# Hello\\n\\nworld'], 'hello.md'));
      const target = document.querySelector('.screen');
      for (const type of ['dragenter', 'dragover', 'drop']) {
        target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
      }
    })()`);
    const file = page.getByRole('link', { name: 'hello.md' });
    await file.click();
    await page.getByRole('dialog').getByRole('heading', { name: 'Hello' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('grid').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('F2');
    await page.keyboard.type('greeting');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'greeting.md' }).waitFor();
    await page.getByRole('grid').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Delete');
    await page.getByText('Nothing here yet').waitFor();
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await page.getByRole('link', { name: 'greeting.md' }).waitFor();
  });
});

test('a file is moved by dragging it onto a folder', async () => {
  await at('/', async (page) => {
    await page
      .getByRole('link', { name: 'Harbour.jpg' })
      .locator('xpath=ancestor::*[@role="row"]')
      .dragTo(
        page.getByRole('link', { name: 'Photos', exact: true }).locator('xpath=ancestor::*[@role="row"]'),
      );
    await page.getByText('1 item moved to').waitFor();
    await page.getByRole('link', { name: 'Photos', exact: true }).click();
    await page.getByRole('link', { name: 'Harbour.jpg' }).waitFor();
  });
});

test('links open, and the steps back and forward of the browser work', async () => {
  await at('/', async (page) => {
    await page.getByRole('link', { name: 'Photos', exact: true }).click();
    await page.getByRole('link', { name: 'Summer at the lake' }).click();
    await page.getByRole('link', { name: 'IMG_20260710.jpg' }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'Summer at the lake' }).waitFor();
    await page.goForward();
    await page.getByRole('link', { name: 'IMG_20260710.jpg' }).waitFor();
  });
});

test('what was chosen of language and theme holds after a reload', async () => {
  await at('/mine', async (page) => {
    await page.getByText('Dark', { exact: true }).click();
    await page.getByLabel('Language').selectOption('he');
    await page.locator('html[dir=rtl][data-theme=dark]').waitFor();
  });
});
