import type { Author, Version } from '$lib/actions/types';
import { t } from '$lib/i18n/index.svelte';

/** Who it was, in words. */
export function authorName(author: Author): string {
  if (author.you) return t('you');
  return author.name ?? author.device ?? t('somebody');
}

/** The way by which a version came, in words: the device, or what stood in for one. */
export function authorWay({ by, through }: Version): string {
  if (through === 'link') return t('through.link');
  if (through === 'inbox') return t('through.inbox');
  return by.device ?? (through === 'server' ? t('through.server') : '');
}
