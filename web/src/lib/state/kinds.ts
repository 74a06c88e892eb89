import type { Entry } from '$lib/actions/types';

/** What a file is, as far as its name tells; how it is drawn and looked at. */
export type Kind =
  | 'folder'
  | 'space'
  | 'shortcut'
  | 'image'
  | 'video'
  | 'audio'
  | 'pdf'
  | 'markdown'
  | 'sheet'
  | 'code'
  | 'text'
  | 'document'
  | 'archive'
  | 'other';

const ENDINGS: Partial<Record<Kind, string>> = {
  image: 'jpg jpeg png gif webp avif bmp ico',
  video: 'mp4 m4v webm mov mkv ogv',
  audio: 'mp3 m4a aac ogg oga opus flac wav',
  pdf: 'pdf',
  markdown: 'md markdown',
  sheet: 'csv tsv',
  code: 'c cc cpp css go h hpp html java js json jsx kt lua mjs php pl py rb rs sh sql svelte svg swift toml ts tsx vue xml yaml yml zig',
  text: 'txt log ini conf cfg env srt vtt',
  document: 'doc docx odt rtf ppt pptx odp xls xlsx ods epub pages key numbers',
  archive: 'zip tar gz tgz bz2 xz zst 7z rar deb rpm iso dmg',
};

const BY_ENDING = new Map<string, Kind>(
  Object.entries(ENDINGS).flatMap(([kind, endings]) =>
    endings.split(' ').map((ending) => [ending, kind as Kind] as const),
  ),
);

/** Files without an ending whose names everybody knows. */
const BY_NAME = new Map<string, Kind>([
  ['makefile', 'code'],
  ['dockerfile', 'code'],
  ['readme', 'text'],
  ['license', 'text'],
  ['.gitignore', 'text'],
]);

export function kindOf(entry: Pick<Entry, 'kind' | 'name'>): Kind {
  if (entry.kind === 'directory') return 'folder';
  if (entry.kind === 'attachment') return 'space';
  if (entry.kind === 'symlink') return 'shortcut';
  return BY_NAME.get(entry.name.toLowerCase()) ?? BY_ENDING.get(endingOf(entry.name)) ?? 'other';
}

/** What follows the last dot, in small letters; nothing for `.profile`. */
export function endingOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
}
