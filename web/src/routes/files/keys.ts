import type { Browser } from './browser.svelte';

export interface GridShape {
  columns: number;
  /** How many entries a page has. */
  page: number;
  /** Brings an entry into sight. */
  show: (index: number) => void;
}

const TYPED_FOR_MS = 800;

/** The keys of a list of entries. */
export function onGridKey(event: KeyboardEvent, browser: Browser, shape: GridShape): void {
  if (event.target !== event.currentTarget && event.target instanceof HTMLButtonElement) return;
  if (moveBy(event, browser, shape) || act(event, browser) || findByLetters(event, browser, shape)) {
    event.preventDefault();
    event.stopPropagation();
  }
}

function moveBy(event: KeyboardEvent, browser: Browser, shape: GridShape): boolean {
  const { selection, entries } = browser;
  if (entries.length === 0 || event.altKey) return false;
  const rtl = document.documentElement.dir === 'rtl';
  const side = shape.columns > 1 ? 1 : 0;
  const last = entries.length - 1;
  const steps: Record<string, number> = {
    ArrowDown: shape.columns,
    ArrowUp: -shape.columns,
    ArrowRight: rtl ? -side : side,
    ArrowLeft: rtl ? side : -side,
    PageDown: shape.page,
    PageUp: -shape.page,
    Home: -entries.length,
    End: entries.length,
  };
  const step = steps[event.key];
  if (step === undefined || step === 0) return false;
  const from = selection.at;
  const to = from < 0 ? (event.key === 'End' ? last : 0) : Math.min(last, Math.max(0, from + step));
  if (event.shiftKey) selection.range(entries, to);
  else if (event.ctrlKey || event.metaKey) selection.at = to;
  else selection.only(entries, to);
  shape.show(to);
  return true;
}

function act(event: KeyboardEvent, browser: Browser): boolean {
  const { selection, entries } = browser;
  const command = event.ctrlKey || event.metaKey;
  const entry = entries[selection.at];
  if (event.key === 'Enter' && entry) browser.open(entry);
  else if (event.key === ' ' && entry) selection.toggle(entries, selection.at);
  else if (event.key === 'F2' && selection.size === 1) browser.startRename();
  else if (event.key === 'Delete' || (event.key === 'Backspace' && event.metaKey)) void browser.remove();
  else if (event.key === 'Escape' && selection.size > 0) selection.clear();
  else if (event.key === 'Backspace' || (event.altKey && event.key === 'ArrowUp')) browser.up();
  else if (command && event.key === 'a') selection.all(entries);
  else return false;
  return true;
}

/** Goes to the next entry whose name begins with what is typed. */
function findByLetters(event: KeyboardEvent, browser: Browser, shape: GridShape): boolean {
  if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey || event.key === '/')
    return false;
  const before = browser.typed;
  const text = event.timeStamp - before.at > TYPED_FOR_MS ? event.key : before.text + event.key;
  browser.typed = { text, at: event.timeStamp };
  const wanted = text.toLocaleLowerCase();
  const { entries, selection } = browser;
  const begin = text.length === 1 ? selection.at + 1 : Math.max(0, selection.at);
  for (let step = 0; step < entries.length; step += 1) {
    const index = (begin + step) % entries.length;
    if (!entries[index]?.name.toLocaleLowerCase().startsWith(wanted)) continue;
    selection.only(entries, index);
    shape.show(index);
    return true;
  }
  return false;
}
