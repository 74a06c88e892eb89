/** Files that Rust's tests wrote: what every implementation of the formats has to read and write. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { fromHex } from '../bytes';

/** The bytes of a file below the top of the repository. */
export function repositoryFile(path: string): Uint8Array {
  const top = new URL('../../../../../', import.meta.url);
  return new Uint8Array(readFileSync(fileURLToPath(new URL(path, top))));
}

/** The text of a file below the top of the repository. */
export function repositoryText(path: string): string {
  return new TextDecoder().decode(repositoryFile(path));
}

/** The byte strings of a golden file of `crates/space`: a line of hexadecimal each. */
export function goldenLines(name: string): Uint8Array[] {
  const lines = repositoryText(`crates/space/tests/golden/${name}`).trim().split('\n');
  return lines.map(bytesOf);
}

/** The bytes of hexadecimal that is none of anybody else's. */
export function bytesOf(hexadecimal: string): Uint8Array {
  const bytes = fromHex(hexadecimal);
  if (bytes === null) throw new Error(`no hexadecimal: ${hexadecimal.slice(0, 20)}`);
  return bytes;
}

/** So many equal bytes. */
export function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}
