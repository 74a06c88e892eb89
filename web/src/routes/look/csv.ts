/** Rows of a CSV file (RFC 4180), at most `most` of them. Quoted fields may hold anything. */
export function parseRows(text: string, separator: string, most: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (quoted) {
      if (char !== '"') field += char;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (char === '"' && field === '') quoted = true;
    else if (char === separator) {
      row.push(field);
      field = '';
    } else if (char === '\n') {
      row.push(field.endsWith('\r') ? field.slice(0, -1) : field);
      field = '';
      rows.push(row);
      row = [];
      if (rows.length >= most) return rows;
    } else field += char;
  }
  if (field !== '' || row.length > 0) rows.push([...row, field]);
  return rows;
}

const SEPARATORS = [',', ';', '\t', '|'];

/** The separator that parts the first line into most fields. */
export function separatorOf(text: string): string {
  const [line = ''] = text.split('\n', 1);
  const count = (separator: string): number => line.split(separator).length;
  return SEPARATORS.reduce((best, tried) => (count(tried) > count(best) ? tried : best));
}
