import { FakeTree } from './tree';

const DAY_MS = 86_400_000;
/** When the samples were "written": a fixed day, so that screenshots stay the same. */
export const SAMPLE_NOW = Date.UTC(2026, 10, 20, 9, 30);

/** Names that are made to break a page. */
export const NAUGHTY_NAMES = [
  '<img src=x onerror=alert(1)>.png',
  '"><script>alert(1)</script>.txt',
  'invoice\u202Efdp.exe',
  '\u2067right to left isolate\u2069.txt',
  'שלום עולם – תמונות מהחופשה.txt',
  'تقرير ٢٠٢٦.pdf',
  'a\u0000b\nc\td.txt',
  '👩‍👩‍👧‍👦 family.jpg',
  `${'n'.repeat(251)}.txt`,
  '..  ',
  'Z̸̢̛a̷͠l̵g̶o̴.md',
  '%2e%2e%2fetc%2fpasswd',
  '{count} {name}.txt',
] as const;

const text = (content: string, type = 'text/plain'): Blob => new Blob([content], { type });

/** A picture that is drawn: sky, hills and sun in colours of its own. */
function picture(seed: number): Blob {
  const hue = (seed * 47) % 360;
  const hill = (y: number, light: number): string =>
    `<path d="M0 ${y} C 300 ${y - 140 - seed * 9} 500 ${y + 60} 800 ${y - 80} S 1100 ${y - 40} 1200 ${y - 60} V 800 H 0 Z" fill="hsl(${(hue + 60) % 360} 38% ${light}%)"/>`;
  return text(
    `<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="800" viewBox="0 0 1200 800"><defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="hsl(${hue} 70% 62%)"/><stop offset="1" stop-color="hsl(${(hue + 40) % 360} 85% 86%)"/></linearGradient></defs><rect width="1200" height="800" fill="url(#s)"/><circle cx="${250 + seed * 90}" cy="230" r="70" fill="#fff8e1"/>${hill(560, 46)}${hill(660, 34)}${hill(740, 24)}</svg>`,
    'image/svg+xml',
  );
}

/** A second of a quiet tone. */
function tone(): Blob {
  const rate = 8000;
  const view = new DataView(new ArrayBuffer(44 + rate));
  const ascii = (at: number, chars: string): void => {
    [...chars].forEach((char, offset) => view.setUint8(at + offset, char.charCodeAt(0)));
  };
  ascii(0, 'RIFF');
  view.setUint32(4, 36 + rate, true);
  ascii(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  ascii(36, 'data');
  view.setUint32(40, rate, true);
  for (let at = 0; at < rate; at += 1) view.setUint8(44 + at, 128 + 40 * Math.sin(at / 3));
  return new Blob([view.buffer], { type: 'audio/wav' });
}

const README = `# The allotment

What grows **where**, and when. See [the plan](https://example.org/plan).

| bed | spring | summer |
| --- | --- | --- |
| 1 | peas, spinach | courgettes |
| 2 | onions | beans |

- [x] order seeds
- [ ] mend the water butt
- [ ] paint the shed

> Everything in its season.

\`\`\`ts
export const beds = 6;
\`\`\`

<script>alert('never')</script>
`;

const CODE = `import { readFile } from 'node:fs/promises';

interface Bed {
  name: string;
  sownOn?: Date;
}

/** Reads the beds of a plan, one a line. */
export async function beds(path: string): Promise<Bed[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\\n')
    .filter((line) => line !== '')
    .map((name) => ({ name })); // dates come later
}
`;

const SHEET = `date,what,amount,paid by
2026-03-01,Seeds,42.80,Noa
2026-03-14,Timber for bed 6,118.00,Jonas
2026-04-02,"Water butt, 300 l",89.90,Noa
2026-05-11,Compost,36.00,Miriam
2026-06-20,Party,154.25,Jonas
`;

/** Somebody's personal space. */
export function home(): FakeTree {
  const tree = new FakeTree('space-home');
  let days = 0;
  const when = (): number => SAMPLE_NOW - (days += 1.7) * DAY_MS;
  const directory = (parent: string, name: string): string =>
    tree.add(parent, { kind: 'directory', name, modifiedMs: when() }).entry.id;
  const file = (parent: string, name: string, bytes: Blob): ReturnType<FakeTree['add']> =>
    tree.add(parent, { kind: 'file', name, modifiedMs: when() }, bytes);
  const sized = (parent: string, name: string, size: number): void => {
    tree.add(parent, { kind: 'file', name, size, modifiedMs: when(), version: `v-${name}` });
  };

  const photos = directory(tree.root, 'Photos');
  const lake = directory(photos, 'Summer at the lake');
  for (let at = 0; at < 9; at += 1) file(lake, `IMG_20260${710 + at}.jpg`, picture(at));
  const garden = directory(tree.root, 'Allotment');
  file(garden, 'README.md', text(README));
  file(garden, 'beds.ts', text(CODE));
  const costs = file(garden, 'Costs 2026.csv', text(SHEET));
  tree.write(costs, text(`${SHEET}2026-07-02,Hose,24.90,Miriam\n`), SAMPLE_NOW - 3 * DAY_MS);
  tree.write(
    costs,
    text(`${SHEET}2026-07-02,Hose,24.90,Miriam\n2026-08-09,Netting,17.50,Noa\n`),
    SAMPLE_NOW - DAY_MS,
  );
  const documents = directory(tree.root, 'Documents');
  sized(documents, 'Tenancy agreement.pdf', 384_211);
  sized(documents, 'Tax return 2025.pdf', 1_204_551);
  sized(documents, 'CV Noa Levi.docx', 48_302);
  sized(documents, 'Household budget.xlsx', 91_733);
  directory(documents, 'Insurance');
  const music = directory(tree.root, 'Music');
  file(music, 'Boats at night.wav', tone());
  directory(tree.root, 'Projects');
  const odd = directory(tree.root, 'Odd names');
  for (const name of NAUGHTY_NAMES) file(odd, name, text(name));
  directory(tree.root, 'Empty');
  file(tree.root, 'Notes for Sunday.md', text(README));
  file(tree.root, 'Harbour.jpg', picture(4));
  sized(tree.root, 'Grandma’s 80th birthday.mp4', 1_873_221_004);
  sized(tree.root, 'Backup of the old laptop.tar.zst', 48_112_903_221);
  sized(
    tree.root,
    'Flat plan, second floor, with all changes of the spring as agreed with the builder.pdf',
    6_120_331,
  );
  const gone = file(tree.root, 'Shopping list.txt', text('milk'));
  gone.deletedMs = SAMPLE_NOW - 2 * DAY_MS;
  const old = file(garden, 'Old plan.pdf', text('plan'));
  old.deletedMs = SAMPLE_NOW - 9 * DAY_MS;
  return tree;
}

/** A space with one directory of `count` files below its root. */
export function crowd(count: number): FakeTree {
  const tree = new FakeTree('space-archive');
  const all = tree.add(tree.root, { kind: 'directory', name: 'Everything', modifiedMs: SAMPLE_NOW }).entry.id;
  for (let at = 0; at < count; at += 1) {
    tree.add(all, {
      kind: 'file',
      name: `scan ${(at * 7919) % count}.pdf`,
      size: (at * 104_729) % 9_000_000,
      modifiedMs: SAMPLE_NOW - at * 60_000,
      version: `v${at}`,
    });
  }
  return tree;
}
