import type { Space } from '$lib/actions/types';
import { t } from '$lib/i18n/index.svelte';

/** What a space is called on the screen. */
export function spaceName(space: Pick<Space, 'name' | 'personal'>): string {
  if (space.personal) return t('space.mine');
  return space.name ?? t('space.locked');
}
