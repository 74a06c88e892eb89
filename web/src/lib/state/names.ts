import { t } from '$lib/i18n/index.svelte';

/** What most file systems hold. */
const LONGEST_BYTES = 255;

/** Why something cannot be called so, in words; undefined where it can. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return t('name.empty');
  if (name === '.' || name === '..' || name.includes('/') || name.includes('\0')) return t('name.slash');
  if (new TextEncoder().encode(name).length > LONGEST_BYTES) return t('name.long');
  return undefined;
}
