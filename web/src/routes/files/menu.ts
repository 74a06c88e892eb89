import CopyIcon from '@lucide/svelte/icons/copy';
import DownloadIcon from '@lucide/svelte/icons/download';
import MoveIcon from '@lucide/svelte/icons/folder-input';
import HistoryIcon from '@lucide/svelte/icons/history';
import OpenIcon from '@lucide/svelte/icons/eye';
import PencilIcon from '@lucide/svelte/icons/pencil';
import TrashIcon from '@lucide/svelte/icons/trash-2';
import type { MenuItem } from '$lib/components/Menu.svelte';
import { t } from '$lib/i18n/index.svelte';
import type { Browser } from './browser.svelte';
import { view } from './view.svelte';

/** What can be done with the chosen entries. */
export function entryMenu(browser: Browser): MenuItem[] {
  const entries = browser.chosen;
  const [only] = entries;
  const items: MenuItem[] = [];
  if (only && entries.length === 1) {
    items.push({ label: t('open'), icon: OpenIcon, keys: '↵', run: () => browser.open(only) });
  }
  items.push({ label: t('download'), icon: DownloadIcon, run: () => browser.download() });
  if (only?.kind === 'file' && entries.length === 1) {
    items.push({ label: t('versions'), icon: HistoryIcon, run: () => (view.details = true) });
  }
  if (!browser.writable) return items;
  if (entries.length === 1) {
    items.push({
      label: t('rename'),
      icon: PencilIcon,
      keys: 'F2',
      apart: true,
      run: () => browser.startRename(),
    });
  }
  items.push(
    { label: t('move'), icon: MoveIcon, run: () => (browser.asking = { what: 'move', entries }) },
    { label: t('copy'), icon: CopyIcon, run: () => (browser.asking = { what: 'copy', entries }) },
    {
      label: t('delete'),
      icon: TrashIcon,
      keys: 'Del',
      danger: true,
      apart: true,
      run: () => void browser.remove(),
    },
  );
  return items;
}
