import type { Entry } from '$lib/actions/types';
import { t, type Key } from '$lib/i18n/index.svelte';
import { endingOf, kindOf, type Kind } from './kinds';

const NAMES: Record<Kind, Key> = {
  folder: 'kind.folder',
  space: 'kind.space',
  shortcut: 'kind.symlink',
  image: 'kind.image',
  video: 'kind.video',
  audio: 'kind.audio',
  pdf: 'kind.document',
  markdown: 'kind.text',
  sheet: 'kind.sheet',
  code: 'kind.code',
  text: 'kind.text',
  document: 'kind.document',
  archive: 'kind.archive',
  other: 'kind.file',
};

/** What something is, in words: `Picture (JPG)`. */
export function kindName(entry: Pick<Entry, 'kind' | 'name'>): string {
  const name = t(NAMES[kindOf(entry)]);
  const ending = entry.kind === 'file' ? endingOf(entry.name) : '';
  return /^[a-z0-9]{1,5}$/.test(ending) ? `${name} (${ending.toUpperCase()})` : name;
}
