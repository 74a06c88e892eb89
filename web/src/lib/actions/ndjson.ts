import { Problem } from './problem';

const LONGEST_LINE = 1 << 20;

/**
 * Reads lines of JSON as they arrive and hands them over piece by piece, one call for all that is whole.
 * Returns the last line, `{"end":true,…}`: a listing without it was cut off and is none.
 */
export async function readLines<Line>(
  body: ReadableStream<Uint8Array>,
  take: (lines: Line[]) => void,
): Promise<Record<string, unknown>> {
  let rest = '';
  let end: Record<string, unknown> | undefined;
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new Problem('other', 'a line of the answer is too long');
    const whole: Line[] = [];
    for (const line of lines) {
      if (line === '') continue;
      const read = JSON.parse(line) as Record<string, unknown>;
      if (read['end'] === true) end = read;
      else whole.push(read as Line);
    }
    if (whole.length > 0) take(whole);
  }
  if (rest !== '' || !end) throw new Problem('offline', 'the answer was cut off');
  return end;
}
